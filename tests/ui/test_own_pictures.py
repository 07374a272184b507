"""Runs of a person's own pictures: thumbnails, originals, and a table beside them."""

import base64
import datetime
import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient
from test_pages import fine, maps, searched, selected, selected_rows, words

import kernelviz
from kernelviz.disk import data_folder
from kernelviz.plots.columns import MISSING, OTHER, as_numbers, columns_of
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.item_table import save_item_table
from kernelviz.storage.store import load_run
from kernelviz.storage.thumbnails import save_thumbnails
from kernelviz.tables import to_csv
from kernelviz.ui.canvas import payloads
from kernelviz.ui.explore import search
from kernelviz.ui.server.app import ROUTES
from kernelviz.ui.server.selections import shown_to
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.map_source import ImageMap

SHAPES = [(40, 20), (20, 40), (30, 30), (120, 12)]  # width, height
FIRST = 1500  # row of the map at which the test images begin


def thumbnail(row):
    """A WebP of one colour; every seventh image has none."""
    if row % 7 == 3:
        return b""
    file = io.BytesIO()
    Image.new("RGB", SHAPES[row % 4], (200, 10, 10)).save(file, "PNG")
    return file.getvalue()


def own_table(n, files):
    rows = np.arange(n)
    return pd.DataFrame(
        {
            "name": [f"trip/{row % 3}/IMG_{row:04d}.jpg" for row in rows],
            "file": [files.get(row, "") for row in rows],
            "price": np.where(rows % 5 == 0, np.nan, rows / 10),
            "label": [["red", "blue", "=cmd()", None][row % 4] for row in rows],
            "taken": pd.to_datetime("2020-01-01") + pd.to_timedelta(rows % 100, unit="D"),
            "flash": pd.array([[True, False, None][row % 3] for row in rows], dtype="boolean"),
        }
    )


@pytest.fixture
def photos(add, autoencoder, tmp_path, monkeypatch):
    """The run "photos": it has thumbnails and a table, and loads no image set."""
    folder = add(autoencoder, "photos", recipe=autoencoder.recipe | {"data": str(tmp_path / "gone")})
    n = len(load_map(folder))
    original = tmp_path / "é original.png"
    Image.new("RGB", (600, 400), "blue").save(original)
    (tmp_path / "text.png").write_text("no picture")
    files = {FIRST: original, FIRST + 1: tmp_path / "moved.png", FIRST + 2: tmp_path / "text.png"}
    save_thumbnails(folder, ((b"", thumbnail(row)) for row in range(n)))
    save_item_table(folder, own_table(n, {row: str(path) for row, path in files.items()}))

    def loads(*_, **__):
        raise AssertionError("the image set is not needed")

    monkeypatch.setattr(caches, "load", loads)
    return load_run("photos")


@pytest.fixture
def client():
    """A browser on this machine."""
    return TestClient(Starlette(routes=ROUTES), base_url="http://localhost:8501", client=("127.0.0.1", 5000))


def base(run):
    return f"/kernelviz/runs/{run.name}/{caches.version(run)}"


