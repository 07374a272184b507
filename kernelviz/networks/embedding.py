"""The embedding network of section 3.3: dense layers, the 2-D kernel layer with its clip, decoder and class head."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from kernelviz.errors import UserError
from kernelviz.layers import Grid, KernelLinear, PercentileClip, center_of_mass
from kernelviz.layers.gradients import OrientedGradients, shape_of_gradients
from kernelviz.layers.kernels import Gaussian
from kernelviz.layers.probe import Probe, probes_at_centers
from kernelviz.networks.backbones import Backbone


class EmbeddingNetwork(nn.Module):
    """Images -> encoder -> kernel layer -> clip -> activation on the grid -> image decoder and / or class head.

    The defaults are the paper's layout 784-2000-2000-2500-K1600-2000-2000-(784 | 10). Pixels are in [0, 1].

    Args:
        image_shape: channels, height, width.
        encoder: widths of the dense layers before the kernel layer.
        convolutions: widths of convolutions before these, 3 x 3 with stride 2 and a ReLU.
        decoder: widths of the hidden layers after it.
        grid: rows and columns of the kernel layer.
        extent, width: half the side of the grid and width of the Gaussian kernel, in the same units.
        sparsity: lambda of the clip, Eq. (9).
        has_decoder: whether there is an image decoder.
        classes: number of classes of the class head; 0 for none.
        canonical: width of the probe of height 1, laid at the activation's center of mass, that the image decoder takes
            instead of the activation, so that it decodes from the coordinates alone; None: it takes the activation.
        rectified: whether a ReLU comes before the BatchNorm that the kernel layer takes its features from.
        dropout: share of the encoder's inputs that is left out while it learns.
        unit_features: whether the features of each image are scaled to the same length, so that only their direction
            counts, as for the cosine; their mean square is then 1.
        noise: standard deviation of Gaussian noise that is added to the features while the encoder learns.
        decoded_shape: channels, height, width of the images that the decoder makes; None: the image_shape.
        of_vectors: whether it takes vectors of d numbers, as images of the shape (1, 1, d), and decodes such ones.
        gradients: whether the encoder takes the `OrientedGradients` of the pixels in their place.
        backbone: a truncated network, frozen, whose features the encoder takes (section 3.4); None: the encoder takes
            the pixels.
    """

    def __init__(
        self,
        image_shape: Sequence[int] = (1, 28, 28),
        encoder: Sequence[int] = (2000, 2000, 2500),
        decoder: Sequence[int] = (2000, 2000),
        grid: Sequence[int] = (40, 40),
        extent: float = 4.0,
        width: float = 2.0,
        sparsity: float = 0.95,
        has_decoder: bool = True,
        classes: int = 0,
        canonical: float | None = None,
        rectified: bool = False,
        dropout: float = 0.0,
        unit_features: bool = False,
        noise: float = 0.0,
        decoded_shape: Sequence[int] | None = None,
        of_vectors: bool = False,
        convolutions: Sequence[int] = (),
        gradients: bool = False,
        backbone: Backbone | None = None,
    ):
        super().__init__()
        if gradients and (backbone or of_vectors):
            raise UserError("oriented gradients are of pixels, not of vectors or of the features of a backbone")
        self.arguments = {
            "image_shape": list(image_shape),
            "encoder": list(encoder),
            "decoder": list(decoder),
            "grid": list(grid),
            "extent": extent,
            "width": width,
            "sparsity": sparsity,
            "draws": has_decoder,  # the key in format 1 of run.json
            "classes": classes,
            "canonical": canonical,
            "rectified": rectified,
            "dropout": dropout,
            "unit_features": unit_features,
            "noise": noise,
            "decoded_shape": list(decoded_shape) if decoded_shape else None,
            "of_vectors": of_vectors,
            "convolutions": list(convolutions),
            "gradients": gradients,
            "backbone": backbone.facts if backbone else None,
        }  # as run.json records them
        self.grid = Grid(*grid, extent)
        self.decoded_shape = tuple(decoded_shape or image_shape)
        self.backbone = backbone.extractor if backbone else None
        taken = backbone.shape_of_features(image_shape) if backbone else image_shape
        taken = shape_of_gradients(image_shape) if gradients else taken
        # Departure: BatchNorm instead of a ReLU before the kernel layer. Features that are never negative give every
        # image the same mean field and so the same coordinates; zero-mean features let the maximum move anywhere.
        self.encoder = nn.Sequential(
            # features that are stored are flat
            *([nn.Flatten(), nn.Unflatten(1, taken)] if backbone and convolutions else []),
            *([OrientedGradients()] if gradients else []),
            *convolutional(taken, convolutions),
            nn.Flatten(),
            *([UnitLength()] if unit_features else []),
            *([Noise(noise)] if noise else []),
            *([nn.Dropout(dropout)] if dropout else []),
            *dense(size_of_convolved(taken, convolutions), encoder),
            *([nn.ReLU()] if rectified else []),
            nn.BatchNorm1d(encoder[-1]),
        )
        self.kernel_layer = KernelLinear(
            encoder[-1],
            self.grid.size,
            dim=2,
            kernel=Gaussian(width),
            u=extent * (2 * torch.rand(encoder[-1], 2) - 1),
            v=self.grid,
        )
        self.clip = PercentileClip(sparsity)
        self.canonical = Probe(canonical, 1.0) if canonical else None
        self.of_vectors = of_vectors
        pixels = math.prod(self.decoded_shape)
        layers = [*dense(self.grid.size, (*decoder, pixels)), *([Unstandardised(pixels)] if of_vectors else [])]
        self.decoder = nn.Sequential(*layers) if has_decoder else None
        self.classifier = nn.Sequential(*dense(self.grid.size, (*decoder, classes))) if classes else None

    def features(self, images: Float[Tensor, "n channels height width"]) -> Float[Tensor, "n ..."]:
        """What the encoder takes: the backbone's features of the images, or their pixels in [0, 1].

        Images of another size than the backbone was given while the map was trained are resized to that one.
        """
        if not self.backbone:
            return images
        return self.backbone(resized(images, self.arguments["image_shape"]))

    def targets(self, images: Float[Tensor, "n channels height width"]) -> Float[Tensor, "n channels h w"]:
        """Images in the size that the decoder makes."""
        return resized(images, self.decoded_shape)

    def field(self, images: Float[Tensor, "n channels height width"]) -> Float[Tensor, "n units"]:
        """The kernel layer's output before the clip."""
        return self.kernel_layer(self.encoder(self.features(images)))

    def activation(self, images: Float[Tensor, "n channels height width"]) -> Float[Tensor, "n units"]:
        """The kernel layer's output after the clip: one bump on the grid."""
        return self.activation_of(self.features(images))

    def activation_of(self, features: Float[Tensor, "n ..."]) -> Float[Tensor, "n units"]:
        """The kernel layer's output after the clip, from the `features` of images."""
        return self.clip(self.kernel_layer(self.encoder(features)))

    def coordinates(self, activation: Float[Tensor, "n units"]) -> Float[Tensor, "n 2"]:
        """Center of mass of each activation, in the units of the grid; NaN where it is zero everywhere."""
        return center_of_mass(activation, self.kernel_layer.v)

    def code(self, activation: Float[Tensor, "n units"], bend: float = 0.0) -> Float[Tensor, "n units"]:
        """What the image decoder takes: the activation, or the canonical bump at the activation's coordinates.

        The coordinates take `bend` times the gradient of what follows.
        """
        # Departure: with a canonical bump the decoder learns from coordinates alone; a probe of that shape is its
        # native input. Its cost bends the map only as far as the recipe says.
        if not self.canonical:
            return activation
        return probes_at_centers(activation, self.grid, self.clip, self.canonical, bend)

    def decode(self, activation: Float[Tensor, "n units"]) -> Float[Tensor, "n channels height width"]:
        """The decoded images, pixels in [0, 1], or vectors."""
        decoded = self.pixel_logits(activation)
        return decoded if self.of_vectors else torch.sigmoid(decoded)

    def pixel_logits(self, activation: Float[Tensor, "n units"]) -> Float[Tensor, "n channels height width"]:
        """The decoded images before the sigmoid; decoded vectors have none."""
        return self.decoder(activation).unflatten(1, self.decoded_shape)

    def errors(
        self, decoded: Float[Tensor, "n channels h w"], images: Float[Tensor, "n channels height width"]
    ) -> Float[Tensor, " n"]:
        """Mean squared error of each decoded image per pixel; of a vector per number, as a share of their variance."""
        errors = (decoded - self.targets(images)).square().flatten(1).mean(1)
        return errors / self.decoder[-1].scale.square() if self.of_vectors else errors

    def class_logits(self, activation: Float[Tensor, "n units"]) -> Float[Tensor, "n classes"]:
        """The class head's output before the softmax."""
        return self.classifier(activation)


