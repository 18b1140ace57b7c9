"""The compiled loops. Everything else about the distribution is in pyproject.toml."""

from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


def loops(module: str, *headers: str) -> Extension:
    """A compiled module. Without a C compiler the package installs without it, and NumPy and OpenCV do its work."""
    source = module.replace(".", "/") + ".c"
    # Loops over pixels are only worth it if the compiler makes vector code of them, whatever CFLAGS says.
    return Extension(module, [source], depends=list(headers), extra_compile_args=["-O3"], optional=True)


class BuildLoops(build_ext):
    """Says which loops could not be compiled; pip shows it with -v, and ``partpool --version`` says so at any time."""

    def run(self) -> None:
        """Compile what can be compiled; of what cannot, nothing older stays."""
        for ext in self.extensions:
            for path in (self.get_ext_fullpath(ext.name), self.get_ext_filename(ext.name)):
                Path(path).unlink(missing_ok=True)
        super().run()
        left_out = [ext.name for ext in self.extensions if not Path(self.get_ext_fullpath(ext.name)).exists()]
        if left_out:
            self.warn(
                f"{', '.join(left_out)} could not be compiled, as said above. NumPy and OpenCV will do the same, more "
                "slowly; once there is a working C compiler with Python's headers, install again"
            )


setup(
    cmdclass={"build_ext": BuildLoops},
    ext_modules=[
        loops("partpool.cutting._cut"),
        loops("asda_aug.pasting._draw", "asda_aug/pasting/_blend.h", "asda_aug/pasting/_patch.h"),
    ],
)
