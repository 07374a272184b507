"""Embedding images by ONNX Runtime, from the file that `kernelviz export RUN --format onnx` writes, and by torch."""

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from kernelviz.data.batches import pixels
from kernelviz.evaluation.inference import CPU, at_a_time
from kernelviz.export.onnx import EMBED, check_installed, facts_of, graphs, to_model
from kernelviz.networks import EmbeddingNetwork
from kernelviz.storage.store import load_mapped

RUNS = ("mnist-neighbours", "cifar10-resnet32-kept31", "shapes")  # dense layers, a ResNet, an EfficientNet
IMAGES = (1, 256)  # at a time
SECONDS = 4.0  # of measuring each row, at least three passes of both

Images = UInt8[np.ndarray, "n h w *c"]
Coordinates = Float32[np.ndarray, "n 2"]


def report(note: Callable[[str], None]) -> dict:
    """Median milliseconds from pixels to coordinates, both with as many threads, one after the other in turn."""
    check_installed("onnx", "onnxscript", "onnxruntime")
    rows = [row for name in RUNS for row in _rows(name, note)]
    return {"rows": rows, "notes": [f"Medians, on {torch.get_num_threads()} threads."]}


def _rows(name: str, note: Callable[[str], None]) -> list[dict]:
    run = load_mapped(name)
    note(f"{name} is exported")
    graph = graphs(run)[EMBED]
    content = to_model(graph, facts_of(run)).SerializeToString()
    ways = {"torch": _by_torch(graph.module.network), "onnxruntime": _by_onnxruntime(content)}
    rows = []
    for n in IMAGES:
        note(f"{name}, {n} images at a time")
        images = np.random.default_rng(0).integers(0, 256, (n, *graph.example.shape[1:]), np.uint8)
        ms, found = _timed(ways, images)
        apart = float(np.nanmax(np.abs(found["torch"] - found["onnxruntime"])))
        rows.append(
            {"run": name, "images": n, "torch ms": ms["torch"], "onnxruntime ms": ms["onnxruntime"]}
            | {"time ratio": ms["onnxruntime"] / ms["torch"], "largest difference": apart}
        )
    return rows


def _timed(
    ways: dict[str, Callable[[Images], Coordinates]], images: Images
) -> tuple[dict[str, float], dict[str, Coordinates]]:
    """Milliseconds of each way, and its coordinates; the first pass does not count."""
    found = {way: embed(images) for way, embed in ways.items()}
    taken: dict[str, list[float]] = {way: [] for way in ways}
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until or len(taken["torch"]) < 3:
        for way, embed in ways.items():
            began = time.perf_counter()
            embed(images)
            taken[way].append(1000 * (time.perf_counter() - began))
    return {way: median(times) for way, times in taken.items()}, found


def _by_torch(network: EmbeddingNetwork) -> Callable[[Images], Coordinates]:
    def embed(images: Images) -> Coordinates:
        parts = pixels(images).split(at_a_time(images.shape[1:3], CPU))  # of large images all at once take torch longer
        with torch.inference_mode():
            activation = network.activation_of(torch.cat([network.features(part) for part in parts]))
            return network.coordinates(activation).numpy()

    return embed


def _by_onnxruntime(content: bytes) -> Callable[[Images], Coordinates]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(["coordinates"], {"images": images})[0]
