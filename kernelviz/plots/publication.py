"""Maps and decoded images as figures for print: as wide as a column, with embedded fonts, the legend below."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from kernelviz.disk import replacing
from kernelviz.errors import UserError

try:
    import matplotlib
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.font_manager import get_font_names
    from matplotlib.legend import Legend
    from matplotlib.lines import Line2D
except ImportError:
    raise UserError("figures for print need the package matplotlib; install kernelviz[figures]") from None

METADATA = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {}}  # the same figure is the same file
UNITS = {"cm": 1 / 2.54, "mm": 1 / 25.4, "in": 1.0, "pt": 1 / 72}  # in inches
NARROWEST, WIDEST = 1.5, 40.0  # inches
MOST_PIXELS = 12_000  # along a side
LAYOUT = 288  # pixels per inch with which texts are measured: with fewer they come out narrower than they are
FONT_SIZE, GROWING = 7, 7.2  # points of the text, and the width in inches from which on it grows
GAP = 0.06  # inches around a panel
NAMED = 30  # groups in a legend
LONGEST = 26  # letters of a name
VECTORS = 20_000  # points of a map that are vectors; more are pixels, in a PDF too
COVERED = 0.35  # of a panel: how much of it the points would cover if none overlapped
INK, PALE = "#31333f", "#86919b"
FONTS = ("Noto Sans CJK JP", "Hiragino Sans", "Microsoft YaHei", "Noto Sans")  # for letters that DejaVu lacks


class Panel(NamedTuple):
    """A map in a figure.

    Attributes:
        coordinates: of its points.
        group: the number of each point's group.
        title: what stands above it.
        picture: of the square that holds all points (`window_around`), on a clear ground, in place of dots.
    """

    coordinates: Float[np.ndarray, "n 2"]
    group: Int[np.ndarray, " n"]
    title: str = ""
    picture: UInt8[np.ndarray, "h w 4"] | None = None


class Window(NamedTuple):
    """A square of a map: its middle, and half its side."""

    x: float
    y: float
    half: float

    @property
    def sides(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top."""
        return self.x - self.half, self.x + self.half, self.y - self.half, self.y + self.half


def inches(width: str) -> float:
    """A width such as "8.5cm", "85mm", "3.35in" or "240pt" in inches; a UserError says what is allowed."""
    found = re.fullmatch(rf"\s*(\d+(?:\.\d+)?)\s*({'|'.join(UNITS)})\s*", width)
    value = float(found[1]) * UNITS[found[2]] if found else 0.0
    if not NARROWEST <= value <= WIDEST:
        low, high = NARROWEST / UNITS["cm"], WIDEST / UNITS["cm"]
        raise UserError(f"{width!r} is no width of a figure; give one such as 8.5cm, from {low:.1f}cm to {high:.0f}cm")
    return value


def window_around(coordinates: Float[np.ndarray, "n 2"], margin: float = 1.04) -> Window:
    """The smallest square that holds every point, with a margin around."""
    if not len(coordinates):
        return Window(0.0, 0.0, 1.0)
    low, high = coordinates.min(0).astype(float), coordinates.max(0).astype(float)
    x, y = (low + high) / 2
    return Window(float(x), float(y), max(float((high - low).max()) / 2, 1e-6) * margin)


