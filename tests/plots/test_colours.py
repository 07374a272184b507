"""The colours can be told from both backgrounds, and from each other."""

import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from kernelviz.plots import colours
from kernelviz.plots.colours import CLASS_COLOURS, DOTS_SCALE, UNKNOWN, class_colours, luminance, palette, rgb
from kernelviz.plots.columns import OTHER

THEME = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())["theme"]
BACKGROUNDS = [THEME[name]["backgroundColor"] for name in ("light", "dark")]
SIMULATED = {  # linear RGB as it is seen, Machado et al. 2009 with severity 1
    "all": np.eye(3),
    "protanope": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranope": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
}


def contrast(one, other):
    """The contrast ratio of WCAG 2.2."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrasts_worked_out_by_hand():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
    assert luminance("#00ff00") == pytest.approx(0.7152)


def along(scale):
    """Colours between the stops of a scale."""
    stops = np.array([rgb(colour) for colour in scale])
    at = np.linspace(0, len(stops) - 1, 41)
    mixed = np.stack([np.interp(at, range(len(stops)), part) for part in stops.T], axis=1).round().astype(int)
    return ["#" + bytes(colour.tolist()).hex() for colour in mixed]


PALETTES = {f"{n} classes": class_colours(n) for n in (2, 10, 11, 20, 100)}
PALETTES |= {"scale": along(DOTS_SCALE), "signs": [colours.BELOW, colours.ABOVE], "others": [OTHER, UNKNOWN]}
PALETTES |= {"right or wrong": [colour for _, colour in palette(("a", "b"), "right or wrong")]}


@pytest.mark.parametrize("shown", PALETTES.values(), ids=PALETTES)
def test_every_colour_can_be_told_from_both_backgrounds(shown):
    assert min(contrast(colour, ground) for colour in shown for ground in BACKGROUNDS) >= 3


def as_seen(colour, matrix):
    """A colour in OKLab (Ottosson 2020) as someone sees it."""
    parts = np.array(rgb(colour)) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(matrix) @ linear, 0, 1)
    cones = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
    lab = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]
    return np.array(lab) @ np.cbrt(np.array(cones) @ seen)


@pytest.mark.parametrize("matrix", SIMULATED.values(), ids=SIMULATED)
def test_ten_colours_are_told_apart_by_everyone(matrix):
    seen = [as_seen(colour, matrix) for colour in (*CLASS_COLOURS, UNKNOWN)]
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 0.07


@pytest.mark.parametrize("n", [1, 10, 11, 100])
def test_every_class_has_a_colour_of_its_own(n):
    assert len(set(class_colours(n))) == n
