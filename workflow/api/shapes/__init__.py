"""What is sent and taken, as schemas; each file with the functions that fill its own."""
