"""The product on show: declarations of its own making, web, workers, and one way to stop."""
