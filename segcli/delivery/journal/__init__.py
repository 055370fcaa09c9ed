"""The journal: what is settled, on disk, so that a stopped run can go on with what is not.

`past` has its format, `resume` finds where a run begins, `reading` leaves out what is settled, and
`sync` is how anything gets on disk.
"""
