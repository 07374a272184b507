"""The weights of a run: weights.safetensors, read strictly, never by pickle.

What a network stands on is not part of its own weights. It lies beside them in backbone.safetensors, or is the run of
a backbone, wherever its hash is found.
"""

import hashlib
import os
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.hub import load_state_dict_from_url

from kernelviz.disk import data_folder, replacing
from kernelviz.networks import CLASSIFIERS, NETWORKS, RECOMMENDERS, Backbone, EmbeddingNetwork, new_backbone
from kernelviz.networks.backbones import BACKBONES
from kernelviz.networks.checkpoints import load_weights
from kernelviz.networks.truncated import truncated
from kernelviz.runs.record import BrokenRun, Run, load_run, run_names

HALVED = 10_000  # weights of at least so many numbers are stored in float16
STANDARD = {"resnet32": "cifar10-resnet32"}  # the run that has a backbone's weights, unless others are given
TRUSTED = "KERNELVIZ_CODE"  # variable with the factories, by comma, whose code may run when a run is opened
WEIGHTS, BELOW = "weights.safetensors", "backbone.safetensors"


def save_weights(network: nn.Module, folder: Path) -> str:
    """Write weights.safetensors, dense matrices in float16 and the rest as it is; returns its SHA-256."""
    weights = {
        name: (value.half() if value.numel() >= HALVED else value).cpu().contiguous()
        for name, value in own_weights(network).items()
    }
    return _write(weights, folder / WEIGHTS)


def own_weights(network: nn.Module) -> dict[str, Tensor]:
    """The state of a network without the frozen part that it stands on."""
    return {name: value for name, value in network.state_dict().items() if not name.startswith("lower.")}


def load_own(network: nn.Module, weights: dict[str, Tensor]) -> None:
    """Put own weights back, strictly; a RuntimeError or KeyError where they do not fit."""
    state = network.state_dict()
    weights = {name: tensor.to(state[name].dtype) for name, tensor in weights.items()}
    below = {name: value for name, value in state.items() if name.startswith("lower.")}
    network.load_state_dict(weights | below, strict=True)


def load_network(run: Run, below: Backbone | None = None) -> EmbeddingNetwork | nn.Module:
    """The trained network of a run in float32 and evaluation mode; weights that do not fit are a BrokenRun.

    `below` is what it stands on, if that is at hand.
    """
    path = run.folder / WEIGHTS
    try:
        network = _new(run, below)
        load_own(network, load_file(path))
    except BrokenRun:
        raise
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise BrokenRun(f"the weights of run {run.name!r} at {path} do not load: {error}") from None
    return network.eval().requires_grad_(False)


def _new(run: Run, below: Backbone | None) -> nn.Module:
    name, arguments = run.network["name"], run.arguments
    plain = BACKBONES | CLASSIFIERS | RECOMMENDERS
    if name in plain:
        return plain[name](**arguments)
    if run.backbone and not below:
        below = load_backbone(run)
    return NETWORKS[name](**arguments | ({"backbone": below} if below else {}))


def stand_on(name: str, weights: str, kept: int | str) -> Backbone:
    """The lower part of the network `name` with the weights of a run of that network, or of a file.

    Without either they are those of STANDARD, or those that torchvision publishes. FileNotFoundError where there are
    none; a ValueError says what does not fit.
    """
    weights = weights or STANDARD.get(name, "")
    if weights in run_names():
        run = load_run(weights)
        if run.network["name"] != name:
            raise ValueError(f"the run {weights!r} is a {run.network['name']}, not a {name}; give another --weights")
        return backbone_from(name, run.folder / WEIGHTS, kept)
    return backbone_from(name, Path(weights).expanduser() if weights else _published(name), kept)


def _published(name: str) -> Path:
    """The weights of a torchvision network, downloaded unless they are there already."""
    if name not in BACKBONES:
        raise ValueError(f"{name} has no published weights; give --weights FILE")
    from torchvision.models import get_model_weights  # seconds to import, and needed only here

    address = get_model_weights(name).DEFAULT.url
    try:
        load_state_dict_from_url(address, data_folder(), check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise FileNotFoundError(
            f"the published weights of {name} cannot be downloaded ({error}); give --weights FILE, or put them at "
            f"{data_folder() / Path(address).name}"
        ) from None
    return data_folder() / Path(address).name


def backbone_from(name: str, path: Path, kept: int | str) -> Backbone:
    """The lower part of the network `name` (`new_backbone`) with the weights in a file.

    A ValueError says what is wrong with the name, with the cut, or with the weights.
    """
    network = new_backbone(name)
    part = truncated(network, kept)
    load_weights(network, path, part)
    return Backbone(name, kept, hashlib.sha256(path.read_bytes()).hexdigest(), part)


def save_backbone(backbone: Backbone, folder: Path) -> None:
    """Write what a network stands on beside it, unless it is the run of a backbone."""
    if not _run_of(backbone.sha256):
        _write({name: value.cpu().contiguous() for name, value in backbone.part.state_dict().items()}, folder / BELOW)


def load_backbone(run: Run) -> Backbone:
    """What the network of a run stands on; a BrokenRun where it is nowhere."""
    facts, path = run.backbone, run.folder / BELOW
    if facts["network"] not in BACKBONES and facts["network"] not in os.environ.get(TRUSTED, "").split(","):
        raise BrokenRun(
            f"the run {run.name!r} stands on a network that is made by the code {facts['network']!r}; if you trust it, "
            f"start kernelviz with {TRUSTED}={facts['network']}"
        )
    if path.is_file():
        part = truncated(new_backbone(facts["network"]), facts["kept"])
        part.load_state_dict(load_file(path), strict=True)
        return Backbone(facts["network"], facts["kept"], facts["sha256"], part)
    below = _run_of(facts["sha256"])
    if not below:
        raise BrokenRun(
            f"the run {run.name!r} stands on a {facts['network']} whose weights are gone: there is no {path}, and no "
            f"run has weights with the hash {facts['sha256'][:12]}…; put them back, or train it again"
        )
    return backbone_from(facts["network"], below.folder / WEIGHTS, facts["kept"])


def _run_of(sha256: str) -> Run | None:
    """The run with the weights of that hash."""
    for name in run_names():
        try:
            run = load_run(name)
        except BrokenRun:
            continue
        if run.weights_sha256 == sha256:
            return run
    return None


def _write(weights: dict[str, Tensor], path: Path) -> str:
    try:
        with replacing(path) as partial:
            save_file(weights, partial)
            partial.chmod(0o644)  # safetensors makes a file that only its owner may read
    except SafetensorError as error:
        raise OSError(f"{path} cannot be written ({error}); make room there, then go on with --resume") from None
    return hashlib.sha256(path.read_bytes()).hexdigest()
