"""The charts: every point is in them once, in its colour and with its row, and nothing else is."""

import numpy as np
import pytest

from kernelviz.plots.colours import (
    CLASS_COLOURS,
    COLOURINGS,
    RIGHT,
    UNKNOWN,
    VALUES,
    WRONG,
    palette,
    rgb,
)
from kernelviz.plots.curves import history_figure, profile_figure
from kernelviz.plots.maps import confusion_figure, map_figure, marked
from kernelviz.storage.embedding_map import COLUMNS, EmbeddingMap

CLASSES = ("zero", "one")


@pytest.fixture
def points():
    """Six points; the second has no coordinates, the fifth no label, the sixth neither label nor prediction."""
    x = np.array([0, np.nan, 1, 2, 3, -1], np.float32)
    label, prediction = np.array([0, 0, 1, 1, -1, -1]), np.array([0, 0, 1, 0, 1, -1])
    confidence = np.array([1, 1, 0.8, 0.6, 0.4, np.nan], np.float32)
    error = np.array([0.03, 0.5, 0.01, 0.02, 0.04, 0.02], np.float32)
    return EmbeddingMap(
        np.arange(6) + 100, np.zeros(6, int), x, 2 * x, label, prediction, confidence, error, np.full(6, np.nan)
    )


def shown(figure):
    """Row -> (x, y) of every dot of a map."""
    return {
        int(data[0]): (float(x), float(y))
        for trace in figure.data
        if trace.customdata is not None
        for x, y, data in zip(trace.x, trace.y, trace.customdata, strict=True)
    }


def test_a_colour_as_three_numbers():
    assert rgb("#0a10ff") == (10, 16, 255)


@pytest.mark.parametrize("colouring", COLOURINGS)
def test_every_placed_point_is_on_the_map_once_with_its_row(points, colouring):
    figure = map_figure(points, 4.0, CLASSES, colouring)
    assert shown(figure) == {0: (0, 0), 2: (1, 2), 3: (2, 4), 4: (3, 6), 5: (-1, -2)}
    assert sum(len(trace.x) for trace in figure.data) == 5


@pytest.mark.parametrize(
    "colouring, groups",
    [
        ("label", {"zero (1)": {0}, "one (2)": {2, 3}, "no label (2)": {4, 5}}),
        ("prediction", {"zero (2)": {0, 3}, "one (2)": {2, 4}, "no label (1)": {5}}),
        ("right or wrong", {"right (2)": {0, 2}, "wrong (1)": {3}, "? (2)": {4, 5}}),
    ],
)
def test_points_are_grouped_under_their_names(points, colouring, groups):
    figure = map_figure(points, 4.0, CLASSES, colouring)
    found = {trace.name: {int(data[0]) for data in trace.customdata} for trace in figure.data}
    assert found == groups


def test_a_point_says_its_number_its_label_and_its_prediction(points):
    figure = map_figure(points, 4.0, CLASSES, "label")
    said = {int(data[0]): list(data[1:4]) for trace in figure.data for data in trace.customdata}
    assert said[3] == [103, "one", "zero"]
    assert said[5] == [105, "–", "–"]


@pytest.mark.parametrize("colouring", [name for name in COLOURINGS if name not in VALUES])
def test_the_groups_have_the_colours_of_the_palette(points, colouring):
    colours = dict(palette(CLASSES, colouring))
    traces = map_figure(points, 4.0, CLASSES, colouring).data
    assert len(traces) == 3
    assert all(colours[trace.name.split(" (")[0]] == trace.marker.color for trace in traces)


def test_the_palettes():
    first, second = CLASS_COLOURS[:2]
    assert palette(CLASSES, "label") == [("zero", first), ("one", second), ("no label", UNKNOWN)]
    assert palette(CLASSES, "right or wrong") == [("right", RIGHT), ("wrong", WRONG), ("?", UNKNOWN)]


SCALES = {"confidence": "confidence", "kNN agreement": "agreement", "reconstruction error": "error"}


@pytest.mark.parametrize("colouring, column", SCALES.items())
def test_a_number_of_each_point_is_a_scale(points, colouring, column):
    (trace,) = map_figure(points, 4.0, CLASSES, colouring).data
    np.testing.assert_array_equal(trace.marker.color, getattr(points, column)[points.placed])


def test_a_few_points_far_out_do_not_take_all_colours(points):
    many = points.where(np.zeros(1000, int))
    error = np.linspace(0, 1, 1000, dtype=np.float32)
    error[500] = 1000
    many = EmbeddingMap(**{name: getattr(many, name) for name in COLUMNS} | {"error": error})
    (trace,) = map_figure(many, 4.0, CLASSES, "reconstruction error").data
    assert 0 < trace.marker.cmin < 0.02 and 0.98 < trace.marker.cmax < 1


@pytest.mark.parametrize("colouring", COLOURINGS)
def test_a_map_without_any_point_can_be_plotted(points, colouring):
    nothing = points.where(np.array([1]))
    assert shown(map_figure(nothing, 4.0, CLASSES, colouring)) == {}


def test_the_axes_are_alike_and_reach_beyond_the_extent(points):
    layout = map_figure(points, 4.0, CLASSES, "label").layout
    assert layout.xaxis.range == layout.yaxis.range and layout.yaxis.scaleanchor == "x"
    assert layout.xaxis.range[0] < -4 < 4 < layout.xaxis.range[1]


def test_marked_coordinates_and_their_texts(points):
    figure = marked(map_figure(points, 4.0, CLASSES, "label"), np.array([[1.0, 2.0], [3.0, -1.0]]), ["a", "b"])
    cross = figure.data[-1]
    assert (list(cross.x), list(cross.y), list(cross.text)) == ([1, 3], [2, -1], ["a", "b"])
    assert cross.marker.symbol == "x" and "text" in cross.mode
    assert marked(figure, np.zeros((21, 2)), ["a"] * 21).data[-1].mode == "markers"


def test_the_history_has_the_losses_that_there_are():
    rows = [{"epoch": 1, "loss": 3.0, "validation_loss": 4.0}, {"epoch": 2, "loss": 2.0}]
    training, validation = history_figure(rows).data
    assert (list(training.x), list(training.y)) == ([1, 2], [3.0, 2.0])
    assert (list(validation.x), list(validation.y)) == ([1], [4.0])
    assert len(history_figure([]).data[0].x) == 0


def test_confusions_colour_the_errors_and_every_cell_can_be_clicked():
    counts = np.array([[8, 2, 0], [0, 5, 5], [0, 0, 0]])
    heat, cells = confusion_figure(counts, ("a", "b", "c")).data
    np.testing.assert_allclose(heat.z, [[0, 0.2, 0], [0, 0, 0.5], [0, 0, 0]])  # shares of the row, without the right
    assert list(zip(cells.y, cells.x, strict=True)) == [tuple(cell) for cell in cells.customdata]
    assert cells.text[:6] == ("8", "2", "", "", "5", "5")


def test_a_profile_sets_the_papers_accuracies_beside_the_curves():
    rows = [{"layers": 1, "test_accuracy": 0.5, "map_5nn": 0.4}, {"layers": 3, "test_accuracy": 0.6, "map_5nn": 0.5}]
    accuracy, nearest, paper = profile_figure(rows, [(3, 0.7)]).data
    assert accuracy.x == (1, 3) and accuracy.y == (50, 60) and nearest.y == (40, 50)
    assert (paper.x, paper.y) == ((3,), (70,))
    assert len(profile_figure(rows, []).data) == 2
