"""What the inspector asks the server for: files of a selection, selections that are kept, images that are alike."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from kernelviz.data.images import load
from kernelviz.disk import data_folder
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.store import load_run
from kernelviz.ui.canvas.packing import masked
from kernelviz.ui.server import selections
from kernelviz.ui.server.alike import ALIKE, nearest_rows
from kernelviz.ui.server.app import ROUTES
from kernelviz.ui.shared import caches

N = 297  # test images


@pytest.fixture
def client(add, autoencoder, tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_DATA", str(tmp_path / "data"))
    add(autoencoder)
    at = f"http://localhost/kernelviz/runs/tiny/{caches.version(load_run('tiny'))}/"
    return TestClient(Starlette(routes=ROUTES), base_url=at, client=("127.0.0.1", 5000))


def told(rows, **more):
    return {"split": "test", "rows": masked(np.array(rows, int), N)} | more


def test_a_selection_becomes_a_file(client, autoencoder):
    points = load_map(autoencoder.folder).of_split("test")
    readers = {
        "csv": lambda data: pd.read_csv(io.BytesIO(data)),
        "parquet": lambda data: pd.read_parquet(io.BytesIO(data)),
        "json": lambda data: pd.DataFrame(json.loads(data)),
    }
    for ending, read in readers.items():
        response = client.post(f"selections/as/{ending}", json=told([3, 290]))
        table = read(response.content)
        assert response.status_code == 200 and table["index"].tolist() == [3, 290], ending
        assert table["x"].tolist() == pytest.approx(points.x[[3, 290]].tolist(), rel=1e-5)
    assert client.post("selections/as/exe", json=told([3])).status_code == 400


def test_a_selection_is_kept_found_again_and_forgotten(client):
    nameless = client.post("selections/", json=told([1, 2])).json()["id"]
    assert client.get("selections/").json() == []
    assert client.get(f"selections/{nameless}").json()["rows"] == told([1, 2])["rows"]
    named = client.post("selections/", json=told([1, 2], name="  two \n of them ")).json()["id"]
    assert named == nameless
    client.post("selections/", json=told([1, 2]))  # takes no name away
    assert client.get("selections/").json() == [{"id": named, "name": "two of them", "split": "test", "count": 2}]
    assert client.delete(f"selections/{named}", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.delete(f"selections/{named}").status_code == 200
    assert client.get(f"selections/{named}").status_code == 404


@pytest.mark.parametrize("key", ["0123", "../run", "ZZZZZZZZZZZZZZZZ", "0123456789abcdef0"])
def test_an_id_is_no_path(key, client):
    assert client.get(f"selections/{key}").status_code in (400, 404)


def test_a_selection_of_other_weights_is_not_the_one_of_a_run(client):
    key = client.post("selections/", json=told([1], name="old")).json()["id"]
    (path,) = (data_folder() / "selections" / "tiny").glob("*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"weights": "0" * 64}))
    assert client.get(f"selections/{key}").status_code == 404 and client.get("selections/").json() == []
    path.write_text("{")
    assert client.get(f"selections/{key}").status_code == 404 and client.get("selections/").json() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [("[", 400), ("[1]", 400), ("{}", 400), ('{"split": "test", "rows": "A"}', 400), ('{"split": "x"}', 400)],
)
def test_nonsense_is_not_kept(body, status, client):
    headers = {"content-type": "application/json"}
    assert client.post("selections/", content=body, headers=headers).status_code == status


def test_only_json_of_a_bounded_size_is_read(client, monkeypatch):
    assert client.post("selections/", data={"split": "test"}).status_code == 415
    assert (
        client.post("selections/", content=json.dumps(told([1])), headers={"content-type": "text/plain"}).status_code
        == 415
    )
    monkeypatch.setattr(selections, "LARGEST", 10)
    assert client.post("selections/", json=told([1])).status_code == 413


def test_the_oldest_without_a_name_make_room(client, monkeypatch):
    monkeypatch.setattr(selections, "MAX_NAMELESS", 5)
    client.post("selections/", json=told([0], name="kept"))
    for row in range(1, 12):
        assert client.post("selections/", json=told([row])).status_code == 200
    kept = list((data_folder() / "selections" / "tiny").glob("*.json"))
    assert len(kept) <= 6 and [one["name"] for one in client.get("selections/").json()] == ["kept"]
    monkeypatch.setattr(selections, "MAX_NAMED", 1)
    assert client.post("selections/", json=told([20], name="too many")).status_code == 400


def test_the_images_most_alike_come_first(client):
    pixels = load("digits").split("test")[0].reshape(N, -1).astype(float)
    distances = ((pixels - pixels[5]) ** 2).sum(1)
    wanted = [row for row in np.argsort(distances, kind="stable") if row != 5][:ALIKE]
    found = client.get("alike/test/5").json()
    assert distances[found].tolist() == distances[wanted].tolist() and 5 not in found
    assert client.get("alike/test/9999").status_code == 404
    assert nearest_rows(np.zeros((1, 4), np.uint8), 0).tolist() == []
    assert nearest_rows(np.zeros((3, 4), np.uint8), 1).tolist() == [0, 2]
