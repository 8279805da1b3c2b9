"""What an adopter's own tests use."""
