"""Answers for pages, the API and commands: what happened, how it stands, what is possible.

Reading only. Every answer takes a number of statements that does not grow with what it tells of.
"""
