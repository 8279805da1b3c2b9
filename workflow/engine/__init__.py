"""The steps of a transition, one verb a file; every change of state goes through one of them."""
