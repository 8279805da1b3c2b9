"""The yardstick: the same books, kept by a loop that is written by hand for nothing else.

Raw SQL in batches, no framework, no recovery, no checks: about as fast as it goes on this machine
and database with envelope, attempt, history, chained entries and effect ledger.
"""
