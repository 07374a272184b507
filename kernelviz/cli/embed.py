"""`kernelviz embed`: the positions of pictures or vectors on the map of a run."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from kernelviz.cli.output import progress_bar
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
