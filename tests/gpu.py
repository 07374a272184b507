"""Checks kernelviz on the GPU of this machine beside its CPU, and prints what it saw; run by hand, some minutes.

    python tests/gpu.py [RUN ...]

Of each map, by default those whose images are here: where the GPU and the CPU place its test images, whether an image's
place depends on what is placed with it, what is decoded, and how many a second. Of trainings: that a step waits for
nothing, that one goes on on another device, and images a second. Ends with 1 where something does not hold.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from kernelviz.data.images import is_local, load
from kernelviz.evaluation.inference import decode_probes, embed
from kernelviz.layers.probe import Probe
from kernelviz.networks.devices import best_device
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import load_run, readable_runs
from kernelviz.storage.weights import load_network
from kernelviz.tasks.recipes import RECIPES
from kernelviz.training import checkpoint
from kernelviz.training.session import new_training

IMAGES, ALONE, DECODED = 2000, 20, 512  # that are placed; one by one; decoded
SAME_PLACE = 1e-5  # of the extent: for an image by itself and among others
WARM, STEPS = 40, 60  # steps before the ones that are watched, and those
SAID = "{:44} {}"
failed = []


def check(what: str, holds: bool, seen: object = "") -> None:
    """Say what was seen, and remember what does not hold."""
    print(SAID.format(what, f"{seen} {'' if holds else 'FAILED'}"), flush=True)
    if not holds:
        failed.append(what)


def seconds(work: Callable[[], object]) -> float:
    """The shortest of three times, after one that does not count."""
    taken = []
    for _ in range(4):
        torch.cuda.synchronize()
        began = time.perf_counter()
        work()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - began)
    return min(taken[1:])


def places(name: str, gpu: str) -> None:
    """A map on both devices."""
    run = load_run(name)
    here, there = load_network(run), load_network(run).to(gpu)
    images = load(run.data["name"], preprocess=run.preprocess).split("test")[0][:IMAGES]
    extent = here.grid.extent
    on_cpu, on_gpu = embed(here, images).coordinates, embed(there, images).coordinates
    far = np.abs(on_cpu - on_gpu).max(1) / extent
    quantiles = ", ".join(f"{value:.1e}" for value in np.quantile(far, (0.5, 0.99, 1)))
    check(f"{name}: CPU to GPU, of the extent", bool(np.quantile(far, 0.99) < 1e-3), quantiles + " (half, 99 %, all)")
    alone = np.concatenate([embed(there, images[at : at + 1]).coordinates for at in range(ALONE)])
    off = float(np.abs(alone - on_gpu[:ALONE]).max() / extent)
    check(f"{name}: by itself and among others", off <= SAME_PLACE, f"{off:.1e}")
    rates = {device: len(images) / seconds(lambda n=network: embed(n, images)) for device, network in
             (("CPU", here), ("GPU", there))}  # fmt: skip
    check(f"{name}: images a second", True, {device: round(rate) for device, rate in rates.items()})
    if here.decoder:
        centers = np.random.default_rng(0).uniform(-extent / 2, extent / 2, (DECODED, 2))
        probe = here.canonical or Probe(0.7, 1.0)
        decoded = [decode_probes(network, centers, probe).astype(float) for network in (here, there)]
        off = float(np.abs(decoded[0] - decoded[1]).max())
        check(f"{name}: decoded, largest difference", off <= 1, f"{off:.3g} of 255")


def steps(recipe: str, gpu: str) -> None:
    """A step on the GPU is one that waits for nothing; PyTorch tells where one does."""
    schedule = RECIPES[recipe]
    training = new_training(schedule, schedule.load_data(), 0, gpu)
    for _ in range(WARM):
        training._step()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        began = time.perf_counter()
        losses = [training._step() for _ in range(STEPS)]
    except RuntimeError as error:
        return check(f"{recipe}: a step waits for nothing", False, str(error).splitlines()[0])
    finally:
        torch.cuda.set_sync_debug_mode("default")
    finite = bool(torch.stack(losses).isfinite().all())
    rate = STEPS * schedule.batch / (time.perf_counter() - began)
    check(f"{recipe}: a step waits for nothing", finite, f"{rate:,.0f} {training.task.unit} a second")


def travels(gpu: str) -> None:
    """A training that begins on the CPU, goes on on the GPU, and ends on the CPU."""
    recipe = replace(RECIPES["digits-neighbours"], epochs=3)
    data = recipe.load_data()
    with tempfile.TemporaryDirectory() as folder:
        for number, device in enumerate(("cpu", gpu, "cpu")):
            training = new_training(recipe, data, 0, device)
            if number:
                checkpoint.resume(training, Path(folder))
            for progress in training.run():
                if progress.step % training.batches == 0:
                    break
            checkpoint.save(training, Path(folder))
    losses = [round(row["loss"], 3) for row in training.progress.history]
    check(
        "a training on CPU, GPU, CPU: its losses", losses == sorted(losses, reverse=True) and len(losses) == 3, losses
    )


def main(names: list[str]) -> int:
    """Every check; the exit status."""
    gpu = best_device("cuda")
    print(SAID.format("GPU", torch.cuda.get_device_name(gpu)), f"torch {torch.__version__}")
    runs = [run for run in readable_runs()[0] if isinstance(run, EmbeddingRun)]
    for name in names or [run.name for run in runs if run.data["name"] == "digits" or is_local(run.data["name"])]:
        places(name, gpu)
    travels(gpu)
    for recipe in ("digits-neighbours", "mnist-neighbours", "mnist-autoencoder", "cifar10-resnet32", "mnist-grids"):
        if RECIPES[recipe].data == "digits" or is_local(RECIPES[recipe].data):
            steps(recipe, gpu)
    print("failed: " + "; ".join(failed) if failed else "all held")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
