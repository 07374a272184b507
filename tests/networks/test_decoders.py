"""Image decoders of any size."""

import pytest
import torch

from kernelviz.networks import EmbeddingNetwork
from kernelviz.networks.decoders import convolutional_decoder


@pytest.mark.parametrize("shape", [(3, 64, 64), (3, 96, 96), (1, 28, 28), (3, 8, 8), (3, 32, 48)], ids=str)
def test_a_convolutional_decoder_makes_images_of_any_shape(shape):
    channels, height, width = shape
    assert convolutional_decoder(9, (16,), shape)(torch.rand(2, 9)).shape == (2, channels * height * width)


def test_a_decoder_of_other_images_than_those_that_are_embedded():
    network = EmbeddingNetwork(
        image_shape=(3, 20, 20),
        encoder=(16,),
        decoder=(8,),
        grid=(5, 5),
        decoded_shape=(3, 64, 64),
        convolutional=True,
    ).eval()
    images = torch.rand(2, 3, 20, 20)
    assert network.decode(network.activation(images)).shape == (2, 3, 64, 64)
    assert network.targets(images).shape == (2, 3, 64, 64)


def test_of_unit_features_only_the_direction_counts_and_noise_is_for_training():
    network = EmbeddingNetwork(
        image_shape=(1, 4, 4), encoder=(16, 8), decoder=(8,), grid=(5, 5), unit_features=True, noise=0.5
    )
    images = torch.rand(6, 1, 4, 4)
    network.eval()
    torch.testing.assert_close(network.field(images), network.field(images / 3))
    network.train()
    assert not torch.equal(network.field(images), network.field(images))
