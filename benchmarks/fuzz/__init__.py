"""Damaged files of every kind that partpool reads, and the code that must survive them."""
