"""The figures: every point is in them once, in its colour and with its row, and nothing else is."""

import numpy as np
import pytest

from kernelviz.figures import (
    CLASS_COLOURS,
    COLOURINGS,
    DOTS_SCALE,
    RIGHT,
    UNKNOWN,
    WRONG,
    class_colours,
    clickable,
    density,
    highlighted,
    history_figure,
    map_figure,
    marked,
    point_colours,
    rgb,
)
from kernelviz.maps import COLUMNS, EmbeddingMap

CLASSES = ("zero", "one")


@pytest.fixture
def points():
    """Six points; the second has no place, the fifth no label, the sixth neither label nor prediction."""
    x = np.array([0, np.nan, 1, 2, 3, -1], np.float32)
    label, prediction = np.array([0, 0, 1, 1, -1, -1]), np.array([0, 0, 1, 0, 1, -1])
    confidence = np.array([1, 1, 0.8, 0.6, 0.4, np.nan], np.float32)
    error = np.array([0.03, 0.5, 0.01, 0.02, 0.04, 0.02], np.float32)
    return EmbeddingMap(np.arange(6) + 100, np.zeros(6, int), x, 2 * x, label, prediction, confidence, error)


def shown(figure):
    """Row -> (x, y) of every dot of a map."""
    return {
        int(data[0]): (float(x), float(y))
        for trace in figure.data
        if trace.customdata is not None
        for x, y, data in zip(trace.x, trace.y, trace.customdata, strict=True)
    }


@pytest.mark.parametrize("n", [1, 10, 11, 100])
def test_every_class_has_a_colour_of_its_own(n):
    colours = class_colours(n)
    assert len(set(colours)) == len(colours) == n
    assert all(len(colour) == 7 and colour[0] == "#" for colour in colours)
    assert n > 10 or colours == list(CLASS_COLOURS[:n])


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


def test_a_point_says_its_number_its_label_and_what_it_is_taken_for(points):
    figure = map_figure(points, 4.0, CLASSES, "label")
    said = {int(data[0]): list(data[1:4]) for trace in figure.data for data in trace.customdata}
    assert said[3] == [103, "one", "zero"]
    assert said[5] == [105, "–", "–"]


SCALES = {"confidence": "confidence", "kNN agreement": "agreement", "reconstruction error": "error"}


@pytest.mark.parametrize("colouring, figure", SCALES.items())
def test_a_number_of_each_point_is_a_scale(points, colouring, figure):
    (trace,) = map_figure(points, 4.0, CLASSES, colouring).data
    np.testing.assert_array_equal(trace.marker.color, getattr(points, figure)[points.placed])


def test_a_few_points_far_out_do_not_take_all_colours(points):
    many = points.where(np.zeros(1000, int))
    error = np.linspace(0, 1, 1000, dtype=np.float32)
    error[500] = 1000
    many = EmbeddingMap(**{name: getattr(many, name) for name in COLUMNS} | {"error": error})
    (trace,) = map_figure(many, 4.0, CLASSES, "reconstruction error").data
    assert 0 < trace.marker.cmin < 0.02 and 0.98 < trace.marker.cmax < 1
    colours = point_colours(many, 4.0, CLASSES, "reconstruction error")
    ends = [list(rgb(colour)) for colour in (DOTS_SCALE[0], DOTS_SCALE[-1])]
    assert [colours[0].tolist(), colours[500].tolist()] == ends and colours[900].tolist() not in ends


@pytest.mark.parametrize("colouring, colours", [("label", None), ("right or wrong", [RIGHT, RIGHT, WRONG, UNKNOWN])])
def test_point_colours_are_those_of_the_map(points, colouring, colours):
    placed = points.where(points.placed)
    colours = colours or [CLASS_COLOURS[0], CLASS_COLOURS[1], CLASS_COLOURS[1], UNKNOWN]
    found = point_colours(placed, 4.0, CLASSES, colouring)
    assert found.tolist() == [list(rgb(colour)) for colour in [*colours, UNKNOWN]]


