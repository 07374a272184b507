"""The statistics of a backbone's stages: those of its last maps of each shape."""

import numpy as np
import pytest
import torch

from kernelviz.data.batches import pixels
from kernelviz.evaluation.stage_statistics import stage_statistics
from kernelviz.networks import Backbone, EmbeddingNetwork
from kernelviz.networks.resnet import ResNet
from kernelviz.networks.truncated import truncated


@pytest.fixture(scope="module")
def backbone():
    torch.manual_seed(0)
    return Backbone("resnet32", 7, "0" * 64, truncated(ResNet(n=1).eval(), 7))


@pytest.fixture(scope="module")
def network(backbone):
    return EmbeddingNetwork((3, 16, 16), (8,), (), (5, 5), has_decoder=False, classes=2, backbone=backbone).eval()


def test_each_stage_ends_in_maps_of_its_own_shape(network):
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    found = stage_statistics(network, images)
    assert found.shape == (3, 2 * (16 + 32 + 64))
    last = network.features(pixels(images))
    np.testing.assert_allclose(found[:, -128:-64], last.mean((2, 3)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[:, -64:], last.std((2, 3)), rtol=1e-4, atol=1e-5)


def test_they_are_those_of_one_image_whatever_its_neighbours(network):
    images = np.random.default_rng(1).integers(0, 256, (70, 16, 16, 3), np.uint8)
    np.testing.assert_allclose(
        stage_statistics(network, images)[-1:], stage_statistics(network, images[-1:]), atol=1e-5
    )


def test_a_backbone_without_maps_has_none(network, monkeypatch):
    monkeypatch.setattr(network.backbone[1], "layers", torch.nn.Sequential(torch.nn.Flatten()))
    assert stage_statistics(network, np.zeros((2, 16, 16, 3), np.uint8)).shape == (2, 0)
