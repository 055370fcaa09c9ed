"""Tracking plans: reads every form that Segment writes, and compares events with them. Pure.

`read_plan` in `segcli.plan.reading` reads a plan, `PlanIndex` joins several, `Judge` compares an
event with them, and `PlanCoverage` finds what is planned and occurs in no event.
"""