@pytest.mark.parametrize("colouring", COLOURINGS)
def test_a_map_without_any_point_can_be_drawn(points, colouring):
    nothing = points.where(np.array([1]))
    assert shown(map_figure(nothing, 4.0, CLASSES, colouring)) == {}
    assert point_colours(nothing.where(np.array([], int)), 4.0, CLASSES, colouring).shape == (0, 3)


def test_a_picture_hides_the_dots_and_covers_the_extent(points):
    figure = map_figure(points, 4.0, CLASSES, "label", np.zeros((9, 9, 4), np.uint8))
    assert all(trace.marker.opacity == 0 for trace in figure.data if trace.customdata is not None)
    (image,) = figure.layout.images
    assert (image.x, image.y, image.sizex, image.sizey) == (-4, 4, 8, 8)
    assert image.source.startswith("data:image/png;base64,")
    assert [trace.name for trace in figure.data if trace.showlegend is not False] == [
        "zero (1)",
        "one (2)",
        "no label (2)",
    ]


def test_the_axes_are_alike_and_reach_beyond_the_extent(points):
    layout = map_figure(points, 4.0, CLASSES, "label").layout
    assert layout.xaxis.range == layout.yaxis.range and layout.yaxis.scaleanchor == "x"
    assert layout.xaxis.range[0] < -4 < 4 < layout.xaxis.range[1]


def test_density_of_evenly_spread_points_is_their_number_by_their_area():
    axis = (np.arange(200) + 0.5) / 25 - 4  # 40,000 points on [-4, 4]^2: 625 on a unit of area
    places = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    inside = np.abs(places).max(1) < 3.5
    np.testing.assert_allclose(density(places, 4.0)[inside], 625, rtol=1e-3)


def test_density_is_higher_where_there_are_more_and_knows_x_from_y():
    places = np.array([[2.04, -3.0]] * 10 + [[-3.0, 2.04]] * 2 + [[2.04, 2.04]])  # middles of cells
    found = density(places, 4.0)
    assert found[0] == pytest.approx(10 * found[12], rel=1e-6) and found[10] == pytest.approx(2 * found[12], rel=1e-6)


def test_marked_places_and_their_texts(points):
    figure = marked(map_figure(points, 4.0, CLASSES, "label"), np.array([[1.0, 2.0], [3.0, -1.0]]), ["a", "b"])
    cross = figure.data[-1]
    assert (list(cross.x), list(cross.y), list(cross.text)) == ([1, 3], [2, -1], ["a", "b"])
    assert cross.marker.symbol == "x" and "text" in cross.mode
    assert marked(figure, np.zeros((21, 2)), ["a"] * 21).data[-1].mode == "markers"


def test_highlighted_rows_are_selected_wherever_they_are(points):
    figure = highlighted(map_figure(points, 4.0, CLASSES, "label"), np.array([3, 5]))
    selected = {int(trace.customdata[at][0]) for trace in figure.data for at in trace.selectedpoints}
    assert selected == {3, 5}


def test_a_click_anywhere_finds_a_place(points):
    lattice = clickable(map_figure(points, 4.0, CLASSES, "label"), 4.0, across=5).data[-1]
    places = set(zip(lattice.x.tolist(), lattice.y.tolist(), strict=True))
    assert places == {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert lattice.marker.opacity == 0


def test_the_history_has_the_losses_that_there_are():
    rows = [{"epoch": 1, "loss": 3.0, "validation_loss": 4.0}, {"epoch": 2, "loss": 2.0}]
    training, validation = history_figure(rows).data
    assert (list(training.x), list(training.y)) == ([1, 2], [3.0, 2.0])
    assert (list(validation.x), list(validation.y)) == ([1], [4.0])
    assert len(history_figure([]).data[0].x) == 0
