"""``python -m partpool_cli``."""

from partpool_cli.main import run

run()
