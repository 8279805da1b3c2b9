"""Downstream calls: claimed from the ledger, made, recorded, recovered, undone."""
