"""What machines ask about the installation: metrics and health."""
