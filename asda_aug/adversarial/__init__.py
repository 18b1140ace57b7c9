"""A generator that learns where parts hurt most."""
