"""The pool file: its format, writing and reading it, and what a part is."""
