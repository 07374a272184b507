"""The map of a run as a page without a server: the canvas, the probe and the encoder, as one file or as a folder."""

from pathlib import Path

from kernelviz.disk import replacing
from kernelviz.errors import UserError
from kernelviz.storage.record import EmbeddingRun, Run
from kernelviz.storage.store import of_kind
from kernelviz.ui.standalone.document import document
from kernelviz.ui.standalone.facts import data_of, facts_of


def write(run: Run, path: Path, pictures: bool) -> Path:
    """Write a page as one file, which opens from disk and from any host; returns its path.

    A UserError says that the run has no map of images or vectors.
    """
    with replacing(path) as partial:
        partial.write_text(page(run, pictures), encoding="utf-8")
    return path


def page(run: Run, pictures: bool) -> str:
    """The page of a run as HTML, all data in it."""
    run = embedding(run)
    data = dict(data_of(run, pictures))
    return document(f"{run.name} · kernelviz", facts_of(run, pictures, "encoder" in data), data)


def embedding(run: Run) -> EmbeddingRun:
    """The run, if it has a map of images or vectors; else a UserError."""
    if not of_kind([run], EmbeddingRun):
        raise UserError(f"{run.name} is a {run.kind}; a page is made of a map of images")
    return run
