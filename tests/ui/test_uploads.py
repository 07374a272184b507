"""Tests of uploads: stored for their session only, projected as by the command, rejected by name."""

import base64
import csv
import gc
import io
import json
import time

import numpy as np
import pytest
from corpus import FILES, GOOD, N_PLACED, NASTY, PLACED, REASONS, encoded, packed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from kernelviz.evaluation.novelty import project_files
from kernelviz.ingest.files import contents_of_paths, ingest
from kernelviz.storage.calibration import load_calibration
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network
from kernelviz.tables import FORMULA, to_csv
from kernelviz.ui.access.bounds import Bounds
from kernelviz.ui.server.app import ROUTES
from kernelviz.ui.shared import caches
from kernelviz.ui.upload import export, routes, uploads
from kernelviz.ui.upload.uploads import Uploads


@pytest.fixture
def mine():
    made = Uploads()
    uploads._KNOWN[made.token] = made
    return made


@pytest.fixture
def tiny(add, autoencoder):
    add(autoencoder)
    return load_run("tiny")


@pytest.fixture
def client():
    return TestClient(Starlette(routes=ROUTES, middleware=[Middleware(Bounds)]))


@pytest.fixture
def send(client, mine):
    """A function that sends files as the page does."""
    numbers = iter(range(10**6))

    def send(files, batch=None, token=mine.token):
        form = {"names": json.dumps([name for name, _ in files]), "batch": batch or f"batch {next(numbers)}"}
        parts = [("files", ("file", data)) for _, data in files]
        return client.post(f"/kernelviz/uploads/{token}/files", data=form, files=parts)

    return send


@pytest.fixture
def projected(client, mine, tiny):
    """A function that asks until all uploads are projected, and returns their rows."""

    def projected(preprocessing="resize", first=0):
        rows = []
        while True:
            where = f"projection/tiny/{caches.version(tiny)}/{preprocessing}?first={first + len(rows)}"
            answer = client.post(f"/kernelviz/uploads/{mine.token}/{where}")
            assert answer.status_code == 200, answer.text
            rows += answer.json()["rows"]
            if not answer.json()["left"]:
                return rows

    return projected


@pytest.fixture
def look(client, mine, tiny):
    def look(where, preprocessing="resize"):
        return client.get(
            f"/kernelviz/uploads/{mine.token}/details/tiny/{caches.version(tiny)}/{preprocessing}/{where}"
        )

    return look


def seen(address):
    kind, data = address.split(",")
    assert kind.startswith("data:image/")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_every_file_is_projected_or_rejected_by_name(send, projected, mine, tiny):
    assert send(list(FILES.items())).json() == {"total": N_PLACED + len(REASONS)}
    rows = projected()
    assert len(rows) == N_PLACED and all(row["number"] < mine.total for row in rows)
    _, rejected = mine.projected(tiny, "resize")
    assert all(reason in one.reason for reason, one in zip(REASONS, rejected, strict=True))
    assert not any(mark in row["name"] for row in rows for mark in ("<", "\n", "/", "\0"))


def test_page_and_command_agree(send, projected, mine, tiny, tmp_path):
    for at, (_, data) in enumerate(PLACED.items()):
        (tmp_path / f"{at:03}.png").write_bytes(data)
    paths = sorted(tmp_path.glob("*.png"))
    send([(path.name, path.read_bytes()) for path in paths])
    projected(tiny.preprocess.name)
    page, _ = mine.projected(tiny, tiny.preprocess.name)
    network, points = load_network(tiny), load_map(tiny.folder)
    files, usual = ingest(contents_of_paths(paths), tiny.preprocess), load_calibration(tiny.folder)
    command, _ = project_files(network, points, tiny.classes, files, lambda _: None, usual)
    assert page["name"].tolist() == [path.name for path in paths]
    for name in command.columns.drop("name"):
        if command[name].dtype.kind == "f":
            np.testing.assert_allclose(page[name], command[name], atol=1e-6)
        else:
            assert page[name].tolist() == command[name].tolist()


