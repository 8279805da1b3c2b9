"""What is taken away: entries, seals, proofs and keys in one file that checks itself offline."""
