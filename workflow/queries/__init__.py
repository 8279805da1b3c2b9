"""What pages, the API and commands read; nothing here writes or decides."""