def test_uploads_are_projected_some_at_a_time(send, client, mine, tiny, monkeypatch):
    monkeypatch.setattr(routes, "SECONDS_PER_ANSWER", 1e-9)
    monkeypatch.setattr(uploads.os, "cpu_count", lambda: 1)  # a part for each core
    send([(f"{at}.png", GOOD) for at in range(150)])
    where = f"/kernelviz/uploads/{mine.token}/projection/tiny/{caches.version(tiny)}/crop?first="
    parts = [client.post(f"{where}{first}").json() for first in (0, 64, 128, 150)]
    assert [len(part["rows"]) for part in parts] == [64, 64, 22, 0]
    assert [part["done"] for part in parts] == [64, 128, 150, 150]
    assert [part["left"] for part in parts] == [True, True, False, False]


def test_a_thousand_files_at_once(send, projected, mine):
    for start in range(0, 1000, 200):
        assert send([(f"{at}.png", GOOD) for at in range(start, start + 200)]).status_code == 200
    assert mine.total == 1000 and [row["number"] for row in projected()] == list(range(1000))


def test_a_batch_that_is_sent_again_counts_once(send, mine):
    files = [("a.png", GOOD), ("a.png", GOOD)]
    assert send(files, "one").json() == send(files, "one").json() == {"total": 2}
    assert send(files, "two").json() == {"total": 4}


def test_another_preprocessing_gives_other_coordinates(send, projected, look, mine):
    sheet = Image.new("L", (200, 80), 255)
    sheet.paste(0, (150, 20, 160, 60))
    send([("off the middle.png", encoded(sheet))])
    preprocessings = ("resize", "crop", "digit")
    coordinates = {(row["x"], row["y"]) for preprocessing in preprocessings for row in projected(preprocessing)}
    assert len(coordinates) == 3
    assert len({seen(look(0, name).json()["saw"]).tobytes() for name in preprocessings}) == 3


def test_uploads_are_projected_again_after_a_run_was_trained_again(send, projected, mine, tiny, monkeypatch):
    send([("a.png", GOOD)])
    projected()
    assert len(mine.projected(tiny, "resize")[0]) == 1
    monkeypatch.setattr(caches, "version", lambda run: "another")
    assert len(mine.projected(tiny, "resize")[0]) == 0


def test_details_show_what_the_network_saw(send, projected, look, tiny):
    send([("a <b>.png", encoded(Image.new("RGB", (400, 100), "white"))), ("b.png", GOOD)])
    (first, _) = projected()
    found = look(0).json()
    assert found["name"] == "a ·b·.png" and (found["x"], found["y"]) == (first["x"], first["y"])
    assert seen(found["original"]).shape[:2] == (70, 280)
    assert (seen(found["saw"]) == 255).all() and seen(found["saw"]).shape == (8, 8)
    assert seen(found["bump"]).shape == tuple(tiny.grid) and seen(found["decoded"]).shape == (8, 8)
    assert len(found["nearest"]) == 5 and all(seen(one["picture"]).shape == (8, 8) for one in found["nearest"])
    assert [name for name, _ in found["signals"]] == ["position on the map", "features", "reconstruction", "pixels"]
    assert all(0 <= percent <= 100 for _, percent in found["signals"])
    nothing = {"grade": "blank", "words": "No digit found", "verdict": "", "likeliest": []}  # it is all white
    assert found | nothing == found


def test_details_say_how_unusual_a_picture_is_before_what_it_may_be(send, projected, look, mine, tiny, digits):
    noise = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    send([(f"{at}.png", encoded(Image.fromarray(one))) for at, one in enumerate([*digits.test_images[:9], noise])])
    *rows, novel = projected()
    for row in rows:
        found = look(row["number"]).json()
        assert (found["grade"], found["verdict"]) == (row["grade"], row["verdict"])
        assert sum(share for _, share in found["likeliest"]) == pytest.approx(1 if row["grade"] != "novel" else 0)
    assert sum(row["grade"] == "usual" and row["verdict"].startswith("predicted as ") for row in rows) >= 5
    assert (novel["grade"], novel["words"]) == ("novel", "Unlike the training images") and "pixels" in novel["reasons"]
    assert novel["verdict"].startswith("the nearest class would be ") and not look(9).json()["likeliest"]


