"""The command line of partpool, installed as ``partpool_cli``."""

INTERRUPTED = 130
"""Exit code after Ctrl-C; it stands here because importing anything else takes long enough to be interrupted."""
