"""Calls to the world outside, and what has to be known about them before and after."""