def test_a_sketch_has_details_and_is_not_stored(client, mine, tiny, send, look):
    send([("a.png", GOOD)])
    where = f"/kernelviz/uploads/{mine.token}/sketch/tiny/{caches.version(tiny)}/resize"
    details = client.post(where, content=GOOD).json()
    assert details | {"name": "a.png"} == look(0).json() and mine.total == 1
    assert client.post(where, content=b"no picture").status_code == 400
    assert client.post(where, content=bytes(routes.MAX_SKETCH_BYTES + 1)).status_code == 413
    assert client.post(where).status_code == 413


def test_small_pictures(send, client, mine):
    send([("wide.png", encoded(Image.new("RGB", (1000, 10), "red"))), ("text.png", b"text")])
    answer = client.get(f"/kernelviz/uploads/{mine.token}/pictures/0")
    assert Image.open(io.BytesIO(answer.content)).size == (128, 1) and "private" in answer.headers["cache-control"]
    assert client.get(f"/kernelviz/uploads/{mine.token}/pictures/1").status_code == 400
    assert client.get(f"/kernelviz/uploads/{mine.token}/pictures/2").status_code == 404


def test_what_is_removed_is_gone(send, projected, look, mine, tiny):
    send([(f"{at}.png", GOOD) for at in range(3)] + [("text.png", b"text")])
    projected()
    mine.remove(1)
    assert [row["number"] for row in projected()] == [0, 2] and look(1).status_code == 404
    mine.remove(3)
    assert not mine.projected(tiny, "resize")[1]
    mine.remove()
    assert mine.total == 0 and not projected() and mine.turn == 3
    send([("new.png", GOOD)])
    assert [row["name"] for row in projected()] == ["new.png"]


def test_the_uploads_of_a_session_are_limited(send, projected, mine, tiny, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_FILES", 3)
    send([(f"{at}.png", GOOD) for at in range(5)])
    assert len(projected()) == 3
    monkeypatch.setattr(uploads, "MAX_FILES", 99)
    monkeypatch.setattr(uploads, "MAX_UNPACKED", 4 * len(GOOD))
    send([("many.zip", packed([(f"{at}.png", GOOD) for at in range(3)]))])
    assert len(projected()) == 4
    reasons = [one.reason for one in mine.projected(tiny, "resize")[1]]
    assert "3 files already" in reasons[0] and "together have more than" in reasons[-1] and len(reasons) == 3


def test_a_full_disk_rejects_a_file_but_not_the_others(send, projected, mine, tiny, full_disk):
    large = encoded(Image.effect_noise((900, 900), 60))
    send([("small.png", GOOD)])
    with full_disk():
        mine.add([("large.png", io.BytesIO(large)), ("text.png", io.BytesIO(b""))])
    send([("after.png", GOOD)])
    assert [row["name"] for row in projected()] == ["small.png", "after.png"]
    assert "disk is full" in mine.projected(tiny, "resize")[1][0].reason


def test_a_disk_that_is_full_as_a_large_file_arrives_is_told(send, projected, full_disk):
    large = encoded(Image.effect_noise((1300, 1300), 60))  # above 1 MB, from where on it is on the disk as it arrives
    with full_disk():
        answer = send([("small.png", GOOD), ("large.png", large)], "one")
    assert answer.status_code == 507 and "disk is full" in answer.text
    assert send([("small.png", GOOD), ("large.png", large)], "one").json() == {"total": 2} and len(projected()) == 2


def test_the_projection_onto_an_earlier_map_is_cached(send, projected, mine, tiny, monkeypatch):
    send([("a.png", GOOD)])
    before = projected("resize")
    projected("crop")
    monkeypatch.setattr(mine, "_project_part", lambda *_: pytest.fail("projected again"))
    assert projected("resize") == before


def test_only_the_token_gives_access_to_uploads(send, client, mine, tiny):
    send([("a.png", GOOD)])
    assert send([("a.png", GOOD)], token="another").status_code == 404
    assert client.get("/kernelviz/uploads/another/pictures/0").status_code == 404
    assert len({Uploads().token for _ in range(9)}) == 9


def test_nothing_is_left_when_the_session_ends():
    made = Uploads()
    token = made.token
    uploads._KNOWN[token] = made
    made.add([("a.png", io.BytesIO(GOOD))])
    assert uploads.by_token(token) is made
    del made
    gc.collect()
    with pytest.raises(FileNotFoundError, match="session has ended"):
        uploads.by_token(token)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"names": "[]", "batch": "b"},
        {"names": "torn", "batch": "b"},
        {"names": "3", "batch": "b"},
        {"names": '["a"]'},
    ],
)
def test_a_malformed_form_is_refused(client, mine, form):
    where = f"/kernelviz/uploads/{mine.token}/files"
    assert client.post(where, data=form, files=[("files", ("file", GOOD))]).status_code == 400
    assert mine.total == 0


