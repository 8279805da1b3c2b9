"""Real processes, real SIGKILL, real databases; what is left behind must be whole."""
