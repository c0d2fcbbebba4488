"""Drift: how the people a provider exports differ from those of its connection here.

``reading`` takes a file in, as a table or (``scim``) as SCIM resources, and makes it lines of
people. ``run`` compares these with the store (``comparing``), and notes what differs; ``fixing``
makes the store what the file says. The rows' meaning and their writes are those of ``imports``.
"""
