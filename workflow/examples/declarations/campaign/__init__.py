"""The fault campaign: everything is broken again and again under load, and then all is counted."""
