"""Which parts go where, from which random numbers."""
