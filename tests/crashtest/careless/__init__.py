"""An app whose developer believes that the payment provider honours keys. It does not."""
