"""Checkpoints of networks trained elsewhere: read without pickle, and fitted to a network by name and shape."""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from kernelviz.errors import NotFound, UserError

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")  # keys under which training scripts save the weights
PREFIXES = (  # that training scripts put before every name
    *("module.", "_orig_mod.", "model.", "backbone.", "encoder.", "student.", "teacher."),
)
COUNTER = "num_batches_tracked"  # of BatchNorm: older checkpoints lack it, and nothing here uses it
LISTED_NAMES = 8  # tensors that an error names, at most


def load_weights(network: nn.Module, path: Path, truncated: nn.Module | None = None) -> None:
    """Put the weights of a safetensors or PyTorch file into a network, or into its truncated form alone.

    Raises a UserError that says which tensors are missing, unknown or of another shape, and leaves the network as it
    was; raises NotFound where there is no file.

    Args:
        truncated: the truncated form of the network; only the tensors that it shares with the network are read.
    """
    found, state = read_weights(path), network.state_dict(keep_vars=True)
    asked = {id(value) for value in (truncated or network).state_dict(keep_vars=True).values()}
    wanted = {name: value for name, value in state.items() if id(value) in asked}
    tops = {name.split(".")[0] for name in wanted}  # the file may have more tensors beyond the depth
    found = {name: value for name, value in found.items() if name in wanted or name not in state}
    missing = [name for name in wanted if name not in found and not name.endswith(COUNTER)]
    other = [
        f"{name} {tuple(found[name].shape)} in place of {tuple(wanted[name].shape)}"
        for name in wanted
        if name in found and found[name].shape != wanted[name].shape
    ]
    unknown = [name for name in found if name not in wanted and (truncated is None or name.split(".")[0] in tops)]
    problems = {"missing": missing, "not part of the network": unknown, "of another shape": other}
    said = [f"{what}: {_listed(names)}" for what, names in problems.items() if names]
    if said:
        raise UserError(f"the weights in {path} do not fit this network. {'; '.join(said)}")
    network.load_state_dict(state | {name: value for name, value in found.items() if name in wanted})


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors or PyTorch file, by names without the wrappers and prefixes of training scripts.

    PyTorch files are read with `weights_only`: no code in them runs. Raises a UserError for any other file, NotFound
    where there is none.
    """
    if not path.is_file():
        raise NotFound(f"there is no file of weights at {path}")
    try:
        weights = load_file(path)
    except SafetensorError:
        weights = _unwrapped(_torch_file(path), path)
    return _without_prefixes(weights)


def _without_prefixes(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights without the prefixes that all of them have; of a student and a teacher, those of the teacher."""
    teacher = {name: value for name, value in weights.items() if name.startswith("teacher.")}
    weights = teacher or weights
    prefix = next((prefix for prefix in PREFIXES if all(name.startswith(prefix) for name in weights)), None)
    if not prefix:
        return weights
    return _without_prefixes({name.removeprefix(prefix): value for name, value in weights.items()})


def _torch_file(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        why = str(error).split("\n")[0][:200]
        raise UserError(
            f"{path} is no safetensors file and no PyTorch file of plain tensors ({why}); save the network's "
            "state_dict() with safetensors.torch.save_file or torch.save"
        ) from None


def _unwrapped(content: object, path: Path) -> dict[str, Tensor]:
    while isinstance(content, Mapping) and (inner := next((content[k] for k in WRAPPERS if k in content), None)):
        content = inner
    if isinstance(content, Mapping):
        weights = {name: value for name, value in content.items() if isinstance(value, Tensor)}
        if weights:
            return weights
    raise UserError(f"{path} holds no weights by name, but a {type(content).__name__}; save the network's state_dict()")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - LISTED_NAMES} more" if len(names) > LISTED_NAMES else ""
    return ", ".join(names[:LISTED_NAMES]) + more
