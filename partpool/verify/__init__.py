"""What is wrong with a pool file."""