def printed_maps(panels: Sequence[Panel], groups: Sequence[tuple[str, str]], width: float, columns: int = 1) -> Figure:
    """Maps on one scale, the names of their groups below.

    Args:
        groups: name and colour of each; the legend has those that have points, at most NAMED.
        width: of the figure, in inches.
        columns: number of maps in a row.
    """
    with matplotlib.rc_context(_style(width)):
        figure = Figure((width, width), dpi=LAYOUT)
        renderer = FigureCanvasAgg(figure).get_renderer()
        head = 1.9 * matplotlib.rcParams["font.size"] / 72 if any(panel.title for panel in panels) else 0.0
        legend = _legend(figure, groups, [panel.group for panel in panels])
        foot = legend.get_window_extent(renderer).height / LAYOUT + 2 * GAP if legend else 0.0
        side = (width - (columns + 1) * GAP) / columns
        height = -(-len(panels) // columns) * (head + side + GAP) + GAP + foot
        figure.set_size_inches(width, height)
        if legend:
            legend.set_bbox_to_anchor((0.5, GAP / height), figure.transFigure)
        window = window_around(np.concatenate([panel.coordinates for panel in panels]))
        colours = np.array([colour for _, colour in groups])
        for at, panel in enumerate(panels):
            row, column = divmod(at, columns)
            left, top = GAP + column * (side + GAP), GAP + row * (head + side + GAP) + head
            axes = figure.add_axes((left / width, 1 - (top + side) / height, side / width, side / height))
            if panel.picture is None:
                _dots(axes, panel, colours, side)
            else:
                axes.imshow(panel.picture, extent=window.sides, interpolation="antialiased")
            axes.set(xlim=window.sides[:2], ylim=window.sides[2:])
            axes.set_axis_off()
            axes.set_title(panel.title, fontsize=matplotlib.rcParams["font.size"], pad=2, parse_math=False)
    return figure


def printed_sheet(sheet: UInt8[np.ndarray, "h w *c"], below: str, width: float) -> Figure:
    """A picture of decoded images, whose pixels stay sharp squares, and a line of text below.

    Args:
        width: of the figure, in inches.
    """
    with matplotlib.rc_context(_style(width)):
        inner, line = width - 2 * GAP, 1.9 * matplotlib.rcParams["font.size"] / 72
        tall = inner * sheet.shape[0] / sheet.shape[1]
        height = tall + line + 2 * GAP
        figure = Figure((width, height), dpi=LAYOUT)
        axes = figure.add_axes((GAP / width, (GAP + line) / height, inner / width, tall / height))
        axes.set_axis_off()
        axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
        figure.text(0.5, (GAP + line / 3) / height, below, ha="center", va="center", parse_math=False)
    return figure


def save(figure: Figure, path: Path, title: str, dpi: int = 300) -> None:
    """Write a figure as PDF, SVG or PNG, by the ending of the path; fonts are embedded, in SVG as outlines.

    Args:
        dpi: of a PNG, and of what is made of pixels in a PDF or SVG; a UserError where that is too much.
    """
    width, height = figure.get_size_inches()
    if dpi * max(width, height) > MOST_PIXELS:
        raise UserError(
            f"{dpi * width:,.0f} × {dpi * height:,.0f} pixels are too many; at most {MOST_PIXELS:,} along a side are "
            "allowed: give a smaller --dpi"
        )
    ending = path.suffix.lower()
    with matplotlib.rc_context(_style(width)), replacing(path) as partial:
        figure.savefig(partial, format=ending[1:], dpi=dpi, metadata=METADATA[ending] | {"Title": title})


def _style(width: float) -> dict:
    fonts = ["DejaVu Sans", *(font for font in FONTS if font in get_font_names())]
    return {
        "font.family": fonts,
        "font.size": FONT_SIZE * max(1.0, width / GROWING),
        "pdf.fonttype": 42,
        "svg.fonttype": "path",
        "svg.hashsalt": "kernelviz",
        "text.color": INK,
    }


def _dots(axes: Axes, panel: Panel, colours: np.ndarray, side: float) -> None:
    """The points in a random order, so that no class covers another."""
    order = np.random.default_rng(0).permutation(len(panel.group))
    diameter = float(np.clip(72 * side * (4 * COVERED / np.pi / max(1, len(order))) ** 0.5, 0.6, 4))  # points
    axes.scatter(
        *panel.coordinates[order].T,
        s=diameter**2,
        c=colours[panel.group[order]] if len(order) else None,
        linewidths=0,
        rasterized=len(order) > VECTORS,
        clip_on=False,
    )


def _legend(figure: Figure, groups: Sequence[tuple[str, str]], numbers: Sequence[np.ndarray]) -> Legend | None:
    """The groups that have points, row by row in as many columns as the figure has space for; None for one alone."""
    counts = np.bincount(np.concatenate(numbers), minlength=len(groups))
    shown = [groups[at] for at in np.flatnonzero(counts)]
    if len(shown) < 2:
        return None
    if len(shown) > NAMED:
        largest = sorted(np.argsort(-counts, kind="stable")[: NAMED - 1])
        shown = [*(groups[at] for at in largest), (f"and {len(shown) - NAMED + 1} more", "none")]
    names = [name if len(name) <= LONGEST else name[: LONGEST - 1] + "…" for name, _ in shown]
    most = figure.bbox.width - 2 * GAP * LAYOUT  # pixels
    for rows in range(1, len(shown) + 1):
        columns = -(-len(shown) // rows)
        order = [at for column in range(columns) for at in range(column, len(shown), columns)]
        marks = [Line2D([], [], ls="", marker="o", ms=4, mew=0, color=shown[at][1]) for at in order]
        legend = figure.legend(
            marks,
            [str(at) for at in order],
            loc="lower center",
            ncols=columns,
            frameon=False,
            borderpad=0,
            borderaxespad=0,
            handletextpad=0.1,
            handlelength=1.2,
            columnspacing=1.0,
            labelspacing=0.35,
        )
        for at, text in zip(order, legend.get_texts(), strict=True):
            text.set(text=names[at], parse_math=False)
        if columns == 1 or legend.get_window_extent(figure.canvas.get_renderer()).width <= most:
            return legend
        legend.remove()
    return None
