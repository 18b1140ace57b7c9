"""Builds under faults, and what must be true of them all the same."""
