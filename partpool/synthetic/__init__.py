"""Synthetic people: pictures and label maps that belong to nobody."""
