"""Sending a public log of real declarations through the live engine, and what came of it."""
