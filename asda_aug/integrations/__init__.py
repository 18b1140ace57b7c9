"""Thin classes for frameworks that want one of their own. Nothing here is imported before it is asked for."""
