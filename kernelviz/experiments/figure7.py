"""Figure 7: maps of the unseen CIFAR-10 images at three depths of a ResNet; the lower the cut, the more overlap."""

from pathlib import Path

import numpy as np

from kernelviz.depths import depth_of, families, laid_over, placed_by, reach_of
from kernelviz.experiments.table2 import PAPER as TABLE2
from kernelviz.figures import class_colours, rgb
from kernelviz.maps import load_map
from kernelviz.pictures import dots, on_white, png
from kernelviz.runs import load_run

FIGURES = ("map_1nn", "map_5nn", "silhouette")
PAPER = "no figure given"  # the paper shows the maps and gives no number


def report() -> dict:
    """Write figure7.png, the maps side by side, the deepest cut first as in the paper, and list their figures."""
    runs = [load_run(row["run"]) for row in TABLE2 if row["layers"] < 32]
    if len(families(runs)) > 1:
        raise ValueError("the three runs stand on different backbones; train them again on one")
    shallow_first = runs[::-1]
    maps = [load_map(run.folder).of_split("test") for run in shallow_first]
    placements = laid_over(maps)
    reach = reach_of(maps, placements)
    colours = np.array([rgb(colour) for colour in class_colours(len(runs[0].classes))], np.uint8)
    panels = [
        dots(placed_by(how, points.places)[points.placed], colours[points.label[points.placed]], reach, 1000, 4)
        for points, how in zip(maps, placements, strict=True)
    ]
    path = Path("figure7.png")
    path.write_bytes(png(on_white(np.concatenate(panels[::-1], axis=1))))
    rows = [
        {"what": f"{depth_of(run)} kept: {name}", "paper": PAPER, "ours": f"{run.metrics[name]:.4f}"}
        for run in runs
        for name in FIGURES
    ]
    return {"figure": str(path), "rows": rows, "notes": [f"{path} shows the maps, laid over each other."]}
