"""Figures 5, 6 and 7 of the paper for any run, for print; and as animations a probe on its way, and the training."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image, ImageOps

from kernelviz.disk import replacing
from kernelviz.errors import UserError
from kernelviz.evaluation.depths import depth_of, families, laid_over, placed_by
from kernelviz.evaluation.inference import decode_probes
from kernelviz.export.pictures import opened, pictures_of
from kernelviz.layers.probe import Probe
from kernelviz.plots.clusters import cluster_column
from kernelviz.plots.colours import rgb
from kernelviz.plots.columns import group_of
from kernelviz.plots.film import animation
from kernelviz.plots.images import COLLAGE, apart, collage, sheet
from kernelviz.storage.embedding_map import SPLITS, EmbeddingMap, load_map
from kernelviz.storage.epochs import load_epochs
from kernelviz.storage.item_table import map_table
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import readable_runs
from kernelviz.storage.weights import load_network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRINTED, ANIMATED = (".pdf", ".svg", ".png"), (".gif", ".webp")
COLOURS = ("label", "prediction", "right or wrong")
LEAST_SIDE, MOST_SIDE = 2, 100
LOWEST_DPI, HIGHEST_DPI = 30, 2400
NARROWEST, WIDEST = 240, 1600  # pixels across an animation
PANEL = 0.95  # inches: maps side by side are at least so wide


@dataclass(frozen=True)
class Look:
    """How a figure looks.

    Args:
        width: of the figure for print: "8.5cm", "85mm", "3.35in" or "240pt"; "" for one column, or two for `depth`.
        dpi: of a PNG, and of what is made of pixels in a PDF or SVG.
        split: whose points; "" for those of test, or of train where there is no test part.
        colour: of the points, one of COLOURS. A map without labels has the colours of its clusters.
        side: images along each side, at most; 0 for 20, or 40 of `images`.
        pictures: whether the figure `images` has the pictures of the data, and not what is decoded.
    """

    width: str = ""
    dpi: int = 300
    split: str = ""
    colour: str = "label"
    side: int = 0
    pictures: bool = False

    def __post_init__(self):
        if self.split not in ("", *SPLITS):
            raise UserError(f"there is no split {self.split!r}; there are {', '.join(SPLITS)}")
        if self.colour not in COLOURS:
            raise UserError(f"a figure is not coloured by {self.colour!r}; choose one of {', '.join(COLOURS)}")
        if self.side and not LEAST_SIDE <= self.side <= MOST_SIDE:
            raise UserError(f"{self.side} images along each side; allowed are {LEAST_SIDE} to {MOST_SIDE}")
        if not LOWEST_DPI <= self.dpi <= HIGHEST_DPI:
            raise UserError(f"{self.dpi} dots per inch; allowed are {LOWEST_DPI} to {HIGHEST_DPI}")


class Kind(NamedTuple):
    """A kind of figure: what makes it, the endings of its files, the first by default, its width, images on a side."""

    make: Callable
    endings: tuple[str, ...]
    width: str = ""
    side: int = 20


def figure(run: EmbeddingRun, what: str, path: Path | None = None, look: Look | None = None) -> Path:
    """Write a figure of a run; returns its path.

    Raises a UserError where the run has not what the figure shows, or where the ending of the file does not fit it.

    Args:
        what: one of KINDS.
        path: by default RUN-WHAT.pdf, or .gif, in the current folder.
    """
    if what not in KINDS:
        raise UserError(f"there is no figure {what!r}; there are {', '.join(KINDS)}")
    kind, look = KINDS[what], look or Look()
    look = replace(look, width=look.width or kind.width, side=look.side or kind.side)
    path = path or Path(f"{run.name}-{what}{kind.endings[0]}")
    if path.suffix.lower() not in kind.endings:
        raise UserError(f"the figure {what} is written as {', '.join(kind.endings)}, not as {path.name}")
    if kind.endings == ANIMATED:
        data = kind.make(run, path.suffix.lower()[1:], look)
        with replacing(path) as partial:
            partial.write_bytes(data)
        return path
    from kernelviz.plots import publication  # matplotlib takes a second to import, and is an extra

    made = kind.make(run, publication.inches(look.width), look)
    publication.save(made, path, f"{run.name}: {what}", look.dpi)
    return path


def _map(run: EmbeddingRun, width: float, look: Look) -> "Figure":
    """Figure 5 (left): the points in the colours of their classes."""
    from kernelviz.plots.publication import Panel, printed_maps

    group, groups = _groups(run, look)
    return printed_maps([Panel(_points(run, look).coordinates, group)], groups, width)


def _images(run: EmbeddingRun, width: float, look: Look) -> "Figure":
    """Figure 5 (right): images where their points are, in the colours of their classes; of overlapping ones the first.

    Grey ones are ink, others have a frame.
    """
    from kernelviz.plots.publication import Panel, printed_maps, window_around

    whole, shown = _shown(run, look)
    points, tile = whole.where(shown), COLLAGE // look.side
    window = window_around(points.coordinates)
    inside = points.coordinates - np.array([window.x, window.y], np.float32)
    rows = apart(inside, window.half, tile)
    group, groups = _groups(run, look)
    colours = np.array([rgb(colour) for _, colour in groups], np.uint8)[group[rows]]
    tiles = _tiles(_pictures(run, whole, shown[rows], look), colours, tile)
    picture = collage(inside[rows], tiles, colours, window.half, tile)
    return printed_maps([Panel(points.coordinates, group, picture=picture)], groups, width)


def _pictures(run: EmbeddingRun, whole: EmbeddingMap, rows: np.ndarray, look: Look) -> list[Image.Image]:
    """What is decoded at the coordinates of some rows of a map; with `look.pictures` their pictures."""
    if look.pictures:
        return [opened(one) for one in pictures_of(run, whole)(rows)]
    _check_decoder(run)
    return [
        Image.fromarray(one) for one in decode_probes(load_network(run), whole.coordinates[rows], Probe(**run.probe))
    ]


def _tiles(pictures: list[Image.Image], colours: np.ndarray, side: int) -> UInt8[np.ndarray, "n side side *c"]:
    """Whole pictures on squares; unless all are grey, in frames."""
    if all(one.mode == "L" for one in pictures):
        return np.stack([np.asarray(ImageOps.pad(one, (side, side))) for one in pictures])
    frame = max(1, side // 20)
    inner, out = (side - 2 * frame,) * 2, []
    for one, colour in zip(pictures, colours.tolist(), strict=True):
        framed = ImageOps.expand(ImageOps.contain(one.convert("RGB"), inner), frame, tuple(colour))
        out.append(np.asarray(ImageOps.pad(framed, (side, side), color="white")))
    return np.stack(out)


def _decoded(run: EmbeddingRun, width: float, look: Look) -> "Figure":
    """Figure 6: what is decoded from probes all over the part of the map where the points are."""
    from kernelviz.plots.publication import printed_sheet, window_around

    _check_decoder(run)
    window, probe = window_around(_points(run, look).coordinates, 1.0), Probe(**run.probe)
    axis = window.half * ((2 * np.arange(look.side) + 1) / look.side - 1)
    x, y = np.meshgrid(window.x + axis, window.y - axis)
    decoded = decode_probes(load_network(run), np.stack([x.ravel(), y.ravel()], 1), probe)
    between = window.half * 2 / look.side
    below = f"{look.side} × {look.side} probes, {between:.2g} apart, of standard deviation {probe.width:.2g}"
    return printed_sheet(sheet(decoded, look.side, gap=0), below, width)


def _depth(run: EmbeddingRun, width: float, look: Look) -> "Figure":
    """Figure 7: the maps of the same images at each depth of one backbone, the deepest first, turned alike."""
    from kernelviz.plots.publication import Panel, printed_maps

    family = next((of for of in families(readable_runs()[0]).values() if run.name in {one.name for one in of}), [])
    maps = {one.name: load_map(one.folder).of_split(look.split or "test") for one in family}
    runs = [one for one in family if np.array_equal(maps[one.name].label, maps[run.name].label)]
    if len(runs) < 2:
        raise UserError(
            f"there is no map of the images of {run.name!r} at another depth of its network; train one with "
            "`kernelviz train head --depth`"
        )
    _, groups = _groups(run, look)
    panels = []
    for one, how in zip(runs, laid_over([maps[one.name] for one in runs]), strict=True):
        points = maps[one.name].where(maps[one.name].placed)
        group, _ = group_of(points, one.classes, look.colour)
        nearest = one.metrics.get("map_5nn")
        title = depth_of(one) + (f", 5-NN {100 * nearest:.1f} %" if nearest is not None else "")
        panels.append(Panel(placed_by(how, points.coordinates), group, title))
    columns = int(np.clip(width / PANEL, 1, min(4, len(panels))))
    return printed_maps(panels[::-1], groups, width, columns)


def _path(run: EmbeddingRun, kind: str, look: Look) -> bytes:
    """A probe on its way through the classes of the map, and what is decoded from it."""
    from kernelviz.export.path import WIDTH, animated_path

    _check_decoder(run)
    width = WIDTH
    if look.width:
        from kernelviz.plots.publication import inches

        width = round(look.dpi * inches(look.width))
        if not NARROWEST <= width <= WIDEST:
            raise UserError(
                f"{width:,} pixels across; an animation has {NARROWEST} to {WIDEST}: change --width or --dpi"
            )
    return animated_path(run, _points(run, look), *_groups(run, look), kind, width)


def _film(run: EmbeddingRun, kind: str, look: Look) -> bytes:
    """The points from epoch to epoch of the training."""
    if look.width:
        raise UserError("a film has 480 pixels across; leave out its width")
    maps = load_epochs(run.folder)
    if maps is None or not len(maps):
        raise UserError(f"the maps of the epochs of {run.name!r} were not kept; trainings of this version keep them")
    return animation(maps, kind)


KINDS = {
    "map": Kind(_map, PRINTED, "8.5cm"),
    "images": Kind(_images, PRINTED, "8.5cm", 40),
    "decoded": Kind(_decoded, PRINTED, "8.5cm"),
    "depth": Kind(_depth, PRINTED, "17.5cm"),
    "path": Kind(_path, ANIMATED),
    "film": Kind(_film, ANIMATED),
}


def _shown(run: EmbeddingRun, look: Look) -> tuple[EmbeddingMap, Int[np.ndarray, " n"]]:
    """The map of a run, and the rows of it that a figure shows: those of a split that have coordinates."""
    whole = load_map(run.folder)
    for split in (look.split,) if look.split else ("test", "train"):
        rows = np.flatnonzero(whole.placed & (whole.split == SPLITS.index(split)))
        if len(rows):
            return whole, rows
    raise UserError(f"the map of {run.name!r} has no points of the split {look.split or 'test'}; choose another")


def _points(run: EmbeddingRun, look: Look) -> EmbeddingMap:
    whole, rows = _shown(run, look)
    return whole.where(rows)


def _groups(
    run: EmbeddingRun, look: Look
) -> tuple[Int[np.ndarray, " n"], tuple[tuple[str, str], ...] | list[tuple[str, str]]]:
    """The number of each point's group, and name and colour of each group."""
    whole, rows = _shown(run, look)
    points = whole.where(rows)
    table = map_table(whole, run.classes, run.folder).iloc[rows]
    return group_of(points, run.classes, look.colour, cluster_column(points, run.extent, table))


def _check_decoder(run: EmbeddingRun) -> None:
    if not run.decodes_images:
        raise UserError(f"the run {run.name!r} decodes no images; choose one that was trained to reconstruct images")
