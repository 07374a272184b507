"""From a trained network to a run: weights, map, figures of merit, record."""

import platform
import subprocess
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

from kernelviz import __version__
from kernelviz.data.images import ImageSet
from kernelviz.inference import make_map
from kernelviz.metrics import evaluate_run
from kernelviz.runs import Run
from kernelviz.training.fit import Training
from kernelviz.weights import load_network, save_backbone, save_weights


def finish(
    training: Training, images: ImageSet, folder: Path, command: str, progress: Callable[[int], None] | None = None
) -> Run:
    """Write the run of a finished training into a folder; run.json comes last, so there is never half a run.

    The map and the figures are those of the weights as stored. `progress` is called with the number of images placed.
    """
    network, recipe, backbone = training.network, training.recipe, training.task.backbone
    maps = recipe.makes == "embedding"
    if backbone:
        save_backbone(backbone, folder)
    arguments = network.arguments if maps else {"classes": len(images.classes)} | recipe.network
    run = Run(
        folder=folder,
        network={"name": recipe.makes, "arguments": arguments},
        data={"name": images.name, "classes": list(images.classes), "preprocess": asdict(images.preprocess)},
        recipe=asdict(recipe),
        seed=training.seed,
        probe=asdict(training.progress.probe) if maps else {},
        made_by=_made_by(training, command),
        history=training.progress.history,
        weights_sha256=save_weights(network, folder),
    )
    network = load_network(run, backbone)
    if maps:
        make_map(network, images, progress).save(folder)
    run = replace(run, metrics=evaluate_run(run, network, images))
    run.save()
    return run


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
