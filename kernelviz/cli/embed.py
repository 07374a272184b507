"""`kernelviz embed`: the positions of pictures or vectors on the map of a run, in one table or block by block."""

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path, PurePath, PurePosixPath

import pandas as pd

from kernelviz.blocks.cutting import blocks_of, hash_of, store_of, told
from kernelviz.blocks.engines import ENGINES
from kernelviz.blocks.output import ITEMS, REFUSED, Manifest, Output, hash_of_run
from kernelviz.blocks.placing import Placer
from kernelviz.cli.output import print_json, progress_bar, say
from kernelviz.errors import UserError
from kernelviz.evaluation.novelty import project_files, project_vectors
from kernelviz.ingest.files import RejectedFile, contents_of_paths, ingest
from kernelviz.networks.devices import best_device
from kernelviz.sources.reading import read_source
from kernelviz.storage.calibration import load_calibration
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.weights import load_network


def embedded(run: EmbeddingRun, paths: Sequence[Path]) -> tuple[pd.DataFrame, list[RejectedFile]]:
    """The table of what lies at some paths, and the files that are rejected; see `Projection.table`."""
    network, points, usual = load_network(run, best_device()), load_map(run.folder), load_calibration(run.folder)
    if run.is_of_vectors:
        found = (project_vectors(network, points, run.classes, read_source(path), usual) for path in paths)
        return pd.concat(found, ignore_index=True), []
    with progress_bar() as bar:
        task = bar.add_task("embed", total=None, note="")
        files = ingest(contents_of_paths(paths), run.preprocess)
        return project_files(network, points, run.classes, files, lambda done: bar.update(task, completed=done), usual)


def embedded_in_blocks(run: EmbeddingRun, sources: Sequence[str], engine: str, out: str | None, as_json: bool) -> None:
    """Embed sources to a folder block by block, or go on with that folder, and say what is in it."""
    if not out:
        raise UserError("--engine writes a folder; name it with --out")
    for source in sources:
        if _whole(out).is_relative_to(_whole(source)):
            raise UserError(
                f"--out {told(out)} is in {told(source)}, and would be read as a part of it; give another --out"
            )
    output = Output(*store_of(out if "://" in out else str(Path(out).expanduser().absolute())))
    with progress_bar() as bar:
        task = bar.add_task("embed", total=None, note="looking")
        blocks = blocks_of(sources)
        output.claim(Manifest(run.name, hash_of_run(run.folder), hash_of(blocks), len(blocks)))
        done = output.done()
        placer = Placer(run, load_network(run), load_map(run.folder), load_calibration(run.folder), output)
        left = [(number, block) for number, block in enumerate(blocks) if number not in done]
        bar.update(task, total=len(blocks), completed=len(done), note="blocks")
        try:
            with redirect_stdout(sys.stderr):  # where Ray says that a worker has died
                for _ in ENGINES[engine](placer, left) if left else ():
                    bar.advance(task)
        except KeyboardInterrupt:
            say(f"what is done is in {told(out)}; the same command goes on from there")
            raise
    items, refused = output.counts()
    if as_json:
        return print_json({"run": run.name, "folder": told(out), run.unit: items, "refused": refused})
    say(f"{items:,} {run.unit} are in {told(out)}/{ITEMS}, {refused:,} refused files in {told(out)}/{REFUSED}")


def _whole(address: str) -> PurePath:
    return PurePosixPath(told(address)) if "://" in address else Path(address).expanduser().resolve()
