"""What the commands show and start: progress on a terminal, child processes."""