def test_thumbnails_are_the_pictures_and_the_sheets_have_two_levels(photos, client):
    source = ImageMap(photos)
    points, _ = payloads.ordered(source, "test")
    assert source.picture_source() == "thumbnails" and payloads.tile_sides(source) == (32, 128)
    for side in payloads.tile_sides(source):
        response = client.get(f"{base(photos)}/sheets/test/thumbnails/{side}/0")
        sheet = np.asarray(Image.open(io.BytesIO(response.content)))
        assert sheet.shape[2] == 4 and sheet.shape[1] == 1024
        at = next(at for at, row in enumerate(points.index) if row % 4 == 3 and (row + FIRST) % 7 != 3)
        across = 1024 // side
        top, left = at // across * side, at % across * side
        tile = sheet[top : top + side, left : left + side]
        wide, middle = tile[:, side // 2, 3], side // 2
        assert wide[0] == 0 and wide[middle] == 255 and tile[middle, middle, 0] > 150  # clear beside the picture
    assert client.get(f"{base(photos)}/sheets/test/thumbnails/64/0").status_code == 404


def test_a_sheet_is_made_once_and_again_for_another_map(photos, client, monkeypatch):
    address = f"{base(photos)}/sheets/test/thumbnails/32/0"
    first = client.get(address).content
    with monkeypatch.context() as once:
        once.setattr(payloads, "sheet_payload", lambda *_: pytest.fail("it is on disk"))
        assert client.get(address).content == first
    load_map(photos.folder).save(photos.folder)
    assert client.get(address).status_code == 404
    assert client.get(f"{base(photos)}/sheets/test/thumbnails/32/0").content == first
    assert len(list((data_folder() / "sheets" / "photos").iterdir())) == 1


def test_a_thumbnail_comes_by_itself(photos, client):
    for row in (0, 2, 5):
        response = client.get(f"{base(photos)}/thumbnail/test/{row}")
        assert response.content == thumbnail(FIRST + row) and response.headers["content-type"] == "image/png"
    missing = next(row for row in range(9) if not thumbnail(FIRST + row))
    for path in (f"test/{missing}", "test/99999", "test/-1", "nonsense/1"):
        assert client.get(f"{base(photos)}/thumbnail/{path}").status_code in (400, 404)


def test_the_original_is_given_as_it_is(photos, client, tmp_path):
    response = client.get(f"{base(photos)}/original/test/0")
    assert response.content == (tmp_path / "é original.png").read_bytes()
    headers = response.headers
    assert headers["content-type"] == "image/png" and headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"].startswith("private") and "%C3%A9%20original.png" in headers["content-disposition"]
    assert client.get(f"{base(photos)}/item/test/0").json()["original"] is True


@pytest.mark.parametrize(
    "row, said",
    [(1, "moved or deleted?"), (2, "not a picture"), (3, "no file of its own"), (9999, "no file of its own")],
)
def test_an_original_that_is_not_there_is_told_in_words(row, said, photos, client):
    response = client.get(f"{base(photos)}/original/test/{row}")
    assert response.status_code == 404 and said in response.text
    assert response.headers["content-type"].startswith("text/plain")


def test_the_card_is_told_why_there_is_no_original(photos, client):
    item = client.get(f"{base(photos)}/item/test/1").json()
    assert item["original"] is False and "moved or deleted?" in item["said"]
    assert client.get(f"{base(photos)}/item/test/3").json() == {
        "columns": [["price", "150.3"], ["taken", "2020-01-04"], ["flash", "yes"]],
        "original": False,
        "said": None,
    }


@pytest.mark.parametrize("host", ["192.168.1.7:8501", "evil.example", "localhost.evil.example", "", "127.0.0.1.x.org"])
def test_an_original_is_not_for_another_name_of_the_host(host, photos, client):
    response = client.get(f"{base(photos)}/original/test/0", headers={"host": host})
    assert response.status_code == 403 and "computer" in response.text


@pytest.mark.parametrize("sender", ["192.168.1.7", "10.0.0.1", "testclient", "2001:db8::1"])
def test_an_original_is_not_for_another_machine(sender, photos):
    client = TestClient(Starlette(routes=ROUTES), base_url="http://localhost", client=(sender, 5000))
    assert client.get(f"{base(photos)}/original/test/0").status_code == 403
    item = client.get(f"{base(photos)}/item/test/0").json()
    assert item["original"] is False and "on the computer" in item["said"]


def test_an_original_is_not_passed_on_by_a_proxy(photos, client):
    response = client.get(f"{base(photos)}/original/test/0", headers={"x-forwarded-for": "127.0.0.1"})
    assert response.status_code == 403


@pytest.mark.parametrize("here", ["http://127.0.0.1:8501", "http://[::1]:8501", "http://localhost"])
def test_an_original_is_for_every_name_of_this_machine(here, photos):
    client = TestClient(Starlette(routes=ROUTES), base_url=here, client=("::1", 5000))
    assert client.get(f"{base(photos)}/original/test/0").status_code == 200


def test_columns_have_their_forms():
    n = 60
    table = pd.DataFrame(
        {
            "name": "x",
            "file": "",
            "confidence": range(n),
            "day": [datetime.date(2020, 1, 2) if row else None for row in range(n)],
            "many": [f"value {min(row, 25)}" for row in range(n)],
            "all differ": [f"text {row}" for row in range(n)],
            "nothing": [None] * n,
            "yes": [True, False, None] * 20,
        }
    )
    found = {one.name: one for one in columns_of(table, ("confidence",))}
    assert list(found) == ["confidence (table)", "day", "many", "yes"]
    assert [one.form for one in found.values()] == ["number", "date", "category", "category"]
    assert np.isnan(found["day"].values[0]) and found["day"].values[1] == 18263
    many = found["many"]
    assert len(many.groups) == 22 and many.groups[0][0] == "value 25" and many.groups[-2:][0] == ("other", OTHER)
    assert many.groups[-1][0] == MISSING and many.values[0] in (*range(1, 20), 20) and many.values[-1] == 0
    assert [name for name, _ in found["yes"].groups] == ["yes", "no", MISSING] and found["yes"].values[2] == -1
    assert as_numbers(pd.Series([1.0, np.inf, None])).tolist()[0] == 1 and np.isnan(as_numbers(pd.Series([np.inf]))[0])


def test_the_map_is_coloured_by_a_column(photos, opened):
    app = opened(run="photos", colour="label (table)")
    (told,) = maps(fine(app))
    assert told["colouring"] == "column 1" and told["sides"] == [32, 128]
    assert [name for name, _ in told["palettes"]["column 1"]] == ["red", "blue", "·cmd()", MISSING]
    assert app.selectbox(key="colour").options[-4:] == ["price", "label (table)", "taken", "flash"]
    for name in ("price", "taken", "flash"):
        fine(opened(run="photos", colour=name))
        fine(opened(run="photos", colour=name, state={"canvas failed": "a reason"}))


def test_search_finds_names_columns_and_numbers(photos, opened):
    app = opened(run="photos")
    searched(app, "img_1503")
    assert selected_rows(maps(fine(app))[0]) == [3] and maps(app)[0]["found"] == 3
    searched(app, "BLUE")
    rows = [row for row in range(297) if (row + FIRST) % 4 == 1]
    assert selected_rows(maps(fine(app))[0]) == rows
    searched(app, "no such text")
    assert "No image matches" in words(fine(app))


def test_the_filter_combines_with_the_search(photos, opened):
    app = fine(opened(run="photos"))
    searched(app, "blue")
    field = next(one for one in app.slider if one.label == "price")
    field.set_value((150.1, 160.0)).run()
    rows = [row for row in range(297) if (row + FIRST) % 4 == 1 and (row + FIRST) % 5 and 1500 <= row + FIRST <= 1600]
    assert selected_rows(maps(fine(app))[0]) == rows
    next(one for one in app.multiselect if one.label == "flash").set_value(["no"]).run()
    rows = [row for row in rows if (row + FIRST) % 3 == 1]
    assert selected_rows(maps(fine(app))[0]) == rows
    next(one for one in app.toggle if one.label == "Wrong only").set_value(True).run()
    points = load_map(photos.folder).of_split("test")
    assert selected_rows(maps(fine(app))[0]) == [row for row in rows if points.label[row] != points.prediction[row]]


def test_days_are_filtered_with_their_ends():
    table = pd.DataFrame({"taken": pd.to_datetime(["2020-01-01 23:00", "2020-01-02 12:00", None, "2020-01-04 00:00"])})
    field = search.Field("taken", "date")
    ends = (datetime.date(2020, 1, 1), datetime.date(2020, 1, 2))
    assert search.passes(field, ends, table).tolist() == [True, True, False, False]


def test_a_selection_is_saved_without_formulas(photos):
    here = Request({"type": "http", "headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 5000)})
    known = caches.table_of(photos)
    table = shown_to(here, known[known["split"] == "test"].iloc[[2, 5]])
    assert table.columns[:4].tolist() == ["name", "file", "split", "index"] and "label (table)" in table
    text = to_csv(table)
    assert "'=cmd()" in text and ",=cmd" not in text and text.splitlines()[1].startswith("trip/2/IMG_1502.jpg,")
    assert to_csv(pd.DataFrame({"=a": ["-1", "+2", "@x", "\tq", "fine"], "n": [-1, 0, 1, 2, 3]})).splitlines() == [
        "'=a,n", "'-1,-1", "'+2,0", "'@x,1", "'\tq,2", "fine,3",
    ]  # fmt: skip


@pytest.mark.parametrize("sender, known", [("127.0.0.1", True), ("10.1.1.1", False)])
def test_a_selection_names_the_folders_of_this_machine_only_on_it(photos, sender, known):
    asked = TestClient(Starlette(routes=ROUTES), base_url="http://localhost:8501", client=(sender, 5000))
    rows = base64.b64encode(np.packbits(np.ones(297, bool), bitorder="little")).decode()
    answer = asked.post(f"{base(photos)}/selections/as/json", json={"split": "test", "rows": rows})
    assert answer.status_code == 200, answer.text
    assert ("file" in answer.json()[0]) == known


@pytest.mark.parametrize("page", ["", "probe", "upload", "depth"])
@pytest.mark.parametrize("without", [(), ("table.parquet",), ("thumbnails.parquet",)], ids=str)
def test_every_page_runs(page, without, photos, opened):
    for name in without:
        (photos.folder / name).unlink()
    app = fine(opened(page, run="photos", view="images"))
    if page == "" and "thumbnails.parquet" not in without:
        assert "not on this machine" not in words(app) and maps(app)[0]["inspector"]["alike"]


def test_a_run_without_any_pictures_says_so(away, classifier, opened):
    folder = away(classifier)
    save_item_table(folder, own_table(len(load_map(folder)), {}))
    app = fine(opened(run="away", colour="taken"))
    assert "no pictures of these points" in words(app) and maps(app)[0]["maps"][0]["source"] is None
    fine(selected(app, [7], "map-away-test"))


def test_a_damaged_file_beside_the_map_is_told(photos, opened, client):
    (photos.folder / "thumbnails.parquet").write_bytes(b"no such thing")
    response = client.get(f"{base(photos)}/thumbnail/test/0")
    assert response.status_code == 500 and "thumbnails.parquet" in response.text
    (photos.folder / "table.parquet").write_bytes(b"no such thing")
    app = opened(run="photos")
    assert not app.exception and "table.parquet" in app.error[0].value


def test_a_table_of_other_length_is_told(photos, opened):
    save_item_table(photos.folder, own_table(5, {}))
    assert "5 rows for 1797 images" in opened(run="photos").error[0].value


def test_python_has_the_columns(photos):
    table = kernelviz.load("photos").map
    assert table.columns[-6:].tolist() == ["name", "file", "price", "label (table)", "taken", "flash"]
    assert table["name"][FIRST] == f"trip/0/IMG_{FIRST}.jpg" and table["price"][FIRST + 3] == pytest.approx(150.3)


def test_the_points_travel_with_their_columns(photos):
    payload = payloads.points_payload(ImageMap(photos), "test")
    header = json.loads(payload[4 : 4 + int.from_bytes(payload[:4], "little")])
    assert header["own"] == {
        "column 0": ["price", "number"], "column 1": ["label (table)", "category"], "column 2": ["taken", "date"],
        "column 3": ["flash", "category"],
    }  # fmt: skip
    assert header["names"][3] == "trip/0/IMG_1503.jpg" and header["arrays"]["column 0"]["type"] == "float32"
