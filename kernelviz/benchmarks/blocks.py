"""`kernelviz embed` as one table, and block by block in one process and on Ray with a worker on each core."""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from PIL import Image
from pyarrow import fs

from kernelviz.benchmarks.photographs import write_photographs
from kernelviz.blocks.cutting import Block, blocks_of
from kernelviz.blocks.engines import ENGINES
from kernelviz.blocks.output import Manifest, Output
from kernelviz.blocks.placing import Placer
from kernelviz.data.images import load
from kernelviz.evaluation.novelty import project_files
from kernelviz.ingest.files import contents_of_paths, ingest
from kernelviz.storage.calibration import load_calibration
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network

PER_BLOCK = 64  # few, so that each worker has many blocks
TABLE = "one table"
Watch = Callable[[int], None]  # called with how many pictures are done so far


def report(note: Callable[[str], None]) -> dict:
    """Pictures a second of each way, and how many times that of one table it is."""
    rows = []
    for what, (run, write) in SOURCES.items():
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "source"
            source.mkdir()
            write(source)
            ways: dict[str, Callable[[Placer, Path, Watch], None]] = {TABLE: _table}
            ways |= {name: partial(_blocks, name) for name in ENGINES if name != "ray" or find_spec("ray")}
            rates = {}
            for way, work in ways.items():
                note(f"{what}: {way}")
                seconds, rates[way] = _measured(partial(work, _placer(run, Path(folder) / way), source))
                row = {"pictures": what, "way": way, "seconds": seconds, "a second": rates[way]}
                rows.append(row | {"times one table": rates[way] / rates[TABLE]})
    return {"rows": rows, "notes": ["a second: after the first block of each core, so without the start of Ray."]}


def _measured(work: Callable[[Watch], None]) -> tuple[float, float]:
    """The seconds of some work, and its pictures a second after the first block of each core."""
    done: list[tuple[float, int]] = []
    began = time.perf_counter()
    work(lambda n: done.append((time.perf_counter(), n)))
    (first, before), (last, n) = done[min(os.cpu_count() or 1, len(done) - 1) - 1], done[-1]
    return last - began, (n - before) / (last - first)


def _table(placer: Placer, source: Path, watch: Watch) -> None:
    files = ingest(contents_of_paths([source]), placer.run.preprocess)
    project_files(placer.network, placer.points, placer.run.classes, files, watch, placer.usual)


def _blocks(engine: str, placer: Placer, source: Path, watch: Watch) -> None:
    done = 0
    for n in ENGINES[engine](placer, enumerate(_small(blocks_of([str(source)])))):
        done += n
        watch(done)


def _small(blocks: list[Block]) -> list[Block]:
    return [
        replace(block, files=block.files[start : start + PER_BLOCK])
        for block in blocks
        for start in range(0, len(block.files), PER_BLOCK)
    ]


def _placer(name: str, folder: Path) -> Placer:
    run, output = load_run(name), Output(fs.LocalFileSystem(), str(folder))
    output.claim(Manifest(name, "", "", 0))
    return Placer(run, load_network(run), load_map(run.folder), load_calibration(run.folder), output)


def _write_digits(folder: Path) -> None:
    for number, pixels in enumerate(load("mnist").split("test")[0]):
        Image.fromarray(pixels).save(folder / f"{number:05d}.png")


SOURCES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "MNIST as PNG": ("mnist-neighbours", _write_digits),
    "photographs as JPEG": ("cifar10-photos", write_photographs),
}  # the run, and what writes the pictures
