"""Public names load what they need when they are used, and keep their meaning whatever is imported first."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("first", ["import asda_aug.batch.compose", "import asda_aug", "from asda_aug import compose"])
def test_a_function_keeps_the_name_of_its_module(first: str) -> None:
    code = f"{first}\nimport asda_aug\nassert asda_aug.compose.__name__ == 'compose' and callable(asda_aug.compose)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
