"""Tracking plans: reads all forms that Segment writes, and compares events with them. Pure.

`read_plan` in `segcli.plan.reading` reads a plan, `PlanIndex` joins several, `Judge` compares an
event with them, and `PlanCoverage` finds what is planned and in no event.
"""
