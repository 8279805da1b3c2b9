"""An app with one workflow, whose guard misbehaves on request; it has no tables of its own."""
