"""Names of the clusters of a map without labels, and the likeliest classes of an image beside the map."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from test_pages import fine, maps, words

from kernelviz.data.images import load
from kernelviz.evaluation.inference import embed
from kernelviz.storage.embedding_map import COLUMNS, EmbeddingMap, load_map
from kernelviz.storage.item_table import save_item_table
from kernelviz.storage.store import load_run
from kernelviz.storage.thumbnails import save_thumbnails
from kernelviz.ui.canvas import payloads
from kernelviz.ui.server.app import ROUTES
from kernelviz.ui.server.likeliest import neighbour_shares
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.map_source import ImageMap
from kernelviz.ui.shared.network_cache import network_of


@pytest.fixture
def client():
    return TestClient(Starlette(routes=ROUTES))


def likeliest(client, run, row=0):
    response = client.get(f"/kernelviz/runs/{run.name}/{caches.version(run)}/likeliest/test/{row}")
    assert response.status_code == 200 and "immutable" in response.headers["cache-control"]
    found = response.json()
    return found["by"], dict(found["classes"])


@pytest.fixture
def unlabelled(add, neighbourly):
    """The run "near" without labels, in two clusters of files whose names have a word and have none."""
    folder = add(neighbourly, data=neighbourly.data | {"classes": []})
    points = load_map(folder)
    n, left = len(points), np.arange(len(points)) % 3 == 0
    nothing = {"label": np.full(n, -1), "prediction": np.full(n, -1), "confidence": np.full(n, np.nan)}
    coordinates = {"x": np.where(left, -2, 2) + points.x / 9, "y": points.y / 9}
    EmbeddingMap(**{name: getattr(points, name) for name in COLUMNS} | nothing | coordinates).save(folder)
    table = pd.DataFrame({"name": [f"<b>Dog{row}.png" if left[row] else f"{row}.png" for row in range(n)], "file": ""})
    save_item_table(folder, table.assign(cluster=left))
    return load_run("near")


def test_a_map_without_labels_opens_with_its_clusters_by_name(unlabelled, opened):
    app = fine(opened(run="near"))
    (told,) = maps(app)
    assert told["colouring"] == "cluster"
    assert [name for name, _ in told["palettes"]["cluster"]] == ["cluster 1", "Dog", "no cluster"]
    options = app.selectbox(key="colour").options
    assert options[:2] == ["cluster", "confidence"] and options[-1] == "cluster (table)" and "label" not in options
    assert "A cluster has the name that most of its images share" in words(app)
    assert "A cluster has" not in words(fine(opened(run="near", colour="density")))
    fine(opened(run="near", state={"canvas failed": "a reason"}))


def test_the_clusters_travel_with_the_points(unlabelled):
    payload = payloads.points_payload(ImageMap(unlabelled), "test")
    header = json.loads(payload[4 : 4 + int.from_bytes(payload[:4], "little")])
    assert header["own"]["cluster"] == ["cluster", "category"] and header["arrays"]["cluster"]["type"] == "int16"


def test_one_goes_from_a_map_with_labels_to_one_without_and_back(unlabelled, add, autoencoder, opened):
    add(autoencoder)
    app = fine(opened(run="tiny", colour="prediction"))
    app.selectbox(key="run").select("near").run()
    assert maps(fine(app))[0]["colouring"] == "cluster"
    app.selectbox(key="run").select("tiny").run()
    assert maps(fine(app))[0]["colouring"] == "label"


def test_a_class_head_says_what_is_likeliest(add, classifier, client):
    add(classifier)
    run = load_run("namer")
    images = load("digits").split("test")[0]
    points = load_map(run.folder).of_split("test")
    row = int(points.confidence.argmin())
    by, shares = likeliest(client, run, row)
    wanted = embed(network_of(run), images[row : row + 1]).probabilities[0]
    order = np.argsort(-wanted)[:5]
    assert by == "Probabilities of the class head" and list(shares) == [run.classes[at] for at in order]
    np.testing.assert_allclose(list(shares.values()), wanted[order], atol=1e-4)
    assert shares[run.classes[points.prediction[row]]] == pytest.approx(points.confidence[row], abs=1e-4)


def test_the_small_picture_goes_through_the_class_head(add, classifier, client, monkeypatch):
    folder = add(classifier, "small")
    images = load("digits").split("test")[0]
    first = int((load_map(folder).split != 2).sum())

    def file(row):
        data = io.BytesIO()
        Image.fromarray(images[row - first]).save(data, "PNG")
        return data.getvalue() if row > first else b""

    save_thumbnails(folder, ((b"", file(row) if row >= first else b"") for row in range(len(load_map(folder)))))
    by, shares = likeliest(client, load_run("small"), 1)
    assert by == "Probabilities of the class head, from the small picture" and sum(shares.values()) <= 1.001
    by, _ = likeliest(client, load_run("small"), 0)  # has no small picture
    assert by == "Labels of the 15 training images nearest on the map"


def test_without_a_class_head_the_neighbours_say_it(add, autoencoder, client):
    add(autoencoder)
    run = load_run("tiny")
    by, shares = likeliest(client, run, 7)
    assert by == "Labels of the 15 training images nearest on the map; the prediction counts the nearest 5"
    points = load_map(run.folder)
    train, test = points.of_split("train"), points.of_split("test")
    near = np.argsort(np.linalg.norm(train.coordinates - test.coordinates[7], axis=1))[:15]
    counts = np.bincount(train.label[near], minlength=10)
    assert shares == {run.classes[at]: pytest.approx(counts[at] / 15, abs=1e-4) for at in np.flatnonzero(counts)[:5]}


def test_a_training_image_is_not_its_own_neighbour(autoencoder):
    points = load_map(autoencoder.folder)
    train = points.of_split("train")
    changed = train.label.copy()
    changed[3] = 11  # a class that no other has
    whole = EmbeddingMap(**{name: getattr(train, name) for name in COLUMNS} | {"label": changed})
    shares, n = neighbour_shares(whole, whole.of_split("train"), 3)
    assert n == 15 and len(shares) <= 11


def test_where_nothing_is_known_nothing_is_said(unlabelled, client):
    assert likeliest(client, unlabelled)[1] == {}
    address = f"/kernelviz/runs/near/{caches.version(unlabelled)}/likeliest"
    assert client.get(f"{address}/test/99999").status_code == 404
    assert client.get(f"{address}/nonsense/0").status_code == 400
