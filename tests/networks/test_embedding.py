"""The embedding network: the paper's layout, the shapes of its parts, coordinates that depend on the image alone."""

import pytest
import torch
from torch import nn

from kernelviz.errors import UserError
from kernelviz.layers import Grid
from kernelviz.layers.kernels import Gaussian
from kernelviz.layers.probe import Probe, gaussian_bump
from kernelviz.networks.backbones import Backbone
from kernelviz.networks.embedding import EmbeddingNetwork, dense
from kernelviz.networks.truncated import Truncated

SMALL = {"encoder": (20, 30), "decoder": (10,), "grid": (5, 8), "classes": 4}


@pytest.fixture(autouse=True)
def seeded():
    """Networks take their start from torch's own generator."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def shapes(module):
    return [tuple(parameter.shape) for parameter in module.parameters() if parameter.ndim == 2]


def test_default_is_the_layout_of_the_paper():
    with torch.device("meta"):  # shapes only
        network = EmbeddingNetwork(classes=10)
    assert shapes(network.encoder) == [(2000, 784), (2000, 2000), (2500, 2000)]
    assert [tuple(getattr(network.kernel_layer, name).shape) for name in ("u", "v", "alpha")] == [
        (2500, 2),
        (1600, 2),
        (2500,),
    ]
    assert network.kernel_layer.bias is None
    assert network.grid == Grid(40, 40, 4.0)
    assert shapes(network.decoder) == [(2000, 1600), (2000, 2000), (784, 2000)]
    assert shapes(network.classifier) == [(2000, 1600), (2000, 2000), (10, 2000)]


def test_default_has_a_decoder_and_no_class_head():
    with torch.device("meta"):
        network, classifier = EmbeddingNetwork(), EmbeddingNetwork(has_decoder=False, classes=10)
    assert isinstance(network.decoder, nn.Module) and network.classifier is None
    assert classifier.decoder is None and isinstance(classifier.classifier, nn.Module)


def test_dense_layers_have_relu_between_them_only():
    assert [type(layer) for layer in dense(3, (5, 4, 2))] == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]
    assert shapes(nn.Sequential(*dense(3, (5, 4, 2)))) == [(5, 3), (4, 5), (2, 4)]


def test_arguments_reach_the_layers():
    network = EmbeddingNetwork(**SMALL, extent=3.0, width=0.7, sparsity=0.6)
    assert network.kernel_layer.kernel == Gaussian(0.7)
    assert network.grid == network.kernel_layer.grid == Grid(5, 8, 3.0)
    assert network.clip.sparsity == 0.6
    assert 2 < network.kernel_layer.u.abs().max() <= 3.0  # the features start all over the grid


@pytest.mark.parametrize("image_shape", [(1, 6, 6), (3, 4, 7)])
@pytest.mark.parametrize("grid", [(5, 8), (8, 5), (4, 4)])
def test_shapes(image_shape, grid):
    network = EmbeddingNetwork(image_shape, **SMALL | {"grid": grid}).eval()
    images = torch.rand(9, *image_shape)
    activation = network.activation(images)
    assert network.field(images).shape == activation.shape == (9, grid[0] * grid[1])
    assert network.coordinates(activation).shape == (9, 2)
    assert network.decode(activation).shape == network.pixel_logits(activation).shape == images.shape
    assert network.class_logits(activation).shape == (9, 4)


def test_field_is_the_kernel_layer_of_normalised_features():
    network = EmbeddingNetwork((1, 6, 6), **SMALL)
    images = torch.rand(9, 1, 6, 6)
    features = network.encoder(images)
    torch.testing.assert_close(features.mean(0), torch.zeros(30), rtol=0, atol=1e-5)  # of both signs
    torch.testing.assert_close(network.field(images), features @ network.kernel_layer.weight())
    torch.testing.assert_close(network.activation(images), network.clip(network.field(images)))


@pytest.mark.parametrize("grid", [(5, 8), (8, 5)])
def test_coordinates_are_inside_the_grid(grid):
    network = EmbeddingNetwork((1, 6, 6), **SMALL | {"grid": grid})
    positions = network.grid.positions()
    coordinates = network.coordinates(network.activation(torch.rand(200, 1, 6, 6)))
    half = positions.amax(0) * (1 + 1e-6)  # the rounding of a mean of positions at the rim
    assert (coordinates.abs() <= half).all() and (coordinates.abs().amax(0) > 0.8 * half).all()


def test_an_activation_that_is_zero_has_no_coordinates():
    assert EmbeddingNetwork((1, 6, 6), **SMALL).coordinates(torch.zeros(1, 40)).isnan().all()


@pytest.mark.parametrize("probe", [Probe(0.5, 1.0), Probe(1.5, 100.0)])
def test_a_probe_is_decoded_with_pixels_in_0_1(probe):
    network = EmbeddingNetwork((3, 4, 7), **SMALL).eval()
    bumps = gaussian_bump(torch.tensor([[0.0, 0.0], [1.0, -2.0], [4.0, 2.0]]), network.grid, probe)
    decoded = network.decode(network.clip(bumps))
    assert decoded.shape == (3, 3, 4, 7)
    assert decoded.min() >= 0 and decoded.max() <= 1
    assert not torch.equal(decoded[0], decoded[1])
    torch.testing.assert_close(decoded, 1 / (1 + (-network.pixel_logits(network.clip(bumps))).exp()))


def test_every_parameter_is_reached_from_both_ends():
    network = EmbeddingNetwork((1, 6, 6), **SMALL)
    images = torch.rand(9, 1, 6, 6)
    activation = network.activation(images)
    (network.decode(activation).square().sum() + network.class_logits(activation).square().sum()).backward()
    assert all(p.grad.isfinite().all() and p.grad.any() for p in network.parameters())


def made_again(network):
    """The network that the arguments of run.json make, where "draws" is the key of has_decoder."""
    arguments = dict(network.arguments)
    has_decoder = arguments.pop("draws")
    return EmbeddingNetwork(**arguments, has_decoder=has_decoder)


def test_a_network_is_made_again_from_its_arguments():
    network = EmbeddingNetwork((3, 4, 7), **SMALL, extent=3.0, width=0.7, sparsity=0.6).eval()
    again = made_again(network).eval()
    again.load_state_dict(network.state_dict())
    images = torch.rand(5, 3, 4, 7)
    assert torch.equal(again.activation(images), network.activation(images))
    assert again.arguments == network.arguments


def test_the_decoder_is_given_the_activation_itself_or_the_bump_at_its_coordinates():
    activation = torch.rand(3, 36)
    assert EmbeddingNetwork((1, 2, 3), encoder=(5,), decoder=(4,), grid=(6, 6)).code(activation) is activation
    network = EmbeddingNetwork((1, 2, 3), encoder=(5,), decoder=(4,), grid=(6, 6), canonical=0.9)
    bumps = network.clip(gaussian_bump(network.coordinates(activation), network.grid, Probe(0.9, 1.0)))
    torch.testing.assert_close(network.code(activation), bumps)
    assert not made_again(network).load_state_dict(network.state_dict()).missing_keys
    assert made_again(network).canonical == Probe(0.9, 1.0)


@pytest.mark.parametrize("image_shape, wanted", [((1, 28, 28), 6 * 7 * 7), ((3, 8, 5), 6 * 2 * 2), ((1, 1, 9), 6 * 3)])
def test_convolutions_halve_the_sides_before_the_dense_layers(image_shape, wanted):
    network = EmbeddingNetwork(image_shape, **SMALL, convolutions=(4, 6)).eval()
    assert shapes(network.encoder)[0] == (20, wanted)
    kinds = [type(layer) for layer in network.encoder[:5]]
    assert kinds == [nn.Conv2d, nn.ReLU, nn.Conv2d, nn.ReLU, nn.Flatten]
    assert network.activation(torch.rand(3, *image_shape)).shape == (3, 40)
    assert not made_again(network).load_state_dict(network.state_dict()).missing_keys


def backbone_of(*layers):
    return Backbone("own:net", "0", "0" * 64, Truncated(nn.Sequential(*layers)))


def test_convolutions_take_the_features_of_a_backbone_also_where_they_are_stored_flat():
    network = EmbeddingNetwork((3, 8, 8), **SMALL, convolutions=(4,), backbone=backbone_of(nn.Identity())).eval()
    assert shapes(network.encoder)[0] == (20, 4 * 4 * 4)
    features = network.features(torch.rand(2, 3, 8, 8))
    assert features.shape == (2, 3, 8, 8)
    assert torch.equal(network.activation_of(features), network.activation_of(features.flatten(1)))


def test_features_without_sides_cannot_be_convolved():
    with pytest.raises(UserError, match=r"shape \(192,\) have no height and width to convolve"):
        EmbeddingNetwork((3, 8, 8), **SMALL, convolutions=(4,), backbone=backbone_of(nn.Flatten()))


def test_a_decoder_of_other_images_than_those_that_are_embedded():
    network = EmbeddingNetwork(
        image_shape=(3, 20, 20), encoder=(16,), decoder=(8,), grid=(5, 5), decoded_shape=(3, 64, 64)
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


def test_an_encoder_of_oriented_gradients_sees_edges_and_no_light():
    network = EmbeddingNetwork((3, 9, 5), **SMALL, gradients=True, convolutions=(4,)).eval()
    assert shapes(network.encoder)[0] == (20, 4 * 4 * 3)  # of 8 directions in 7 x 5 cells
    images = torch.rand(6, 3, 9, 5)
    torch.testing.assert_close(network.field(images), network.field(images / 3 + 0.2), atol=1e-5, rtol=1e-4)
    assert made_again(network).arguments["gradients"]


def test_only_pixels_have_oriented_gradients():
    with pytest.raises(UserError, match="oriented gradients are of pixels"):
        EmbeddingNetwork((1, 1, 5), **SMALL, gradients=True, of_vectors=True)
