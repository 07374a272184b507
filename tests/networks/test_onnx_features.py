"""A frozen network by ONNX Runtime: the features of torch, and torch itself where that is not to be had."""

import pytest
import torch
from torch import nn

from kernelviz.networks import onnx_features
from kernelviz.networks.onnx_features import OnnxFeatures, faster

IMAGES = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU6(), nn.Flatten()).eval()


class Counting(nn.Module):
    """Gives other features than those that an exporter has seen: it depends on the number of images as a constant."""

    def forward(self, images):
        return images.flatten(1) * len(images.tolist())


class Python(nn.Module):
    """Leaves torch on its way, which cannot be exported."""

    def forward(self, images):
        return torch.tensor([[float(image.sum())] for image in images]) if not torch.jit.is_tracing() else None


def test_the_features_are_those_of_torch():
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package)
    own = network()
    found = faster(own, (3, 8, 8))
    assert isinstance(found, OnnxFeatures)
    with torch.no_grad():
        torch.testing.assert_close(found(IMAGES), own(IMAGES), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", [Counting, Python])
def test_what_cannot_be_exported_stays_with_torch(kind):
    own = kind().eval()
    assert faster(own, (3, 8, 8)) is own


def test_without_the_packages_it_is_torch(monkeypatch):
    monkeypatch.setattr(onnx_features, "find_spec", lambda name: None)
    own = network()
    assert faster(own, (3, 8, 8)) is own
