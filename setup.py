"""The compiled loops. Everything else about the distribution is in pyproject.toml."""

from setuptools import Extension, setup

# Without a C compiler the package still installs; NumPy and OpenCV then do the same work, more slowly.
setup(
    ext_modules=[
        Extension("partpool._cut", ["partpool/_cut.c"], optional=True),
        Extension("asda_aug._draw", ["asda_aug/_draw.c"], optional=True),
    ]
)
