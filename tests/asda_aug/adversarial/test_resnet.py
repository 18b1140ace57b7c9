"""The trunk is torchvision's, by names, shapes and numbers."""

from __future__ import annotations

import pytest
import torch

from asda_aug import Generator
from asda_aug.adversarial.resnet import BasicBlock, ResNet18
from players import CLASSES


def test_the_trunk_is_torchvisions() -> None:
    try:
        from torchvision.models import resnet18
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"torchvision does not work with this PyTorch: {error}")
    reference = resnet18(weights=None).eval()
    generator = Generator(CLASSES, weights=reference.state_dict(), input_size="full").eval()
    images = torch.randn(2, 3, 64, 64)
    reference.avgpool, reference.fc = torch.nn.Identity(), torch.nn.Identity()
    expected = reference(images).view(2, 512, 2, 2)
    torch.testing.assert_close(generator.backbone(images), expected)


def test_the_trunk_has_torchvisions_names_and_shapes() -> None:
    state = ResNet18().state_dict()
    assert len(state) == 120
    assert (
        sum(tensor.numel() for name, tensor in state.items() if "running" not in name and "num" not in name) == 11176512
    )
    assert state["layer3.0.downsample.0.weight"].shape == (256, 128, 1, 1)
    assert state["layer4.1.bn2.running_var"].shape == (512,)
    assert state["conv1.weight"].shape == (64, 3, 7, 7)


@pytest.mark.parametrize(("height", "width"), [(64, 48), (33, 65), (224, 160)])
def test_features_are_a_thirty_second_of_the_image(height: int, width: int) -> None:
    features = ResNet18().eval()(torch.zeros(1, 3, height, width))
    assert features.shape == (1, ResNet18.num_features, -(-height // 32), -(-width // 32))


def test_a_block_without_its_convolutions_is_its_shortcut() -> None:
    block = BasicBlock(4, 4, 1).eval()
    torch.nn.init.zeros_(block.bn2.weight)
    features = torch.randn(2, 4, 6, 5)
    assert block.downsample is None
    assert torch.equal(block(features), features.clamp(min=0))
