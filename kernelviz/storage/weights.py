"""The weights of a run: weights.safetensors, read strictly, never by pickle.

A frozen backbone is not part of a network's own weights. It is stored beside them in backbone.safetensors, or is the
run of a classifier, which is found by the hash of its weights.
"""

import copy
import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.hub import load_state_dict_from_url

from kernelviz.disk import data_folder, replacing
from kernelviz.errors import NotFound, UserError
from kernelviz.networks import BACKBONES, NETWORKS, Backbone, new_backbone
from kernelviz.networks.backbones import MEAN, STD
from kernelviz.networks.checkpoints import file_and_key, load_weights, read_weights
from kernelviz.networks.timm_backbones import (
    LITE0,
    LITE0_PACKAGE,
    is_timm,
    new_timm,
    packaged_weights,
    timm_file,
    timm_normalisation,
)
from kernelviz.networks.truncated import Truncated, truncated
from kernelviz.storage.eight_bits import from_eight_bits, in_eight_bits
from kernelviz.storage.record import BrokenRun, Run
from kernelviz.storage.store import load_run, readable_runs, run_names

HALVED = 10_000  # weights of at least so many numbers are stored in float16
STANDARD = {"resnet32": "cifar10-resnet32"}  # the run with a backbone's weights, unless others are given
TRUSTED = "KERNELVIZ_CODE"  # environment variable: the factories, by comma, whose code may run when a run is opened
WEIGHTS, BACKBONE = "weights.safetensors", "backbone.safetensors"
PREFIX = "lower."  # of the names in a backbone.safetensors that an early version wrote


def save_weights(network: nn.Module, folder: Path, eight_bits: bool = False) -> str:
    """Write weights.safetensors, dense matrices in float16 or in 8 bits, the rest as it is; returns its SHA-256."""
    weights = {
        name: (value.half() if value.numel() >= HALVED else value).cpu().contiguous()
        for name, value in own_weights(network).items()
    }
    return _write(in_eight_bits(weights) if eight_bits else weights, folder / WEIGHTS)


def own_weights(network: nn.Module) -> dict[str, Tensor]:
    """The state of a network without its frozen backbone."""
    return {name: value for name, value in network.state_dict().items() if not name.startswith("backbone.")}


def load_own(network: nn.Module, weights: dict[str, Tensor]) -> None:
    """Load own weights strictly; raises a RuntimeError, ValueError or KeyError where they do not fit."""
    state = network.state_dict()
    weights = {name: tensor.to(state[name].dtype) for name, tensor in from_eight_bits(weights).items()}
    backbone = {name: value for name, value in state.items() if name.startswith("backbone.")}
    network.load_state_dict(weights | backbone, strict=True)


def as_stored(network: nn.Module, folder: Path) -> nn.Module:
    """A copy of a network, where it is, in float32 and evaluation mode, with the weights that a folder holds."""
    network = copy.deepcopy(network)
    load_own(network, load_file(folder / WEIGHTS))
    return network.eval().requires_grad_(False)


def load_network(run: Run, device: str = "cpu") -> nn.Module:
    """The trained network of a run in float32 and evaluation mode; raises a BrokenRun where its weights do not fit."""
    path = run.folder / WEIGHTS
    try:
        arguments = network_arguments(run)
        if arguments.pop("backbone", None):
            arguments["backbone"] = load_backbone(run)
        network = NETWORKS[run.network["name"]](**arguments)
        check_weights(run)
        load_own(network, load_file(path))
    except BrokenRun:
        raise
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise BrokenRun(f"the weights of run {run.name!r} at {path} do not load: {error}") from None
    return network.to(device).eval().requires_grad_(False)


