"""Trying the invariants on the adopter's own database server: `manage.py conformance`.

The engine relies on what a server does: that a unique constraint holds under concurrent inserts,
that a trigger refuses, what one transaction sees of another. Each check tries one such thing, over
real concurrent connections where that matters, and says what it saw. They run in a scratch
database (`workflow.testing.scratch`), since what they enter in the trail cannot be removed.

`check` is what a check is; `identity`, `guarding`, `concurrency` and `values` are the checks;
`run` runs them, `report` tells.
"""
