"""Tests of what the canvas fetches from the server, and of the checks of what it sends."""

import gzip
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from torch import nn

from kernelviz.data.images import load
from kernelviz.networks import NETWORKS, EmbeddingNetwork
from kernelviz.plots.images import enlarged, sheet
from kernelviz.storage import record
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import load_run
from kernelviz.ui.canvas import SCRIPTS, STAMP, payloads
from kernelviz.ui.canvas.packing import masked, unmasked
from kernelviz.ui.server.app import ROUTES
from kernelviz.ui.server.decoding import MAX_CORNERS, STEPS, corners_of, steps_along
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.map_source import ImageMap
from kernelviz.ui.shared.network_cache import decoded_at, dense_layers, network_of

SHAPE = {"width": 0.5, "amplitude": 1.0}


@pytest.fixture
def client():
    return TestClient(Starlette(routes=ROUTES))


@pytest.fixture
def address(add, autoencoder):
    """The address of the run "tiny" on the server."""
    add(autoencoder)
    return f"/kernelviz/runs/tiny/{caches.version(load_run('tiny'))}"


def picture(response):
    return np.asarray(Image.open(io.BytesIO(response.content)))


def test_a_selection_as_bits():
    rows = np.array([0, 7, 8, 99])
    assert unmasked(masked(rows, 100), 100).tolist() == rows.tolist()
    assert unmasked(masked(np.array([], int), 100), 100).tolist() == []
    assert unmasked(masked(rows, 100), 90) is None and unmasked("é", 8) is None


def test_points_lie_mostly_beside_their_neighbours_in_the_list(autoencoder):
    points, rows = payloads.ordered(ImageMap(autoencoder), "test")
    whole = load_map(autoencoder.folder).of_split("test")
    np.testing.assert_array_equal(whole.coordinates[rows], points.coordinates)
    steps, usual = (
        np.linalg.norm(np.diff(of.coordinates, axis=0), axis=1) for of in (points, whole.where(whole.placed))
    )
    assert np.median(steps) < np.median(usual) / 3


def test_twelve_bits_of_values_and_of_none():
    bits = payloads.twelve_bits(np.array([2.0, np.nan, 4.0, 3.0]))
    assert bits.tolist() == [0, payloads.UNKNOWN, payloads.UNKNOWN - 1, (payloads.UNKNOWN - 1) / 2]
    assert payloads.twelve_bits(np.full(2, np.nan)).tolist() == [payloads.UNKNOWN] * 2
    assert payloads.twelve_bits(np.full(2, 7.0)).tolist() == [0, 0]


