"""Settings, addresses and logs of the project as deployed."""
