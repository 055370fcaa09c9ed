"""What people look at in a browser: the report as a page, and the local page of `segcli ui`.

The libraries for that are in the extra `ui`, and are imported in this room only.
"""
