"""The command line of partpool, installed as ``partpool_cli``."""
