"""Figure 7: maps of the unseen CIFAR-10 images at three depths of a ResNet; the shallower, the more overlap."""

from pathlib import Path

import numpy as np

from kernelviz.errors import UserError
from kernelviz.evaluation.depths import depth_of, families, laid_over, placed_by, reach_of
from kernelviz.paper.table2 import COMMANDS as COMMANDS
from kernelviz.paper.table2 import PAPER as TABLE2
from kernelviz.plots.colours import class_colours, rgb
from kernelviz.plots.images import dots, on_white, png
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import load_run

SPREAD = "one seed"
TITLE = "Maps of the unseen CIFAR-10 images at three depths of a ResNet"
VERDICT = "The shallower the truncated network, the more the classes overlap, as in the paper's figure."
METRICS = ("map_1nn", "map_5nn", "silhouette")
PAPER = "no number given"  # the paper shows the maps and gives no number


def rows() -> list[dict]:
    """The metrics of the maps."""
    return [
        {"what": f"{depth_of(run)}: {name}", "paper": PAPER, "ours": f"{run.metrics[name]:.4f}"}
        for run in _runs()
        for name in METRICS
    ]


def render() -> Path:
    """Write a picture of the maps side by side, turned alike, the deepest first as in the paper."""
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
    path = Path("figure7.png")
    path.write_bytes(png(on_white(np.concatenate(panels, axis=1))))
    return path


def _runs() -> list[EmbeddingRun]:
    """The heads, the deepest first."""
    return [load_run(row["run"]) for row in TABLE2 if row["layers"] < 32]
