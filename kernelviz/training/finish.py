"""From a trained network to a run: weights, map, figures of merit, record."""

import platform
import subprocess
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

from kernelviz import __version__
from kernelviz.data.images import ImageSet
from kernelviz.data.ratings import Ratings
from kernelviz.evaluation.inference import make_map
from kernelviz.evaluation.metrics import evaluate_run
from kernelviz.runs.record import Run
from kernelviz.runs.weights import load_network, save_backbone, save_weights
from kernelviz.tasks.classifier import arguments_of
from kernelviz.tasks.item_map import items_of
from kernelviz.training.loop import Training


def finish(
    training: Training,
    data: ImageSet | Ratings,
    folder: Path,
    command: str,
    progress: Callable[[int], None] | None = None,
) -> Run:
    """Write the run of a finished training into a folder; run.json comes last, so there is never half a run.

    The map and the figures are those of the weights as stored. `progress` is called with the number of images placed.
    """
    network, recipe, backbone = training.network, training.recipe, training.task.backbone
    if backbone:
        save_backbone(backbone, folder)
    run = Run(
        folder=folder,
        network={"name": recipe.makes, "arguments": _arguments(training, data)},
        data=_facts(data),
        recipe=asdict(recipe),
        seed=training.seed,
        probe=asdict(training.progress.probe) if training.progress.probe else {},
        made_by=_made_by(training, command),
        history=training.progress.history,
        weights_sha256=save_weights(network, folder),
    )
    network = load_network(run, backbone)
    if run.has_map:
        make_map(network, data, progress).save(folder)
    if run.recommends:
        items_of(network, data, data.split(training.seed, recipe.validation)["train"], training.seed).save(folder)
    run = replace(run, metrics=evaluate_run(run, network, data))
    run.save()
    return run


def _arguments(training: Training, data: ImageSet | Ratings) -> dict:
    """What to call the network with to have it again."""
    made = training.recipe.network
    match training.recipe.makes:
        case "embedding":
            return training.network.arguments
        case "recommender":
            return {"users": len(data.users)} | made
        case _:
            return arguments_of(training.recipe, data)


def _facts(data: ImageSet | Ratings) -> dict:
    if isinstance(data, Ratings):
        return {"name": data.name, "range": list(data.range)}
    return {"name": data.name, "classes": list(data.classes), "preprocess": asdict(data.preprocess)}


def _made_by(training: Training, command: str) -> dict:
    return {
        "command": command,
        "commit": _commit(),
        "versions": {"kernelviz": __version__, "python": platform.python_version(), "torch": version("torch")},
        "device": training.device,
        "seconds": round(sum(row["seconds"] for row in training.progress.history), 1),
    }


def _commit() -> str:
    """The commit of the checkout that the code runs from; empty when it is installed."""
    try:
        command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, timeout=5).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
