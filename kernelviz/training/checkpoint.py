"""A training on disk, from which it resumes to the same weights: checkpoint.safetensors and history.json."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from kernelviz.disk import replacing
from kernelviz.errors import UserError
from kernelviz.storage.weights import load_own, own_weights
from kernelviz.training.files import CHECKPOINT, HISTORY, remedy
from kernelviz.training.loop import Progress, Training

SPARE = 50_000_000  # bytes for the map, the pictures and the record


def save(training: Training, folder: Path) -> None:
    """Write the state of the training, each file through a temporary name. Raises an OSError if that fails."""
    tensors = {f"network.{name}": value for name, value in own_weights(training.network).items()}
    for index, state in training.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    facts = _facts(training) | {"progress": asdict(training.progress), "task": training.task.state()}
    try:
        with replacing(folder / CHECKPOINT) as partial:
            save_file(tensors, partial, {"kernelviz": json.dumps(facts)})
        with replacing(folder / HISTORY) as partial:
            partial.write_text(json.dumps(training.progress.history), encoding="utf-8")
    except OSError as error:
        size = sum(value.nbytes for value in tensors.values()) / 1e6
        raise OSError(
            f"the checkpoint of {size:.0f} MB cannot be written to {folder} ({error.strerror or error}); "
            f"{remedy(error, folder)}"
        ) from None


def resume(training: Training, folder: Path) -> None:
    """Set a training to the state of the checkpoint in a folder; that of another recipe or seed is a UserError."""
    path = folder / CHECKPOINT
    if not path.is_file():
        raise UserError(f"there is no checkpoint at {path}; train without --resume")
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["kernelviz"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        own = json.loads(json.dumps(_facts(training)))
        if {name: facts.get(name) for name in own} != own:
            raise ValueError("it belongs to another recipe or seed")
        _load(training, tensors, facts["progress"])
        training.task.restore(facts["task"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"cannot resume from {path}: {error}. Train without --resume, or as another --name") from None


def check_space(training: Training, folder: Path) -> None:
    """Raise an OSError if the disk of a folder is too full for the checkpoints of a training."""
    a_checkpoint = 3 * sum(weight.nbytes for weight in own_weights(training.network).values())  # Adam has two moments
    needed = 2 * a_checkpoint + SPARE  # the old one stays until the new one is written
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(
            f"the disk of {folder} has {free / 1e6:.0f} MB free, and the training needs {needed / 1e6:.0f} MB; free "
            "space there or set KERNELVIZ_RUNS to another folder"
        )


def _facts(training: Training) -> dict:
    return {"recipe": asdict(training.schedule), "seed": training.seed}


def _load(training: Training, tensors: dict[str, Tensor], progress: dict) -> None:
    network: dict[str, Tensor] = {}
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        kind, rest = name.split(".", 1)
        if kind == "network":
            network[rest] = value
        else:
            index, key = rest.split(".")
            states.setdefault(int(index), {})[key] = value
    load_own(training.network, network)
    training.optimizer.load_state_dict(training.optimizer.state_dict() | {"state": states})
    training.progress = Progress(**progress)
