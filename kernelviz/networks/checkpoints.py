"""Checkpoints of networks trained elsewhere: read without pickle, and fitted to a network by name and shape."""

import warnings
import zipfile
from collections.abc import Collection
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from kernelviz.errors import NotFound, UserError

# Keys under which training scripts save the weights, and their exponential moving average; DINO saves two networks.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params", "teacher", "student")
AVERAGES = (
    *("state_dict_ema", "ema_state_dict", "model_ema", "ema_model", "model_ema_state_dict"),
    *("ema", "module_ema", "shadow", "shadow_params"),
)
PREFIXES = (  # that training scripts put before every name
    *("module.", "_orig_mod.", "model.", "backbone.", "encoder.", "student.", "teacher."),
)
COUNTER = "num_batches_tracked"  # of BatchNorm: older checkpoints lack it, and nothing here uses it
DEEPEST = 8  # dictionaries around the weights
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
    found = _of_network(found, wanted)
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


def file_and_key(path: Path) -> tuple[Path, str]:
    """The file of `FILE#KEY` and the key within it; "" where no key is given, or where a file has that very name."""
    name, _, key = str(path).rpartition("#")
    return (Path(name), key) if name and not path.is_file() else (path, "")


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors or PyTorch file, by names without the wrappers and prefixes of training scripts.

    Of a file with the moving averages of the weights beside them, the weights are read, with a warning that says so;
    averages are read where there is nothing else, or where `FILE#KEY` names their key. PyTorch files are read with
    `weights_only`: no code in them runs. Raises a UserError for any other file, NotFound where there is none.
    """
    path, key = file_and_key(path)
    if not path.is_file():
        raise NotFound(f"there is no file of weights at {path}")
    try:
        content: object = load_file(path)
    except SafetensorError:
        content = _torch_file(path)
    weights = _without_averages(_unwrapped(_chosen(content, key, path) if key else content, path), path)
    return _without_prefixes(weights)


def _chosen(content: object, key: str, path: Path) -> object:
    """What a file holds under a key: a dictionary, or the tensors whose names begin with it."""
    have = [name for name in content if isinstance(name, str)] if isinstance(content, dict) else []
    if key in have and isinstance(content[key], dict):
        return content[key]
    if below := {name.removeprefix(f"{key}."): content[name] for name in have if name.startswith(f"{key}.")}:
        return below
    keys = [name for name in have if isinstance(content[name], dict)] or sorted({n.split(".")[0] for n in have})
    raise UserError(f"{path} holds no weights under {key!r}; choose one of {_listed(keys)}")


def _without_averages(weights: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The weights without moving averages that stand beside them under a prefix; these where there is nothing else."""
    averages = {name for name in weights if name.split(".")[0] in AVERAGES and "." in name}
    plain = {name: value for name, value in weights.items() if name not in averages}
    for key in sorted({name.split(".")[0] for name in averages}) if plain else []:
        _warn_of_average(path, key)
    return plain or {name.split(".", 1)[1]: value for name, value in weights.items()}


def _warn_of_average(path: Path, key: str) -> None:
    warnings.warn(
        f"{path} has averaged weights beside the plain ones, which are taken; --weights '{path}#{key}' takes the "
        "averaged ones",
        stacklevel=2,
    )


def _without_prefixes(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights without the prefixes that all of them have; of a student and a teacher, those of the teacher."""
    teacher = {name: value for name, value in weights.items() if name.startswith("teacher.")}
    weights = teacher or weights
    prefix = next((prefix for prefix in PREFIXES if all(name.startswith(prefix) for name in weights)), None)
    if not prefix:
        return weights
    return _without_prefixes({name.removeprefix(prefix): value for name, value in weights.items()})


def _of_network(weights: dict[str, Tensor], wanted: Collection[str]) -> dict[str, Tensor]:
    """The weights or, where none has a wanted name, those below a prefix ("backbone." beside a "head.") that have."""
    for prefix in ("", *PREFIXES):
        below = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        if any(name in wanted for name in below):
            return below
    return weights


def _torch_file(path: Path) -> object:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if sum(info.file_size for info in archive.infolist()) > path.stat().st_size:
                    raise ValueError("it unpacks to more than its size")  # torch compresses nothing, but reads it
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file has torch raise anything
        why = str(error).split("\n")[0][:200]
        raise UserError(
            f"{path} is no safetensors file and no PyTorch file of plain tensors ({why}); save the network's "
            "state_dict() with safetensors.torch.save_file or torch.save"
        ) from None


def _unwrapped(content: object, path: Path) -> dict[str, Tensor]:
    """The tensors by name in what a file holds, however many dictionaries are around them."""
    for _ in range(DEEPEST):  # one may lie in itself
        keys = [key for key in WRAPPERS + AVERAGES if isinstance(content, dict) and _is_inner(content, key)]
        if not keys:
            break
        for average in keys[1:]:
            if average in AVERAGES and keys[0] in WRAPPERS:
                _warn_of_average(path, average)
        content = content[keys[0]]
    if isinstance(content, dict):
        weights = {name: value for name, value in content.items() if isinstance(name, str) and _is_plain(value)}
        if weights:
            return weights
    raise UserError(f"{path} holds no weights by name, but a {type(content).__name__}; save the network's state_dict()")


def _is_plain(value: object) -> bool:
    """Whether something is a tensor of numbers that are all there, and no sparse, packed, quantised or absent one."""
    plain = isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"
    return plain and not (value.is_nested or value.is_quantized or value.is_complex())


def _is_inner(content: dict, key: str) -> bool:
    return isinstance(content.get(key), dict) and bool(content[key])


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - LISTED_NAMES} more" if len(names) > LISTED_NAMES else ""
    return ", ".join(names[:LISTED_NAMES]) + more
