from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from asda_aug import Frame, Placement, coverage, forward_matrix, paste
from asda_aug.pasting import compiled
from asda_aug_parts import make_part

SCRIPT = """
import sys
if {hidden}:
    sys.modules["asda_aug.pasting._draw"] = None
from asda_aug.pasting.compiled import COMPILED, loops
assert "torch" not in sys.modules
assert COMPILED == (loops is not None)
print(COMPILED)
"""


def switched(hidden: bool) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(hidden=hidden)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_switch_says_whether_the_loops_are_there_and_needs_no_torch() -> None:
    assert switched(hidden=False) == str(compiled.COMPILED)
    assert switched(hidden=True) == "False"


def test_the_switch_decides_for_pixels_and_for_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    class Called(Exception):  # noqa: N818 - nothing went wrong
        pass

    class Loops:
        def paste(self, *_: object) -> bool:
            raise Called

        shares = paste

    part = make_part(np.random.default_rng(0))
    pasted = [(part, forward_matrix(Placement(), part.size, 40, Frame.of_image(64, 64)))]
    monkeypatch.setattr(compiled, "loops", Loops())
    for on in (True, False):
        monkeypatch.setattr(compiled, "COMPILED", on)
        for use in (
            lambda: paste(np.zeros((64, 64, 3), np.uint8), pasted),
            lambda: coverage(pasted, [[32, 32]], (64, 64)),
        ):
            if on:
                with pytest.raises(Called):
                    use()
            else:
                use()
