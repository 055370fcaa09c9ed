"""Tracking plans: read in every form that Segment writes, and held against events. Pure functions.

`read_plan` in `segcli.plan.reading` reads one, `PlanIndex` joins several, `Judge` holds an event
against them, `PlanCoverage` says what was planned and never seen.
"""
