"""Embedding files: many small ones as `kernelviz embed` does it, and one large photograph."""

import io
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from kernelviz.benchmarks.million import peak_gb
from kernelviz.benchmarks.sketch import sketches
from kernelviz.data.images import load
from kernelviz.evaluation.novelty import project_files
from kernelviz.ingest.files import contents_of_paths, ingest
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network

RUN = "mnist-neighbours"
PHOTOGRAPH = (4000, 3000)  # pixels


def report(note: Callable[[str], None]) -> dict:
    """Seconds with the network loaded, beside what Pillow takes to decode the same files."""
    run = load_run(RUN)
    network, points = load_network(run), load_map(run.folder)

    def seconds(files: list[Path]) -> float:
        began = time.perf_counter()
        project_files(
            network,
            points,
            run.classes,
            ingest(contents_of_paths(files), run.preprocess),
            lambda n: note(f"{n:,} embedded"),
        )
        return time.perf_counter() - began

    def row(what: str, files: list[Path]) -> dict:
        seconds(files[:1])  # the first pass fills the caches
        elapsed = seconds(files)
        return {
            "what": what,
            "files": len(files),
            "seconds": elapsed,
            "files_per_second": len(files) / elapsed,
            "times_Pillow": elapsed / _decoding(files),
            "peak_GB": peak_gb(),
        }

    with tempfile.TemporaryDirectory() as folder:
        rows = [row(what, _written(Path(folder) / what, pictures)) for what, pictures in PICTURES.items()]
    return {"rows": rows, "notes": ["times_Pillow: beside decoding alone. peak_GB is the memory of the whole process."]}


def _decoding(files: list[Path]) -> float:
    began = time.perf_counter()
    for file in files:
        Image.open(io.BytesIO(file.read_bytes())).load()
    return time.perf_counter() - began


def _written(folder: Path, pictures: Callable[[], Iterable[Image.Image]]) -> list[Path]:
    folder.mkdir()
    files = []
    for at, picture in enumerate(pictures()):
        files.append(folder / f"{at}.{'png' if picture.mode == 'L' else 'jpg'}")
        picture.save(files[-1], quality=92)
    return files


def photograph() -> Image.Image:
    """A stroke on paper, with the grain of a camera."""
    sheet = Image.new("L", PHOTOGRAPH, 210)
    ImageDraw.Draw(sheet).line([(2100, 700), (1900, 2300)], 40, 160)
    grain = np.random.default_rng(0).normal(0, 6, PHOTOGRAPH[::-1])
    pixels = (np.asarray(sheet) + grain).clip(0, 255).astype(np.uint8)
    return Image.merge("RGB", [Image.fromarray(pixels)] * 3)


PICTURES: dict[str, Callable[[], Iterable[Image.Image]]] = {
    "MNIST, 28 x 28": lambda: map(Image.fromarray, load("mnist").split("test")[0]),
    "sketches, 280 x 280": lambda: sketches(np.random.default_rng(0)),
    "photograph, 12 megapixels": lambda: [photograph()],
}
