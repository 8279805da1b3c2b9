"""Processes that do the work: broker, turns, supervision."""
