"""The encoder of a run for the page: its layers in order, their weights, and what is usual for its images."""

import numpy as np
from torch import nn

from kernelviz.evaluation.inference import DIRECTION, random_projection
from kernelviz.evaluation.signals import BLANK, NEAREST, WEIGHTS
from kernelviz.layers.gradients import OrientedGradients
from kernelviz.networks import EmbeddingNetwork
from kernelviz.networks.embedding import Noise, UnitLength
from kernelviz.storage.calibration import Calibration
from kernelviz.ui.canvas.packing import pack
from kernelviz.ui.shared.network_cache import dense_layers

PLAIN = {nn.ReLU: "relu", UnitLength: "unit", OrientedGradients: "gradients"}  # without weights
SILENT = (nn.Flatten, nn.Dropout, Noise)  # what they do in training only, or to the shape


def encoder_payload(network: EmbeddingNetwork) -> bytes | None:
    """The encoder, the kernel layer and the class head, packed; None where the page cannot run such an encoder.

    The facts name the kind of each layer, "conv", "dense", "scale" or one of PLAIN; `weight<k>` and `bias<k>` are
    those of the k-th: [outputs, inputs, 3, 3], [inputs, outputs], or a factor for each number.
    """
    head = dense_layers(network.classifier) if network.classifier else []
    if network.backbone or network.of_vectors or head is None or network.arguments["decoded_shape"]:
        return None
    kinds, arrays = [], {}
    for layer in network.encoder:
        if isinstance(layer, SILENT):
            continue
        kind, weights = _layer(layer)
        if not kind:
            return None
        for name, values in weights.items():
            arrays[f"{name}{len(kinds)}"] = _small(values)
        kinds.append(kind)
    kernel = network.kernel_layer
    arrays |= {"u": kernel.u.numpy(), "alpha": kernel.alpha.numpy()}
    for at, (weight, bias) in enumerate(head):
        arrays |= {f"headweight{at}": _small(weight.T), f"headbias{at}": bias}
    d = len(kernel.u)
    if d > DIRECTION:
        arrays["signs"] = np.packbits((random_projection(d).numpy() > 0).ravel(), bitorder="little")
    told = network.arguments
    return pack(
        arrays,
        kinds=kinds,
        shape=told["image_shape"],
        grid=told["grid"],
        extent=told["extent"],
        width=told["width"],
        sparsity=told["sparsity"],
        canonical=told["canonical"],
        direction=min(d, DIRECTION),
        classes=told["classes"],
    )


def calibration_payload(calibration: Calibration) -> bytes:
    """The spreads of the signals and the Gaussians of their numbers, packed."""
    arrays = {f"spread.{name}": one.values.astype(np.float32) for name, one in calibration.spreads.items()}
    for name, one in calibration.gaussians.items():
        arrays |= {f"scale.{name}": one.scale, f"centers.{name}": one.centers.astype(np.float16)}
        arrays[f"whitening.{name}"] = one.whitening[np.tril_indices(len(one.scale))].astype(np.float16)
    counts = {name: one.n for name, one in calibration.spreads.items()}
    return pack(arrays, counts=counts, weights=WEIGHTS, nearest=NEAREST, blank=BLANK)


def _layer(layer: nn.Module) -> tuple[str, dict[str, np.ndarray]]:
    """The kind of a layer and its weights; no kind for one that the page does not know."""
    if isinstance(layer, nn.Conv2d):
        return "conv", {"weight": layer.weight.numpy(), "bias": layer.bias.numpy()}
    if isinstance(layer, nn.Linear):
        return "dense", {"weight": layer.weight.T.numpy(), "bias": layer.bias.numpy()}
    if isinstance(layer, nn.BatchNorm1d):
        factor = layer.weight / (layer.running_var + layer.eps).sqrt()
        return "scale", {"weight": factor.numpy(), "bias": (layer.bias - layer.running_mean * factor).numpy()}
    return PLAIN.get(type(layer), ""), {}


def _small(values: np.ndarray) -> np.ndarray:
    """Matrices in float16, in which runs store them, or in 8 bits; factors and biases as they are."""
    return np.ascontiguousarray(values, np.float16 if values.ndim > 1 else np.float32)