def test_every_image_is_on_its_sheet(autoencoder, address, client):
    points, _ = payloads.ordered(ImageMap(autoencoder), "test")
    side, images = payloads.tile_sides(ImageMap(autoencoder))[0], load("digits").split("test")[0]
    response = client.get(f"{address}/sheets/test/own/{side}/0")
    assert response.headers["content-type"] == "image/webp" and "immutable" in response.headers["cache-control"]
    found, across = picture(response)[..., 0], payloads.SHEET // side
    for i in (0, 1, across, len(points) - 1):
        top, left = (i // across) * side, (i % across) * side
        np.testing.assert_array_equal(found[top : top + side, left : left + side], images[points.index[i]])
    assert max(found.shape) <= 4096
    for other in (f"own/{side}/1", f"decoded/{side}/0", "own/999/0"):
        assert client.get(f"{address}/sheets/test/{other}").status_code == 404


def test_images_that_are_not_here_are_decoded(away, autoencoder, client):
    away(autoencoder)
    run = load_run("away")
    found = picture(client.get(f"/kernelviz/runs/away/{caches.version(run)}/sheets/test/decoded/8/0"))
    points, _ = payloads.ordered(ImageMap(run), "test")
    np.testing.assert_array_equal(found[:8, 8:16, 0], decoded_at(run, points.coordinates[1:2])[0])


def test_a_run_without_images_or_a_decoder_has_no_sheets(away, classifier, client):
    away(classifier)
    base = f"/kernelviz/runs/away/{caches.version(load_run('away'))}"
    for part in ("sheets/test/decoded/8/0", "sheets/test/own/8/0"):
        assert client.get(f"{base}/{part}").status_code == 404
    assert client.get(f"{base}/decoder").status_code == 204
    assert client.get(f"{base}/decode", params={"x": 0, "y": 0} | SHAPE).status_code == 400


def test_large_and_oblong_images_fit_into_their_squares():
    wide = np.full((100, 300, 3), 200, np.uint8)
    fitted = payloads._fitted(wide, 128)
    assert fitted.shape == (128, 128, 4) and (fitted[64, :, :3] == 200).all() and not fitted[:40].any()
    small = np.full((3, 5), 9, np.uint8)
    assert payloads._fitted(small, 8).sum() == small.sum()


def test_an_image_is_decoded_as_by_torch(autoencoder, address, client):
    usual = autoencoder.probe
    response = client.get(f"{address}/decode", params={"x": 1.25, "y": -0.5} | usual)
    np.testing.assert_array_equal(picture(response), decoded_at(autoencoder, np.array([[1.25, -0.5]]))[0])


def test_a_walk_is_an_animation_there_and_back(autoencoder, address, client):
    response = client.get(f"{address}/walk", params={"path": "-1_0~2_1.5"} | autoencoder.probe)
    animation = Image.open(io.BytesIO(response.content))
    assert animation.format == "GIF" and animation.size == (224, 224)
    assert response.headers["content-disposition"] == 'attachment; filename="tiny_walk.gif"'
    assert animation.n_frames <= 2 * STEPS - 2  # steps that look the same are one


def test_a_window_is_decoded_as_by_torch_from_the_top_left_on(autoencoder, address, client):
    asked = {"box": "2_1~-1_-1", "n": 6} | autoencoder.probe
    x, y = np.meshgrid(np.arange(-0.75, 2, 0.5), [0.75, 0.25, -0.25, -0.75])
    decoded = decoded_at(autoencoder, np.stack([x.ravel(), y.ravel()], 1).astype(np.float32))
    np.testing.assert_array_equal(
        picture(client.get(f"{address}/window", params=asked)), enlarged(sheet(decoded, 6), 1000)
    )
    response = client.get(f"{address}/window", params=asked | {"as": "gif"})
    assert Image.open(io.BytesIO(response.content)).format == "GIF"
    assert response.headers["content-disposition"] == 'attachment; filename="tiny_window.gif"'


BAD = {
    "points/nonsense": "none of train, validation, test",
    "contours/nonsense": "none of train, validation, test",
    "sheets/nonsense/own/8/0": "none of train, validation, test",
    "decode": "x is a number",
    "decode?x=1&y=nan&width=1&amplitude=1": "y is a number from -8 to 8",
    "decode?x=1&y=1e9&width=1&amplitude=1": "y is a number from -8 to 8",
    "decode?x=1&y=1&width=0&amplitude=1": "above 0",
    "decode?x=1&y=1&width=-inf&amplitude=1": "width is a number",
    "window?box=1_1&n=9&width=1&amplitude=1": "two corners across",
    "window?box=1_1~2_1&n=9&width=1&amplitude=1": "two corners across",
    "window?box=1_1~2_99&n=9&width=1&amplitude=1": "at most 64 corners",
    "window?box=1_1~2_2&n=3&width=1&amplitude=1": "from 4 to 32 pictures",
    "window?box=1_1~2_2&n=33&width=1&amplitude=1": "n is a number from -32 to 32",
    "window?box=1_1~2_2&n=9&as=bmp&width=1&amplitude=1": "is none of png, gif",
    "walk?width=1&amplitude=1": "at least two corners",
    "walk?path=1_1&width=1&amplitude=1": "at least two corners",
    "walk?path=1_1~2&width=1&amplitude=1": "a path is x_y~x_y",
    "walk?path=1_1~2_99&width=1&amplitude=1": "at most 64 corners",
    f"walk?path={'~'.join(['1_1'] * (MAX_CORNERS + 1))}&width=1&amplitude=1": "at most 64 corners",
}


@pytest.mark.parametrize("asked, said", BAD.items())
def test_what_is_not_allowed_is_refused_with_a_reason(asked, said, address, client):
    response = client.get(f"{address}/{asked}")
    assert response.status_code == 400 and said in response.text
    assert response.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    "path",
    [
        "/kernelviz/runs/nothing/1/points/test",
        "/kernelviz/runs/%2e%2e/1/points/test",
        "/kernelviz/runs/tiny/1/points/test",
    ]
    + [f"/kernelviz/canvas/{STAMP}/{name}" for name in ("nothing.mjs", "core/nothing.mjs", "core/", "view.mjs")]
    + [f"/kernelviz/canvas/{STAMP}/{name}" for name in ("..%2f__init__.py", "core/%2e%2e/%2e%2e/__init__.py")]
    + ["/kernelviz/canvas/another/main.mjs", "/kernelviz"],
)
def test_what_is_not_there_is_not_found(path, address, client):
    assert client.get(path).status_code == 404