def check_weights(run: Run) -> None:
    """Raise a BrokenRun if the weights in a run's folder are not those that its record names by their hash.

    A file that is not there or cannot be read is for those to tell who load it.
    The file is read for it once in each of its states; that takes about a millisecond for a megabyte.
    """
    path = run.folder / WEIGHTS
    try:
        found = _digest(path, path.stat().st_mtime_ns, path.stat().st_size)
    except OSError:
        return
    if run.weights_sha256 and found != run.weights_sha256:
        raise BrokenRun(
            f"{path} has not the weights of the run {run.name!r}: their SHA-256 is {found[:12]}…, and its record names "
            f"{run.weights_sha256[:12]}…; put the right file back, or train the run again"
        )


@lru_cache(256)
def _digest(path: Path, modified: int, size: int) -> str:
    """The SHA-256 of a file that was modified at that time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def network_arguments(run: Run) -> dict[str, Any]:
    """The arguments of a run's network by the names that its class gives them; "backbone" are the facts of one."""
    arguments = dict(run.arguments)
    if "draws" in arguments:
        arguments["has_decoder"] = arguments.pop("draws")
    return arguments


def pretrained_backbone(name: str, weights: str, depth: int | str) -> Backbone:
    """The network `name` truncated at a depth, with the weights of a run of that network, or of a file.

    Raises NotFound where there are no weights, and a UserError that says what does not fit.

    Args:
        weights: name of a run, or path of a file, which may end in "#" and the key of the weights within it; "": the
            run in STANDARD, else those in an installed package, else what torchvision or timm publishes.
        depth: a number of layers, the name of the last module, or FEATURES (`truncated`).
    """
    weights = weights or STANDARD.get(name, "")
    if not weights and packaged_weights(name):
        return _packaged_backbone(name, depth)
    if not weights and name not in BACKBONES and ":" not in name and is_timm(name):
        return _published_by_timm(name, depth)
    if weights in run_names():
        run = load_run(weights)
        if run.network["name"] != name:
            raise UserError(f"the run {weights!r} is a {run.network['name']}, not a {name}; give another --weights")
        check_weights(run)
        return backbone_from(name, run.folder / WEIGHTS, depth)
    return backbone_from(name, Path(weights).expanduser() if weights else _published(name), depth)


