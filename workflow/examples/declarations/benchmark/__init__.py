"""`benchmark`: how fast, beside a hand-written loop that keeps the same books."""