def test_a_broken_run_is_an_error_that_says_so(add, autoencoder, client, address, no_runs):
    (no_runs / "tiny" / "weights.safetensors").write_bytes(b"no such thing")
    response = client.get(f"{address}/decoder")
    assert response.status_code == 500 and "weights.safetensors" in response.text
    (no_runs / "tiny" / "run.json").write_text("no such thing")
    assert client.get(f"{address}/points/test").status_code == 500


def test_points_are_compressed_and_cached(address, client, autoencoder):
    response = client.get(f"{address}/points/test", headers={"accept-encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip" and "immutable" in response.headers["cache-control"]
    assert response.content == payloads.points_payload(ImageMap(autoencoder), "test")
    assert len(gzip.compress(response.content)) < 20 * len(load_map(autoencoder.folder).of_split("test"))


def test_another_map_of_a_run_has_another_address(add, autoencoder, client, no_runs, address):
    load_map(no_runs / "tiny").save(no_runs / "tiny")
    response = client.get(f"{address}/points/test")
    assert response.status_code == 404 and "reload" in response.text


def test_the_scripts_are_served(client):
    for name, source in SCRIPTS.items():
        response = client.get(f"/kernelviz/canvas/{STAMP}/{name}")
        assert response.content == source and response.headers["content-type"].startswith("text/javascript")


SMALL = {"encoder": (64, 64), "decoder": (64,), "grid": (20, 20)}  # as "tiny" has it


class Convolving(EmbeddingNetwork):
    """An embedding network with a decoder that is not of dense layers."""

    def __init__(self, *shape, **arguments):
        super().__init__(*shape, **arguments)
        pixels = self.decoder[-1].out_features
        dense = nn.Linear(self.grid.size, pixels)
        self.decoder = nn.Sequential(dense, nn.Unflatten(1, (1, -1)), nn.Conv1d(1, 1, 3, padding=1), nn.Flatten())


@pytest.fixture
def convolving(add, autoencoder, no_runs, monkeypatch):
    """The run "conv", whose decoder the page cannot run itself."""
    from kernelviz.storage.weights import save_weights

    monkeypatch.setitem(NETWORKS, "convolving", Convolving)
    monkeypatch.setitem(record.KINDS, "convolving", EmbeddingRun)
    folder = add(autoencoder, "conv", network=autoencoder.network | {"name": "convolving"})
    sha256 = save_weights(Convolving(autoencoder.image_shape, **SMALL), folder)
    replace(load_run("conv"), weights_sha256=sha256).save()
    return load_run("conv")


def test_the_server_runs_a_decoder_that_the_page_cannot_run(convolving, client):
    base = f"/kernelviz/runs/conv/{caches.version(convolving)}"
    assert dense_layers(network_of(convolving).decoder) is None
    assert client.get(f"{base}/decoder").status_code == 204
    response = client.get(f"{base}/decode", params={"x": 0.5, "y": 1} | SHAPE)
    assert picture(response).shape == (8, 8)


def test_the_layers_of_a_dense_decoder(autoencoder):
    layers = dense_layers(network_of(autoencoder).decoder)
    assert [weight.shape for weight, _ in layers] == [(64, 400), (64, 64)]
    assert dense_layers(nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 4))) is None
    assert dense_layers(nn.Sequential(nn.Linear(2, 3), nn.ReLU())) is None
    assert dense_layers(nn.Linear(2, 3)) is None


def test_steps_along_a_path_are_equally_long():
    steps = steps_along(corners_of("0_0~3_0~3_1", 8.0))
    assert len(steps) == STEPS and steps[0].tolist() == [0, 0] and steps[-1].tolist() == [3, 1]
    lengths = np.abs(np.diff(steps, axis=0)).sum(1)
    np.testing.assert_allclose(lengths, 4 / (STEPS - 1))
    assert (steps_along(corners_of("1_1~1_1", 8.0)) == 1).all()
    assert corners_of("", 8.0).shape == (0, 2)
