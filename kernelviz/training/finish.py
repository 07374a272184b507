"""The run of a finished training: its weights, what its task writes beside them, and its record."""

import platform
import subprocess
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import torch

from kernelviz import __version__
from kernelviz.storage.record import FORMAT, Run, new_run
from kernelviz.storage.weights import save_weights
from kernelviz.training.loop import Training
from kernelviz.training.task import Report


def finish(training: Training, folder: Path, command: str, report: Report | None = None) -> Run:
    """Write the run of a finished training into a folder; run.json comes last, so there is never half a run.

    Args:
        command: what the user typed, for the record.
        report: called with the number of images that are embedded.
    """
    sha256 = save_weights(training.network, folder)
    facts, metrics = training.task.keep(folder, report)
    run = new_run(
        folder,
        {
            **facts,
            "recipe": asdict(training.schedule),
            "seed": training.seed,
            "made_by": _made_by(training, command),
            "history": training.progress.history,
            "metrics": metrics,
            "weights_sha256": sha256,
            "format": FORMAT,
        },
    )
    run.save()
    return run


def _made_by(training: Training, command: str) -> dict:
    return {
        "command": command,
        "commit": _commit(),
        "versions": {"kernelviz": __version__, "python": platform.python_version(), "torch": version("torch")},
        "device": torch.device(training.device).type,
        "seconds": round(sum(row["seconds"] for row in training.progress.history), 1),
    }


def _commit() -> str:
    """The commit of the checkout that the code runs from; empty when it is installed."""
    try:
        command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, timeout=5).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
