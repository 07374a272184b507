"""Figure 7: maps of the unseen CIFAR-10 images at three depths of a ResNet; the shallower, the more overlap."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from kernelviz.errors import UserError
from kernelviz.evaluation.depths import depth_of, families, laid_over, placed_by, reach_of
from kernelviz.paper.beside import AGREES, BELOW, beside, metrics_beside
from kernelviz.paper.table2 import COMMANDS as COMMANDS
from kernelviz.paper.table2 import PAPER as TABLE2
from kernelviz.plots.colours import class_colours, rgb
from kernelviz.plots.images import dots, on_white, png
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import load_run

SPREAD = "one seed"
TITLE = "Maps of the unseen CIFAR-10 images at three depths of a ResNet"
SHOWS = (
    "The maps of the test images of CIFAR-10 at the three depths of Table 2: the shallower the truncated network, "
    "the more the classes overlap. No number is given."
)
FIGURE = "Ours, the deepest first; the maps are rotated and mirrored to match each other."
VERDICT = "The shallower the truncated network, the more the classes overlap, as in the paper's figure."
METRICS = ("map_1nn", "map_5nn", "silhouette")
RUNS = tuple(row["run"] for row in TABLE2 if row["layers"] < 32)  # the heads, the deepest first


def rows() -> list[dict]:
    """Whether the classes overlap the more, the shallower the network, and the metrics of the maps."""
    runs = _runs()
    nearest = [run.metrics["map_5nn"] for run in runs]
    ordered = sorted(nearest, reverse=True) == nearest
    names = " > ".join(
        depth_of(run).removesuffix(" layers") for run in sorted(runs, key=lambda run: -run.metrics["map_5nn"])
    )
    finding = beside("classes apart (5-NN), by layers", names, "31 > 21 > 11", AGREES if ordered else BELOW)
    return [finding, *(row for run in runs for row in metrics_beside(run, METRICS, depth_of(run)))]


def picture() -> UInt8[np.ndarray, "h w 4"]:
    """The maps side by side, turned alike, the deepest first as in the paper, on clear ground."""
    runs = _runs()
    if len(families(runs)) > 1:
        raise UserError("the three runs have different backbones; train them again on one")
    maps = [load_map(run.folder).of_split("test") for run in runs]
    placements = laid_over(maps[::-1])[::-1]  # over the deepest
    reach = reach_of(maps, placements)
    colours = np.array([rgb(colour) for colour in class_colours(len(runs[0].classes))], np.uint8)
    panels = [
        dots(placed_by(how, points.coordinates)[points.placed], colours[points.label[points.placed]], reach, 1000, 4)
        for points, how in zip(maps, placements, strict=True)
    ]
    return np.concatenate(panels, axis=1)


def render() -> Path:
    """Write the picture on white; returns its path."""
    path = Path("figure7.png")
    path.write_bytes(png(on_white(picture())))
    return path


def _runs() -> list[EmbeddingRun]:
    return [load_run(name) for name in RUNS]
