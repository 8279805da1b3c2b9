"""Answers for pages and the API: what happened, how it stands, what is possible, what is stuck.

Reading only. Every answer takes a number of statements that does not grow with what it tells of.
"""
