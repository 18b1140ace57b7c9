"""Entry point of the console script, and of ``python -m partpool_cli``."""

import sys

from . import INTERRUPTED


def run() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, also while modules are still being imported."""
    try:
        from .main import run as run_app

        run_app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    run()