class Unstandardised(nn.Module):
    """Standardised vectors of d numbers in the units of those that `fit` has seen."""

    def __init__(self, d: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("scale", torch.ones(()))

    def fit(self, vectors: Float[Tensor, "n d"]) -> None:
        """Take the mean, and one scale for all numbers, so that the error of the mean is 1 per number."""
        self.mean.copy_(vectors.mean(0))
        self.scale.copy_((vectors - vectors.mean(0)).square().mean().sqrt().clamp_min(1e-12))

    def forward(self, standardised: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return self.mean + self.scale * standardised


class UnitLength(nn.Module):
    """Features of every image scaled to a mean square of 1."""

    def forward(self, features: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return functional.normalize(features.float(), dim=1) * math.sqrt(features.shape[1])


class Noise(nn.Module):
    """Gaussian noise of a standard deviation, added in training only."""

    def __init__(self, deviation: float):
        super().__init__()
        self.deviation = deviation

    def forward(self, features: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return features + self.deviation * torch.randn_like(features) if self.training else features

    def extra_repr(self) -> str:
        return f"deviation={self.deviation}"


def resized(images: Float[Tensor, "n c h w"], shape: Sequence[int]) -> Float[Tensor, "n c new_h new_w"]:
    """Images in the height and width of a shape (channels, height, width)."""
    size = tuple(shape[1:])
    if tuple(images.shape[2:]) == size:
        return images
    return functional.interpolate(images, size, mode="bicubic", antialias=True).clamp(0, 1)


def convolutional(shape: Sequence[int], widths: Sequence[int]) -> list[nn.Module]:
    """Convolutions of the given widths, of images or features of a shape, each of which halves both sides, with ReLU.

    Raises a UserError where that is not the shape (channels, height, width).
    """
    if widths and len(shape) != 3:
        raise UserError(
            f"features of the shape {tuple(shape)} have no height and width to convolve; give convolutions=()"
        )
    layers: list[nn.Module] = []
    for before, after in pairwise([shape[0], *widths]):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.ReLU()]
    return layers


def size_of_convolved(shape: Sequence[int], widths: Sequence[int]) -> int:
    """How many numbers `convolutional` makes of images or features of a shape."""
    if not widths:
        return math.prod(shape)
    sides = 2 ** len(widths)
    return widths[-1] * math.prod(math.ceil(side / sides) for side in shape[1:])


def dense(n_in: int, widths: Sequence[int]) -> list[nn.Module]:
    """Linear layers of the given widths with ReLU between them, none after the last."""
    sizes = [n_in, *widths]
    layers: list[nn.Module] = []
    for before, after in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return layers[:-1]
