"""What a campaign does to those that run: one file for each kind of harm."""