def _parts(*parts):
    return b"".join(b"--x\r\n" + head + b"\r\n\r\n" + data + b"\r\n" for head, data in parts) + b"--x--\r\n"


NAMED = b'Content-Disposition: form-data; name="%s"'
FILE = (NAMED % b"files" + b'; filename="a"', b"x")
BODIES = {
    "no boundary": ("multipart/form-data", b"hello"),
    "an empty boundary": ("multipart/form-data; boundary=", b"--\r\n\r\n----\r\n"),
    "a boundary of 50 kB": ("multipart/form-data; boundary=" + "x" * 50_000, b"hello"),
    "another boundary": ("multipart/form-data; boundary=y", _parts(FILE)),
    "a form in a form": (
        "multipart/form-data; boundary=x",
        _parts(
            (NAMED % b"names" + b"\r\nContent-Type: multipart/mixed; boundary=y", b'--y\r\n\r\n["a"]\r\n--y--'), FILE
        ),
    ),
    "10,000 files": ("multipart/form-data; boundary=x", _parts(*[FILE] * 10_000)),
    "20,000 fields": ("multipart/form-data; boundary=x", _parts(*[(NAMED % b"x", b"x")] * 20_000)),
    "50,000 headers": ("multipart/form-data; boundary=x", _parts((b"\r\n".join([b"X: y"] * 50_000), b"x"))),
    "a header of 5 MB": ("multipart/form-data; boundary=x", _parts((b"X: " + b"y" * 5_000_000, b"x"))),
    "a field of 2 MB": ("multipart/form-data; boundary=x", _parts((NAMED % b"names", b"x" * 2_000_000))),
    "no name": ("multipart/form-data; boundary=x", _parts((b"", b"x"))),
    "brackets": ("multipart/form-data; boundary=x", _parts((NAMED % b"names", b"[" * 900_000), FILE)),
    "5 MB of line ends": ("multipart/form-data; boundary=x", b"\r\n" * 2_500_000 + _parts((NAMED % b"names", b"[]"))),
    "5 MB of boundaries, nearly": ("multipart/form-data; boundary=xx", b"\r\n--x" * 1_000_000),
}


@pytest.mark.parametrize("kind, body", BODIES.values(), ids=BODIES)
def test_a_hostile_form_is_refused_soon(client, mine, kind, body):
    where, begun = f"/kernelviz/uploads/{mine.token}/files", time.process_time()
    assert client.post(where, content=body, headers={"Content-Type": kind}).status_code == 400
    assert mine.total == 0 and time.process_time() - begun < 3


def test_what_is_too_large_is_refused_before_it_is_read(client, mine):
    headers = {"content-length": str(routes.MAX_REQUEST_BYTES + 1), "content-type": "multipart/form-data; boundary=x"}
    assert client.post(f"/kernelviz/uploads/{mine.token}/files", headers=headers, content=b"").status_code == 413


def test_a_network_that_cannot_be_read_is_an_error_that_names_it(send, client, mine, tiny):
    send([("a.png", GOOD)])
    (tiny.folder / "weights.safetensors").write_bytes(b"no such thing")
    answer = client.post(f"/kernelviz/uploads/{mine.token}/projection/tiny/{caches.version(tiny)}/crop?first=0")
    assert answer.status_code == 500 and "weights.safetensors" in answer.text


@pytest.mark.parametrize("preprocessing", ["stretch", "..", "digit%00"])
def test_an_unknown_preprocessing_is_refused(client, mine, tiny, preprocessing):
    where = f"projection/tiny/{caches.version(tiny)}/{preprocessing}?first=0"
    answer = client.post(f"/kernelviz/uploads/{mine.token}/{where}")
    assert answer.status_code in (400, 404)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.binary(max_size=400), kind=st.sampled_from(["multipart/form-data; boundary=x", "text/plain", ""]))
