"""From items to a pool file, on one machine or many."""
