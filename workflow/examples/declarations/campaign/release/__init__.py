"""What the processes of a campaign run: a small app without tables, in several releases."""