def _published(name: str) -> Path:
    """The weights of a torchvision network, downloaded unless they are there already."""
    if name not in BACKBONES:
        if ":" not in name:
            new_backbone(name)  # an unknown name is the first thing to say
        raise UserError(f"{name} has no published weights; give --weights FILE")
    from torchvision.models import get_model_weights  # seconds to import, and needed only here

    address = get_model_weights(name).DEFAULT.url
    try:
        load_state_dict_from_url(address, data_folder(), check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise NotFound(
            f"the published weights of {name} cannot be downloaded ({error}); give --weights FILE, or put them at "
            f"{data_folder() / Path(address).name}"
        ) from None
    return data_folder() / Path(address).name


def _packaged_backbone(name: str, depth: int | str) -> Backbone:
    """A backbone with the weights of an installed package, whose tensors have other names but the network's order."""
    path, network = packaged_weights(name), new_backbone(name)
    state, found = network.state_dict(), [*read_weights(path).values()]
    if [tensor.shape for tensor in found] != [tensor.shape for tensor in state.values()]:
        raise UserError(f"the weights in {path} are not those of {name}; install {LITE0_PACKAGE} again")
    network.load_state_dict(dict(zip(state, found, strict=True)))
    return _truncated_backbone(name, network, depth, hashlib.sha256(path.read_bytes()).hexdigest())


def _published_by_timm(name: str, depth: int | str) -> Backbone:
    try:
        network = new_timm(name, 0, pretrained=True)
    except Exception as error:  # the hub's client raises what it likes
        raise NotFound(
            f"the weights of {name} cannot be downloaded ({type(error).__name__}); bring {timm_file(name) or 'a file'} "
            f"and give --weights FILE, or take {LITE0}, whose weights the package {LITE0_PACKAGE} holds"
        ) from None
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(tensor.contiguous().numpy().tobytes())
    return _truncated_backbone(name, network, depth, digest.hexdigest())


def _truncated_backbone(name: str, network: nn.Module, depth: int | str, sha256: str) -> Backbone:
    mean, std = timm_normalisation(network) or (MEAN, STD)
    return Backbone(name, depth, sha256, truncated(network, depth), mean, std)


def backbone_from(name: str, path: Path, depth: int | str) -> Backbone:
    """The network `name` (`new_backbone`) truncated at a depth, with the weights in a file.

    Raises a UserError that says what is wrong with the name, with the depth, or with the weights.
    """
    network = new_backbone(name)
    module = truncated(network, depth)
    load_weights(network, path, module)
    mean, std = timm_normalisation(network) or (MEAN, STD)
    return Backbone(name, depth, _hash_of(path), module, mean, std)


def _hash_of(path: Path) -> str:
    """The hash of a file with weights; those under one of its keys, `FILE#KEY`, have another."""
    path, key = file_and_key(path)
    return hashlib.sha256(path.read_bytes() + key.encode()).hexdigest()


def save_backbone(backbone: Backbone, folder: Path) -> None:
    """Write a backbone beside the network that is trained on it, unless a classifier's run or a package has it."""
    if not _packaged(backbone.network, backbone.sha256) and not _run_of(backbone.sha256):
        write_backbone(backbone, folder)


def write_backbone(backbone: Backbone, folder: Path) -> None:
    """Write backbone.safetensors, whoever else may have it."""
    state = backbone.module.layers.state_dict()
    _write({name: value.cpu().contiguous() for name, value in state.items()}, folder / BACKBONE)


def load_backbone(run: Run) -> Backbone:
    """The backbone of a run; raises a BrokenRun where neither file nor run has it."""
    facts, path = run.arguments["backbone"], run.folder / BACKBONE
    name, depth, sha256 = facts["network"], facts["kept"], facts["sha256"]
    if ":" in name and name not in os.environ.get(TRUSTED, "").split(","):
        raise BrokenRun(
            f"the run {run.name!r} needs a network that is made by the code {name!r}; if you trust it, start kernelviz "
            f"with {TRUSTED}={name}"
        )
    if path.is_file():
        module: Truncated = truncated(new_backbone(name), depth)
        state = {without_prefix(key): value for key, value in load_file(path).items()}
        module.layers.load_state_dict(state, strict=True)
        return Backbone(name, depth, sha256, module, tuple(facts.get("mean", MEAN)), tuple(facts.get("std", STD)))
    if _packaged(name, sha256):
        return _packaged_backbone(name, depth)
    classifier = _run_of(sha256)
    if not classifier:
        raise BrokenRun(
            f"the run {run.name!r} needs a {name} whose weights are gone: there is no {path}, and no run has weights "
            f"with the hash {sha256[:12]}…; put them back, or train it again"
        )
    check_weights(classifier)
    return backbone_from(name, classifier.folder / WEIGHTS, depth)


def is_packaged(run: Run) -> bool:
    """Whether an installed package has the weights of a run's backbone."""
    return _packaged(run.arguments["backbone"]["network"], run.arguments["backbone"]["sha256"])


def backbone_is_here(run: Run) -> bool:
    """Whether a package or a run on this machine has the weights of a run's backbone."""
    return is_packaged(run) or bool(_run_of(run.arguments["backbone"]["sha256"]))


def without_prefix(key: str) -> str:
    """The name of a tensor in backbone.safetensors, as this version writes it."""
    return key.removeprefix(PREFIX)


def _packaged(name: str, sha256: str) -> bool:
    """Whether an installed package has the weights of that hash."""
    path = packaged_weights(name)
    return bool(path) and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _run_of(sha256: str) -> Run | None:
    """The run whose weights have that hash, if any."""
    runs, _ = readable_runs()
    return next((run for run in runs if run.weights_sha256 == sha256), None)


def _write(weights: dict[str, Tensor], path: Path) -> str:
    with replacing(path) as partial:
        save_file(weights, partial)
        partial.chmod(0o644)  # safetensors makes a file that only its owner may read
    return hashlib.sha256(path.read_bytes()).hexdigest()
