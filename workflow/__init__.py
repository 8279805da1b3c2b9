"""Retry-safe status transitions of regulated records."""
