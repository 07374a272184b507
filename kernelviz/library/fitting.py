"""Whether weights fit the network of a record, told from shapes alone: nothing of it is allocated."""

import numpy as np
import torch
from safetensors import safe_open
from torch import nn

from kernelviz.library.checks import NotImported
from kernelviz.library.portable import BACKBONE, WEIGHTS
from kernelviz.networks import NETWORKS, new_backbone
from kernelviz.networks.truncated import truncated
from kernelviz.storage.eight_bits import SCALE
from kernelviz.storage.record import Run
from kernelviz.storage.weights import backbone_is_here, network_arguments, own_weights, without_prefix

Shapes = dict[str, tuple[int, ...]]


def check_network(run: Run) -> None:
    """Raise NotImported where the weights of a run, or those of its backbone, are not those of its network."""
    stored = _shapes_in(run, WEIGHTS)
    if _shapes_of(own_weights(_skeleton(run, stored))) != stored:
        raise NotImported(f"its {WEIGHTS} are not those of the network that its record names")
    facts = getattr(run, "backbone", None)
    if not facts or ":" in facts["network"]:  # somebody's own code: whoever opens the run is asked whether to trust it
        return
    if (run.folder / BACKBONE).is_file():
        with torch.device("meta"):
            layers = truncated(new_backbone(facts["network"]), facts["kept"]).layers
        stored = {without_prefix(name): shape for name, shape in _shapes_in(run, BACKBONE).items()}
        if _shapes_of(layers.state_dict()) != stored:
            raise NotImported(f"its {BACKBONE} are not the weights of a {facts['network']}")
    elif not backbone_is_here(run):
        raise NotImported(f"it needs the weights of a {facts['network']}, which neither it nor a run here has")


def _skeleton(run: Run, stored: Shapes) -> nn.Module:
    """The network of a run without its numbers and without its backbone."""
    arguments = network_arguments(run)
    if getattr(run, "backbone", None) and arguments.pop(
        "backbone"
    ):  # as if it took features of that many numbers in place of pixels
        dense = [shape for name, shape in stored.items() if name.startswith("encoder.") and len(shape) == 2]
        features = (1, 1, dense[0][1] if dense else 0)
        arguments |= {"image_shape": features, "decoded_shape": run.decoded_shape}
    if run.network["name"] not in NETWORKS:
        raise NotImported("its network is none that this version knows")
    try:
        with torch.device("meta"):
            return NETWORKS[run.network["name"]](**arguments)
    except (TypeError, ValueError, RuntimeError, AttributeError, IndexError, OverflowError) as error:
        raise NotImported(f"its network cannot be made ({' '.join(str(error).split())[:200]})") from None


def _shapes_of(state: dict[str, torch.Tensor]) -> Shapes:
    return {name: tuple(value.shape) for name, value in state.items()}


def _shapes_in(run: Run, name: str) -> Shapes:
    scaled: set[str] = set()
    with safe_open(run.folder / name, "numpy") as file:
        shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118  no dictionary
        for scales in [key for key in shapes if key.endswith(SCALE)]:
            matrix, values = scales.removesuffix(SCALE), file.get_tensor(scales)
            fits = shapes.get(matrix, ())[:1] == shapes.pop(scales) and file.get_slice(matrix).get_dtype() == "I8"
            if not fits or values.dtype != np.float32 or not (np.isfinite(values) & (values >= 0)).all():
                raise NotImported(f"its {name} has {scales}, which are not the scales of a matrix of 8 bits")
            scaled.add(matrix)
        if any(file.get_slice(key).get_dtype() == "I8" for key in shapes.keys() - scaled):
            raise NotImported(f"its {name} has a matrix of 8 bits without scales")
    return shapes
