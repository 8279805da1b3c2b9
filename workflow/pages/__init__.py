"""Pages outside the admin, and the parts that they share with the support pages in it."""
