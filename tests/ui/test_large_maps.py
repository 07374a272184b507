"""Tests of maps of many points: their order on disk, tiles, what is in view or selected, and the routes."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet
from starlette.applications import Starlette
from starlette.testclient import TestClient

from kernelviz.disk import data_folder
from kernelviz.plots.images import png
from kernelviz.storage.embedding_map import load_map, split_sizes
from kernelviz.storage.item_table import map_table, save_item_table
from kernelviz.storage.store import load_run
from kernelviz.storage.thumbnails import save_thumbnails
from kernelviz.ui.canvas.messages import LargeTold
from kernelviz.ui.canvas.payloads import twelve_bits
from kernelviz.ui.server.app import ROUTES
from kernelviz.ui.shared import caches
from kernelviz.ui.tiles import chosen, ordered, routes
from kernelviz.ui.tiles.ordered import OrderedMap, cells, interleaved, mapped, ordered_map
from kernelviz.ui.tiles.tile import LEAST, SIDE, colouring_of, tile

CLASSES = ("red", "green")
RED, GREEN = (np.array(colour) for colour in colouring_of("label", CLASSES).colours[:2])
STAR = np.array([[0, 3.5], [2, -3], [-3.3, 1], [3.3, 1], [-2, -3]])  # crosses itself: its middle is outside


def made(x, y, label=None):
    """Points of a map that reaches from -4 to 4, in order; a row of the split is its number here."""
    x, y = np.array(x, np.float32), np.array(y, np.float32)
    cell = cells(x, y, 4.0)
    order = np.argsort(cell, kind="stable").astype(np.uint32)
    label = np.zeros(len(x), np.int16) if label is None else np.array(label, np.int16)
    values = np.linspace(0, 1, len(x), dtype=np.float32)[order]
    return OrderedMap(
        *(cell[order], order, order, x[order], y[order], label[order], label[order]),
        {"confidence": twelve_bits(values)},
        {"confidence": [0.0, 1.0, 0.0, 1.0]},
        *(4.0, 8.0),
    )


@pytest.fixture
def scattered():
    return made(*np.random.default_rng(0).uniform(-4, 4, (2, 5000)))


@pytest.fixture
def large(add, autoencoder, monkeypatch):
    """The run "tiny", whose map counts as large."""
    for cached in (
        ordered._ordered_map,
        chosen._selected,
        routes._groups,
    ):  # same name and version, other map
        cached.cache_clear()
    add(autoencoder)
    monkeypatch.setattr(caches, "LARGE", 1000)
    return load_run("tiny")


@pytest.fixture
def ask(large):
    """Ask for something of the large map, in the state that it has then."""
    client = TestClient(Starlette(routes=ROUTES))

    def ask(path, json=None):
        address = f"/kernelviz/runs/tiny/{caches.version(large)}/{path}"
        return client.post(address, json=json) if json else client.get(address)

    return ask


def test_the_number_of_a_cell_has_the_bits_of_column_and_row_in_turn():
    column, row = np.array([0b101, 2**16 - 1]), np.array([0b011, 0])
    assert interleaved(column, row).tolist() == [0b011011, int("01" * 16, 2)]
    corners = np.array([-4, 3.99999, 4, 0], np.float32)
    assert cells(corners, corners, 4.0).tolist() == [0, 2**32 - 1, 2**32 - 1, 3 << 30]


def test_the_order_has_every_point_of_a_split_that_is_placed(large):
    whole = load_map(large.folder)
    test = whole.of_split("test")
    points = ordered_map(large, "test")
    assert sorted(points.row) == np.flatnonzero(test.placed).tolist()
    assert (np.diff(points.cell.astype(np.int64)) >= 0).all()
    for name in ("x", "y", "label", "prediction"):
        np.testing.assert_array_equal(getattr(points, name), getattr(test, name)[points.row])
        np.testing.assert_array_equal(getattr(points, name), getattr(whole, name)[points.image])
    low, high, *_ = points.scales["reconstruction error"]
    error = low + points.values["reconstruction error"] / 4094 * (high - low)
    np.testing.assert_allclose(error, test.error[points.row], atol=(high - low) / 4000)
    assert split_sizes(large.folder)["test"] == len(test) and caches.splits_of(large) == ["train", "validation", "test"]


def test_the_file_is_made_once_in_each_state_of_a_run(large):
    old = data_folder() / "ordered" / "tiny" / "another state"
    old.mkdir(parents=True)
    n = len(ordered_map(large, "test"))
    (made,) = (data_folder() / "ordered" / "tiny").rglob("test.arrow")
    assert made.parent.name == caches.version(large) and not old.exists()
    assert len(mapped(large, "test", lambda: pytest.fail("it is made again"))) == n


def test_a_square_is_a_run_of_rows(scattered):
    squares = np.array([[0, 0], [3, 1], [7, 7]])
    for (column, row), (first, last) in zip(squares, scattered.runs(squares, 3), strict=True):
        inside = (np.floor(scattered.x + 4) == column) & (np.floor(scattered.y + 4) == row)
        assert np.flatnonzero(inside).tolist() == list(range(first, last))
    assert scattered.runs(np.array([[0, 0]]), 0).tolist() == [[0, 5000]]


def test_the_pixels_of_a_tile():
    points = made([-3.999, 3.999, 3.999, 3.999, 0.01], [-3.999, 3.999, 3.999, 3.999, 0.01], [0, 1, 1, 0, -1])
    picture = tile(points, (0, 0), 0, colouring_of("label", CLASSES))
    filled = {(SIDE - 1, 0), (0, SIDE - 1), (SIDE // 2 - 1, SIDE // 2)}  # y grows upwards
    assert set(zip(*np.nonzero(picture[..., 3]), strict=True)) == filled
    assert picture[SIDE - 1, 0, :3].tolist() == RED.tolist()
    np.testing.assert_allclose(picture[0, SIDE - 1, :3], (RED + 2 * GREEN) / 3, atol=0.51)
    one, three = (LEAST + (1 - LEAST) * np.log1p(n) / np.log1p(8) for n in (1, 3))
    np.testing.assert_allclose([picture[SIDE - 1, 0, 3], picture[0, SIDE - 1, 3]], [255 * one, 255 * three], atol=0.51)
    corner = tile(points, (3, 3), 2, colouring_of("label", CLASSES))  # a quarter of the side, of a fourth of the points
    assert np.count_nonzero(corner[..., 3]) == 1 and corner[0, SIDE - 1, 3] > picture[0, SIDE - 1, 3]


def test_hidden_and_selected_points_of_a_tile():
    points = made([0, 0, 2], [0, 0, 2], [0, 1, 1])
    at, away = (SIDE // 2 - 1, SIDE // 2), (SIDE // 4 - 1, 3 * SIDE // 4)
    hidden = tile(points, (0, 0), 0, colouring_of("label", CLASSES, frozenset({0})))
    assert hidden[at][:3].tolist() == GREEN.tolist()
    whole = tile(points, (0, 0), 0, colouring_of("label", CLASSES))
    faint = tile(points, (0, 0), 0, colouring_of("label", CLASSES), selected=points.label == 0)
    assert faint[away][3] == round(int(whole[away][3]) / 4) and faint[away][:3].tolist() == GREEN.tolist()
    assert abs(faint[at][:3] - RED).sum() < abs(faint[at][:3] - GREEN).sum()


def test_groups_are_those_of_the_page():
    points = made([-2, -1, 1, 2], [-2, -2, 2, 2], [0, 1, -1, 1])
    assert colouring_of("label", CLASSES).groups(points).tolist() == [0, 1, 2, 1]
    points.prediction.setflags(write=True)
    points.prediction[:] = [0, 0, 0, -1]
    assert colouring_of("right or wrong", CLASSES).groups(points).tolist() == [0, 1, 2, 2]
    points.values["confidence"][0] = 4095
    assert colouring_of("confidence", CLASSES).groups(points).tolist() == [256, 85, 170, 255]


def test_points_in_view_are_all_or_a_sample(scattered, monkeypatch):
    low, high = np.array([-1.0, -0.5]), np.array([0.7, 0.2])
    inside = (scattered.x >= -1) & (scattered.x <= 0.7) & (scattered.y >= -0.5) & (scattered.y <= 0.2)
    whole = chosen.in_view(scattered, low, high)
    assert whole.step == 1 and whole.rows.tolist() == np.flatnonzero(inside).tolist()
    monkeypatch.setattr(chosen, "IN_VIEW", 50)
    monkeypatch.setattr(chosen, "SAMPLE", 40)
    part = chosen.in_view(scattered, low, high)
    assert part.step in (2, 4, 8) and part.rows.tolist() == [row for row in whole.rows if row % part.step == 0]


def test_the_nearest_points_are_those_of_a_search_through_all(scattered):
    for row in (0, 1234, 4999):
        distances = np.hypot(scattered.x - scattered.x[row], scattered.y - scattered.y[row])
        assert chosen.nearest(scattered, row, 13).tolist() == np.argsort(distances, kind="stable")[:13].tolist()
    assert sorted(chosen.nearest(scattered, 7, 6000)) == list(range(5000))
    assert chosen.nearest(made([1] * 20, [1] * 20), 15, 3)[0] == 15  # where all coincide


@pytest.mark.parametrize("corners", [STAR, STAR * 0.01, STAR[:3], np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])])
def test_a_lasso_by_the_even_odd_rule(scattered, corners):
    def inside(x, y):
        odd = False
        for (x1, y1), (x0, y0) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
            if (y1 > y) != (y0 > y) and x < (x0 - x1) * (y - y1) / (y0 - y1) + x1:
                odd = not odd
        return odd

    found = chosen.within(scattered, corners.astype(float))
    assert found.tolist() == [inside(float(x), float(y)) for x, y in zip(scattered.x, scattered.y, strict=True)]


def test_a_text_is_found_in_labels_names_and_numbers(large, tmp_path):
    points = ordered_map(large, "test")
    three = (points.label == 3) | (points.prediction == 3)
    assert chosen.having(large, "test", points, "3").tolist() == three.tolist()
    assert points.row[chosen.having(large, "test", points, "17")].tolist() == [17]
    assert not chosen.having(large, "test", points, "nothing").any()
    names = [f"Holiday/{at}.JPG" for at in range(len(load_map(large.folder)))]
    parquet.write_table(pa.table({"name": names, "file": names}), large.folder / "table.parquet")
    points = ordered_map(load_run("tiny"), "test")
    (image,) = points.image[chosen.having(large, "test", points, f"day/{points.image[5]}.jpg")]
    assert image == points.image[5]


def test_what_the_routes_answer(ask, large):
    n = len(ordered_map(large, "test"))
    picture = Image.open(io.BytesIO(ask("large/test/tiles/1/0/1?colour=confidence&hide=256").content))
    assert picture.size == (SIDE, SIDE) and picture.mode == "RGBA"
    counts = ask("large/test/counts?colour=label").json()
    assert sum(counts["all"]) == n and counts["selected"] is None
    selected = ask("large/test/counts?colour=prediction&within=-4_-4~4_-4~4_4~-4_4&text=3").json()["selected"]
    points = ordered_map(large, "test")
    three = (points.label == 3) | (points.prediction == 3)
    assert selected == np.bincount(points.prediction[three], minlength=11).tolist()
    packed = ask("large/test/points?box=-4_-4~4_4&text=3").content
    header = json.loads(packed[4 : 4 + int.from_bytes(packed[:4], "little")])
    assert header["step"] == 1 and {"selected", "at"} < header["arrays"].keys()
    assert header["arrays"]["x"]["shape"] == [n]
    assert len(ask("contours/test").content) > 100
    side = max(large.decoded_shape[1:])
    sheet = Image.open(io.BytesIO(ask(f"large/test/pictures/decoded/{side}?at=0_1_5").content))
    assert sheet.height == side


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("large/test/tiles/9/0/0", 404, "8 levels"),
        ("large/test/tiles/1/2/0", 404, "2^level"),
        ("large/test/tiles/0/0/0?colour=density", 400, "density"),
        ("large/test/tiles/0/0/0?hide=a", 400, "hide=1_4_17"),
        ("large/other/counts", 400, "none of"),
        ("large/test/counts?within=" + "~".join(["0_0"] * 65), 400, "path"),
        ("large/test/points", 400, "box"),
        ("large/test/points?box=0_0~0_1", 400, "box"),
        ("large/test/pictures/decoded/8?at=", 404, "no such pictures"),
        ("large/test/pictures/decoded/8?at=999999", 404, "no such pictures"),
        ("large/test/pictures/own/8?at=1", 404, "no such pictures"),
        ("large/test/names?at=1", 404, "no such names"),
        ("large/test/points?box=-1_-1~1_1&row=a", 400, "row=1_4_17"),
        ("alike/test/1", 404, "nothing to compare"),
        ("thumbnail/test/1", 404, "no small picture"),
        ("points/test", 404, "too large"),
    ],
)
def test_what_the_routes_refuse(ask, path, status, says):
    answer = ask(path)
    assert answer.status_code == status and says in answer.text


def test_a_small_map_has_no_tiles(ask, monkeypatch):
    monkeypatch.setattr(caches, "LARGE", 10_000)
    assert ask("large/test/counts").status_code == 404


def test_the_order_that_cannot_be_written(ask):
    data_folder().mkdir()
    (data_folder() / "ordered").write_text("in the way")
    answer = ask("large/test/counts")
    assert answer.status_code == 400 and "cannot be sorted" in answer.text


def test_explore_opens_a_large_map_without_reading_all_of_it(large, opened, monkeypatch):
    monkeypatch.setattr(caches, "points_of", None)
    monkeypatch.setattr(caches, "table_of", None)
    app = opened(run="tiny")
    assert not app.exception and "density is shown" in " ".join(one.value for one in app.caption)
    assert app.selectbox(key="colour").options == [
        *("label", "prediction", "right or wrong", "confidence", "reconstruction error")
    ]


def test_a_row_is_among_the_points_with_those_nearest_to_it(large, ask):
    row = ordered_map(large, "test").row[0]
    for more, n in (("", 0), (f"&row={row}", 13), ("&row=99999", 0)):
        packed = ask(f"large/test/points?box=4.5_4.5~4.6_4.6{more}").content
        header = json.loads(packed[4 : 4 + int.from_bytes(packed[:4], "little")])
        assert header["arrays"]["row"]["shape"] == [n] and header["named"] is False


def test_names_own_columns_and_pictures_come_without_reading_the_whole_map(large, ask, monkeypatch):
    n = len(load_map(large.folder))
    own = {"name": [f"{at}.jpg" for at in range(n)], "file": [f"/{at}" for at in range(n)], "weight": np.arange(n)}
    save_item_table(large.folder, pd.DataFrame(own))
    save_thumbnails(large.folder, ((b"", png(np.full((2, 2), at % 200, np.uint8))) for at in range(n)))
    for whole in ("points_of", "table_of"):
        monkeypatch.setattr(caches, whole, None)
    points = ordered_map(large, "test")
    (at, other), row = (3, 7), int(points.row[3])
    assert ask(f"large/test/names?at={at}_{other}").json() == [f"{points.image[one]}.jpg" for one in (at, other)]
    said = ask(f"item/test/{row}").json()
    assert said["columns"] == [["weight", str(points.image[at])]] and not said["original"] and said["said"]
    assert ask("item/test/99999").json()["columns"] == []
    picture = Image.open(io.BytesIO(ask(f"thumbnail/test/{row}").content))
    assert picture.getpixel((0, 0)) == points.image[at] % 200
    assert ask("thumbnail/test/99999").status_code == 404
    assert ask(f"likeliest/test/{row}").json()["classes"] == []


def test_a_lasso_is_kept_under_a_name(large, ask, monkeypatch):
    monkeypatch.setattr(caches, "points_of", None)
    lasso = "-9_-9~0_-9~0_9~-9_9"
    kept = {"split": "test", "within": lasso, "name": "left"}
    said = ask("selections/", json=kept)
    assert said.status_code == 200
    (one,) = ask("selections/").json()
    assert one == {
        "id": said.json()["id"],
        "name": "left",
        "split": "test",
        "count": (ordered_map(large, "test").x < 0).sum(),
    }
    assert ask(f"selections/{one['id']}").json() == {"id": one["id"], "name": "left", "split": "test", "within": lasso}
    for wrong, says in ({"within": ""}, "corners"), ({"within": "1_x"}, "path"), ({"split": "other"}, "none of"):
        answer = ask("selections/", json=kept | wrong)
        assert answer.status_code == 400 and says in answer.text
    answer = ask("selections/as/csv", json={"split": "test", "rows": ""})
    assert answer.status_code == 400 and "large" in answer.text


def test_what_is_known_of_the_selected_points_is_a_table(large, ask):
    table = pd.read_csv(io.StringIO(ask("large/test/table?within=-9_-9~0_-9~0_9~-9_9").text))
    known = map_table(load_map(large.folder), large.classes, large.folder)
    wanted = known[(known["split"] == "test") & (known["x"] < 0)]
    assert 0 < len(table) == len(wanted) < (known["split"] == "test").sum()
    assert table["label"].astype(str).tolist() == wanted["label"].tolist()
    assert table["index"].tolist() == wanted["index"].tolist()
    assert "certainty" not in table
    np.testing.assert_allclose(table[["x", "y", "confidence"]], wanted[["x", "y", "confidence"]], rtol=1e-5)


def test_a_table_has_the_names_and_columns_of_the_images_and_no_formula(large, ask):
    n = len(load_map(large.folder))
    own = pd.DataFrame({"name": [f"=cmd|{at}" for at in range(n)], "file": "", "weight": np.arange(n)})
    save_item_table(large.folder, own)
    answer = ask("large/test/table?text=cmd")
    table = pd.read_csv(io.StringIO(answer.text))
    assert table.columns[0] == "name" and len(table) == split_sizes(large.folder)["test"]
    assert all(name == f"'=cmd|{weight}" for name, weight in zip(table["name"], table["weight"], strict=True))
    assert answer.headers["content-disposition"] == 'attachment; filename="tiny_selection.csv"'


def test_a_table_of_nothing_or_of_too_much_is_refused(large, ask, monkeypatch):
    for query in ("", "?text=none+of+this"):
        answer = ask(f"large/test/table{query}")
        assert answer.status_code == 400 and "0 are selected" in answer.text
    monkeypatch.setattr(LargeTold, "most_rows", 3)
    answer = ask("large/test/table?within=-9_-9~9_-9~9_9~-9_9")
    assert answer.status_code == 400 and "a table has 1 to 3" in answer.text
