"""An append-only trail of entries, chained per subject. Knows nothing of workflows."""
