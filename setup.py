"""The compiled loops. Everything else about the distribution is in pyproject.toml."""

from setuptools import Extension, setup


def loops(module: str) -> Extension:
    """A compiled module. Without a C compiler the package installs without it, and NumPy and OpenCV do its work."""
    # Loops over pixels are only worth it if the compiler makes vector code of them, whatever CFLAGS says.
    return Extension(module, [module.replace(".", "/") + ".c"], extra_compile_args=["-O3"], optional=True)


MODULES = ("partpool._cut", "partpool._regions", "asda_aug._draw")

setup(ext_modules=[loops(module) for module in MODULES])
