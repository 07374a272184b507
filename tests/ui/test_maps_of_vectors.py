"""The pages on maps of vectors: with pictures and without."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from test_pages import fine, heard, images, maps, words

from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.store import load_run
from kernelviz.ui.server.app import ROUTES
from kernelviz.ui.shared import caches


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    return (3 * np.eye(3, 16)[np.arange(60) % 3] + 0.3 * rng.normal(size=(60, 16))).astype("f4")


@pytest.fixture
def plain_run(kernelviz, vectors, tmp_path):
    """The run "plain", without pictures."""
    np.savez(tmp_path / "plain.npz", vectors=vectors, labels=np.arange(60) % 3, weight=np.arange(60.0))
    code, _, err = kernelviz("map", tmp_path / "plain.npz", "--epochs", "3")
    assert code == 0, err
    return load_run("plain")


@pytest.fixture
def pictured_run(kernelviz, vectors, tmp_path):
    """The run "pictured", with a picture of each vector."""
    file = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(file, "PNG")
    path = tmp_path / "pictured.parquet"
    pd.DataFrame({"image": [file.getvalue()] * 60, "embedding": list(vectors)}).to_parquet(path)
    code, _, err = kernelviz("map", path, "--epochs", "3", "--test", "0")
    assert code == 0, err
    return load_run("pictured")


def tables(app):
    return [table.value for table in app.dataframe]


def test_explore_shows_names_and_columns(plain_run, opened):
    app = fine(opened(run="plain"))
    (told,) = maps(app)
    assert told["shape"] is None and told["sides"] == [] and told["maps"][0]["source"] is None
    assert "test vectors" in told["what"] and "no pictures of these points" in words(app)
    assert "**Vectors** plain.npz" in app.caption[0].help and images(app) == []
    assert not told["decoder"] and not told["inspector"]["alike"]
    for colouring in ("weight", "reconstruction error", "label"):
        fine(opened(run="plain", colour=colouring))


def test_explore_shows_the_pictures_where_there_are_some(pictured_run, opened):
    app = fine(opened(run="pictured"))
    (told,) = maps(app)
    assert told["maps"][0]["source"] == "thumbnails" and told["sides"] == [32, 128] and told["shape"] is None
    assert "train vectors" in told["what"] and told["inspector"]["alike"]


@pytest.mark.parametrize("simple", [False, True], ids=["canvas", "simple map"])
def test_the_probe_shows_what_is_near_and_gives_a_vector(plain_run, opened, simple):
    app = fine(opened("probe", run="plain", state={"canvas failed": "no WebGL"} if simple else None))
    assert "a vector of 16 numbers" in words(app) and "Nearest to" in words(app) and images(app) == []
    assert len(app.get("download_button")) == 2 and len(maps(app)) == (not simple)
    (table,) = tables(app)
    assert (
        len(table) == 12 and {"name", "distance", "weight"} <= set(table) and (table["distance"].diff()[1:] >= 0).all()
    )


def test_the_probe_moves_to_what_lies_there(plain_run, opened):
    points = load_map(plain_run.folder)
    x, y = map(float, points.coordinates[7])
    probe = {"x": x, "y": y, "width": plain_run.probe["width"], "amplitude": plain_run.probe["amplitude"]}
    app = fine(heard(opened("probe", run="plain"), "probe-plain", probe=probe))
    table = caches.table_of(plain_run)
    assert tables(app)[0]["distance"].iloc[0] < 1e-5 and table["name"].iloc[7] in set(tables(app)[0]["name"][:5])


def test_the_probe_shows_pictures_where_there_are_some_and_no_test_part(pictured_run, opened):
    app = fine(opened("probe", run="pictured"))
    assert len(images(app)) == 12 and maps(app)[0]["split"] == "train"


def test_no_picture_is_placed_on_a_map_of_vectors(plain_run, opened):
    app = fine(opened("upload", run="plain"))
    assert "a picture has no position on it" in words(app) and "kernelviz embed plain vectors.npy" in words(app)
    assert maps(app) == []
    for page in ("kernels", "depth"):
        fine(opened(page, run="plain"))


def test_the_server_has_no_images_of_vectors(plain_run):
    client = TestClient(Starlette(routes=ROUTES), base_url="http://localhost:8501", client=("127.0.0.1", 5000))
    base = f"/kernelviz/runs/plain/{caches.version(plain_run)}"
    assert client.get(f"{base}/points/test").status_code == 200
    assert client.get(f"{base}/sheets/test/decoded/1/0").status_code == 404
    assert client.get(f"{base}/decoder").status_code == 204
    response = client.get(f"{base}/decode?x=0&y=0&width=1&amplitude=1")
    assert response.status_code == 400 and "no decoder of images" in response.text
    assert json.loads(client.get(f"{base}/item/test/0").content)["columns"]
