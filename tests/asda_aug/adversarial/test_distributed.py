"""Two processes train as one does on the joint batch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from asda_aug import AdversarialAugmenter
from players import assert_same, gradients, small_batch, small_generator, small_pose_network, weights

TESTS = Path(__file__).parents[2]


@pytest.mark.parametrize("mode", ["one-pass", "alternate"])
@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="PyTorch is built without gloo")
@pytest.mark.slow
def test_two_ranks_equal_one_process(mode: Any, tmp_path: Path) -> None:
    paths = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    command = [sys.executable, "-W", "ignore", str(TESTS / "asda_aug" / "adversarial" / "ddp_program.py")]
    ranks = [
        subprocess.Popen(
            [*command, str(rank), str(tmp_path / "store"), str(tmp_path / f"rank{rank}"), mode],
            env={**os.environ, "PYTHONPATH": paths, "GLOO_SOCKET_IFNAME": "lo"}, stderr=subprocess.PIPE,
        )
        for rank in range(2)
    ]  # fmt: skip
    try:
        for rank in ranks:
            _, err = rank.communicate(timeout=180)
            assert rank.returncode == 0, err.decode()
    finally:
        for rank in ranks:
            rank.kill()
    seen = [torch.load(tmp_path / f"rank{rank}", weights_only=True) for rank in range(2)]

    generator, network = small_generator(norm=False), small_pose_network(norm=False)
    asda = AdversarialAugmenter(generator, preset="paper", mode=mode, discriminator=network)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    for step in range(2):
        images, parts, target = small_batch(step)
        if step == 1:
            parts.valid[2:] = False
        loss = functional.mse_loss(network(asda(images, parts)), target)
        optimizer.zero_grad()
        loss.backward()
        for results, _, _ in seen:
            assert_same(results[step][0], gradients(generator), atol=1e-7, rtol=1e-3)
            assert_same(results[step][1], gradients(network), atol=1e-7, rtol=1e-3)
        optimizer.step()
        asda.step(lambda pasted, target=target: functional.mse_loss(network(pasted), target))
    for _, generators, networks in seen:
        assert_same(generators, weights(generator), atol=2e-4, rtol=1e-2)
        assert_same(networks, weights(network), atol=1e-5, rtol=1e-3)
    assert_same(seen[0][1], seen[1][1])