def test_any_body_is_answered(body, kind):
    made = Uploads()
    uploads._KNOWN[made.token] = made
    client = TestClient(Starlette(routes=ROUTES))
    whole = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n' + body + b"\r\n--x--\r\n"
    for content in (body, whole):
        headers = {"content-type": kind} if kind else {}
        answer = client.post(f"/kernelviz/uploads/{made.token}/files", content=content, headers=headers)
        assert answer.status_code in (400, 413)


def test_the_map_with_uploads_is_exported_as_a_picture_and_as_a_page(send, projected, mine, tiny):
    send([("a <script>alert(1)</script>.png", GOOD), ("b.png", encoded(Image.new("L", (9, 9), 255)))])
    projected()
    table, _ = mine.projected(tiny, "resize")
    picture = np.asarray(Image.open(io.BytesIO(export.map_png(tiny, table))).convert("RGB")).astype(int)
    marks = (abs(picture - [0xE0, 0x40, 0x3F]).sum(2) < 9).sum()
    assert picture.shape == (1600, 1600, 3) and marks > 300
    page = export.html_page(tiny, mine, table)
    assert "<script>alert" not in page and "b.png" in page and page.count("<tr>") == 3
    assert page.count('<img alt="" src="data:image/png;base64,') == 2
    assert "Plotly.newPlot" in page and '<script src="http' not in page  # the library is in the page


def test_files_need_no_memory_except_for_their_rows(mine, tiny):
    from tracemalloc import get_traced_memory, start, stop

    data = encoded(Image.effect_noise((60, 60), 50))
    mine.add((f"{at}.png", io.BytesIO(data)) for at in range(1000))
    start()
    began = time.monotonic()
    while mine.project(tiny, "resize", 0.2)[0] < mine.total:
        assert time.monotonic() - began < 120
    _, peak = get_traced_memory()
    stop()
    assert peak < 1000 * len(data)  # less than the files have together


def test_names_of_any_kind_are_projected_and_shown_as_text(send, projected):
    assert send([(name, GOOD) for name in NASTY.values()]).json()["total"] == len(NASTY)
    rows = projected()
    assert len(rows) == len(NASTY)
    for row in rows:
        assert all(letter.isalnum() or letter in " .-_()'·…" for letter in row["name"]) and len(row["name"]) <= 40


@pytest.mark.parametrize("names", ["[" * 100_000, '{"a":' * 100_000, "[NaN]", '"a"', "[1]", "", "\ud800"])
def test_names_that_are_no_list_of_names_are_refused(client, mine, names):
    form = {"names": names.encode("utf-8", "surrogatepass").decode("latin-1"), "batch": "b"}
    answer = client.post(f"/kernelviz/uploads/{mine.token}/files", data=form, files=[("files", ("file", GOOD))] * 2)
    assert answer.status_code == 400 and answer.text.startswith("wanted: ")


def test_an_empty_archive_is_refused_by_name(send, projected, mine, tiny):
    send([("empty.zip", packed([]))])
    projected()
    _, (rejected,) = mine.projected(tiny, "resize")
    assert rejected.name == "empty.zip" and "holds no file" in rejected.reason


def test_the_page_as_a_file_has_names_as_text_only(send, projected, mine, tiny):
    send([(name, GOOD) for name in NASTY.values()])
    projected()
    table, _ = mine.projected(tiny, "resize")
    page = export.html_page(tiny, mine, table)
    head, rows = page[: page.index("<script")], page[page.rindex("</script>") :]
    shown = head + rows + page[page.rindex("Plotly.newPlot") : page.rindex("</script>")]
    assert "alert(1)" in rows and len(rows) < 10**6
    assert "<img src=x" not in shown and "</script><script>alert" not in shown and "<http" not in shown
    back = list(csv.reader(io.StringIO(to_csv(table), newline="")))
    assert len(back) == len(NASTY) + 1 and not any(cell[:1] in FORMULA for row in back for cell in row[:1] if cell)
