"""The compiled loops. Everything else about the distribution is in pyproject.toml."""

from setuptools import Extension, setup


def loops(module: str, *headers: str) -> Extension:
    """A compiled module. Without a C compiler the package installs without it, and NumPy and OpenCV do its work."""
    source = module.replace(".", "/") + ".c"
    # Loops over pixels are only worth it if the compiler makes vector code of them, whatever CFLAGS says.
    return Extension(module, [source], depends=list(headers), extra_compile_args=["-O3"], optional=True)


setup(
    ext_modules=[
        loops("partpool.cutting._cut"),
        loops("asda_aug.pasting._draw", "asda_aug/pasting/_blend.h", "asda_aug/pasting/_patch.h"),
    ]
)
