"""What people do about work: each act states who and why, and is an entry of the trail."""
