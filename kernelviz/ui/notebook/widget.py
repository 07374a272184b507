"""A map as an anywidget: it runs in Jupyter, marimo, VS Code, Colab, wherever anywidget does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from uuid import uuid4

import anywidget
import numpy as np
import traitlets

from kernelviz.errors import UserError
from kernelviz.plots.colours import COLOURINGS
from kernelviz.storage.embedding_map import SPLITS
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.canvas import FOLDER as CANVAS
from kernelviz.ui.canvas import probe_of, told_of
from kernelviz.ui.canvas.bundle import bundle
from kernelviz.ui.canvas.heard import checked
from kernelviz.ui.canvas.messages import ProbeStanding
from kernelviz.ui.notebook.answers import answer
from kernelviz.ui.probe.page import home_of
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.map_source import ImageMap
from kernelviz.ui.shared.selection import Selection

FOLDER = Path(__file__).parent
STYLES = (CANVAS / "canvas.css", FOLDER / "widget.css")
VIEWS = ("dots", "images")


class MapWidget(anywidget.AnyWidget):
    """The map of a run, to look at and to select from.

    Attributes:
        selection: the selected items, by their rows in `run.map`, rising. Setting it selects; `observe` it to follow.
        pinned: the row in `run.map` of the item that a click has pinned; None for none.
        split, colour, view: what is shown: a split; by what its points are coloured, one of
            `kernelviz.plots.colours.COLOURINGS` or a column of the run's own table; "dots" or "images".
        probe: (x, y, width, amplitude) of the probe where it was last released; None on a map without one.
        height: of the map in CSS pixels.
    """

    _esm = bundle(FOLDER / "js" / "widget.mjs")
    styles = traitlets.Unicode("\n".join(path.read_text(encoding="utf-8") for path in STYLES)).tag(sync=True)
    told = traitlets.Dict().tag(sync=True)
    heard = traitlets.Dict().tag(sync=True)
    height = traitlets.Int(460, min=200).tag(sync=True)
    split = traitlets.Enum(SPLITS, default_value="test")
    colour = traitlets.Unicode("label")
    view = traitlets.Enum(VIEWS, default_value="dots")
    selection = traitlets.List(traitlets.Int())
    pinned = traitlets.Int(allow_none=True, default_value=None)
    probe = traitlets.Tuple(allow_none=True, default_value=None)

    def __init__(self, run: EmbeddingRun, *, probe: bool = False, **shown):
        self._run, self._name = run, uuid4().hex
        self._hearing, self._revision = False, 0
        self._standing = ProbeStanding(*home_of(run), **run.probe) if probe else None
        splits = caches.splits_of(run)
        super().__init__(**({"split": "test" if "test" in splits else splits[0]} | shown))
        if self.split not in splits:
            raise UserError(f"the map of {run.name} has no {self.split} images; it has {', '.join(splits)}")
        self.on_msg(self._answer)
        self._tell()

    @traitlets.validate("colour")
    def _check_colour(self, proposal: dict) -> str:
        names = [*COLOURINGS, *(column.name for column in caches.columns_in(self._run))]
        if proposal["value"] not in names:
            raise UserError(f"the points cannot be coloured by {proposal['value']!r}; choose one of {', '.join(names)}")
        return proposal["value"]

    @traitlets.validate("selection")
    def _check_selection(self, proposal: dict) -> list[int]:
        n, rows = len(caches.points_of(self._run)), sorted({int(row) for row in proposal["value"]})
        if rows and not 0 <= rows[0] <= rows[-1] < n:
            raise UserError(f"selected are rows of run.map, 0 to {n - 1}, not {rows[0]} to {rows[-1]}")
        return rows

    @traitlets.observe("split", "colour", "view", "selection")
    def _change(self, change: dict) -> None:
        if change["name"] == "selection" and not self._hearing:
            self._revision += 1
        if not self._hearing and self.told:
            self._tell()

    @traitlets.observe("heard")
    def _hear(self, change: dict) -> None:
        rows = self._rows()
        heard = checked(change["new"], len(rows), 2 * self._run.extent)
        with self._heard():
            if heard.selection and heard.selection.revision > self._revision:
                self._revision = heard.selection.revision
                self.selection = rows[heard.selection.rows].tolist()
            if change["new"].get("pinned") != change["old"].get("pinned"):  # else it may be of the split before
                self.pinned = None if heard.pinned is None else int(rows[heard.pinned])
            if heard.probe:
                self._standing = heard.probe
                self.probe = (heard.probe.x, heard.probe.y, heard.probe.width, heard.probe.amplitude)

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """Changes that the page has made, and need not be told."""
        self._hearing = True
        try:
            yield
        finally:
            self._hearing = False

    def _rows(self) -> np.ndarray:
        """The rows of the split's points in `run.map`."""
        return np.flatnonzero(caches.points_of(self._run).split == SPLITS.index(self.split))

    def _tell(self) -> None:
        column = caches.colouring_of(self._run, self.colour)
        selected = np.flatnonzero(np.isin(self._rows(), self.selection))
        selection, colouring = Selection(self._revision, selected), column.key if column else self.colour
        told = told_of(ImageMap(self._run), self.split, colouring, selection)
        (shown,) = told.maps
        told = replace(told, view=self.view, keeps=False, maps=[replace(shown, base=f"/{self._name}/{shown.base}")])
        if self._standing:
            told = replace(told, decoder=None, probe=probe_of(self._run, self._standing, []))
        self.told = json.loads(json.dumps(asdict(told)))

    def _answer(self, _: object, asked: object, buffers: object) -> None:
        """Answer what the page asks for of this run; whatever else it says is ignored."""
        if not isinstance(asked, dict) or not isinstance(asked.get("ask"), str):
            return
        base = f"/{self._name}/kernelviz/runs/{self._run.name}/"
        address = str(asked.get("address", ""))
        if address.startswith(base):
            status, kind, content = answer(address.removeprefix(f"/{self._name}"))
        else:
            status, kind, content = 404, "text/plain", b"a widget asks for its own run only"
        self.send({"answer": asked["ask"], "status": status, "kind": kind}, [content])
