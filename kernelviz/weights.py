"""The weights of a run: weights.safetensors, read strictly, never by pickle."""

import hashlib
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from kernelviz.disk import replacing
from kernelviz.networks import NETWORKS, EmbeddingNetwork
from kernelviz.runs import BrokenRun, Run

HALVED = 10_000  # weights of at least so many numbers are stored in float16


def save_weights(network: EmbeddingNetwork, folder: Path) -> str:
    """Write weights.safetensors, dense matrices in float16 and the rest as it is; returns its SHA-256."""
    weights = {
        name: (value.half() if value.numel() >= HALVED else value).cpu().contiguous()
        for name, value in network.state_dict().items()
    }
    path = folder / "weights.safetensors"
    try:
        with replacing(path) as partial:
            save_file(weights, partial)
            partial.chmod(0o644)  # safetensors makes a file that only its owner may read
    except SafetensorError as error:
        raise OSError(f"{path} cannot be written ({error}); make room there, then go on with --resume") from None
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_network(run: Run) -> EmbeddingNetwork:
    """The trained network of a run in float32 and evaluation mode; weights that do not fit are a BrokenRun."""
    path = run.folder / "weights.safetensors"
    try:
        network = NETWORKS[run.network["name"]](**run.arguments)
        weights = {name: tensor.to(network.state_dict()[name].dtype) for name, tensor in load_file(path).items()}
        network.load_state_dict(weights, strict=True)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise BrokenRun(f"the weights of run {run.name!r} at {path} do not load: {error}") from None
    return network.eval().requires_grad_(False)
