"""``python -m partpool_cli``."""

from .main import run

run()
