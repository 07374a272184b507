"""The benchmarks on small sets: their metrics by hand, their files, and what they say where a peer is missing."""

import json
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from kernelviz.benchmarks import blocks, graph, million, novelty, photographs, sketch, ten_million, uploads
from kernelviz.benchmarks.networks import profile, ratings, sparse
from kernelviz.benchmarks.tools import other, peers, whole_map
from kernelviz.evaluation.quality import measured_peers, measured_profile
from tests.conftest import NEAR


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """The embedded digits, padded to 28 x 28, instead of MNIST."""
    from kernelviz.data.images import load

    digits = load("digits")
    arrays = {
        f"{part}_images": np.pad(getattr(digits, f"{part}_images"), ((0, 0), (10, 10), (10, 10)))
        for part in ("train", "test")
    } | {f"{part}_labels": getattr(digits, f"{part}_labels") for part in ("train", "test")}
    monkeypatch.setenv("KERNELVIZ_DATA", str(tmp_path))
    np.savez(tmp_path / "mnist.npz", **arrays)


def by_label(module, train, seed):
    """A peer that fits at once, embeds for half a second, and puts everything on the brightest pixels' mean."""

    def place(test):
        time.sleep(0.5)
        return test @ axes()

    return train @ axes(), place


def axes():
    x, y = np.meshgrid(np.linspace(-1, 1, 28), np.linspace(-1, 1, 28))
    return np.stack([x.ravel(), y.ravel()], axis=1)


@pytest.fixture
def one_peer(monkeypatch):
    monkeypatch.setattr(peers, "PEERS", {"numpy": by_label})
    monkeypatch.setattr(peers, "MODULES", {"numpy": "numpy"})
    monkeypatch.setattr(peers, "OURS", ())  # their maps are of the whole set


def test_a_peer_is_measured_on_the_test_images_and_stored(small_mnist, one_peer, kernelviz):
    code, out, _ = kernelviz("bench", "peers", "--json")
    (row,) = json.loads(out)["peers"]["rows"]
    assert row["continuity"] > 0.5 and -1 < row["rank_correlation"] < 1
    assert row["map_1nn_sd"] == row["map_5nn_sd"] == 0  # of three seeds that are alike
    assert code == 0 and row["method"] == f"numpy {np.__version__}"
    assert 0.15 < row["map_1nn"] < 0.6 and 0.15 < row["map_5nn"] < 0.6  # chance is 0.1
    assert row["fit_seconds"] < 0.5 <= row["embed_seconds"]
    assert measured_peers() == [{name: row[name] for name in ("method", "map_1nn", "map_5nn")}]


def test_a_table_for_people(small_mnist, one_peer, kernelviz):
    code, out, _ = kernelviz("bench", "peers")
    assert code == 0 and "map_5nn" in out and "Measured on" in out


def test_a_peer_that_is_not_installed_is_said_before_anything_is_fitted(small_mnist, one_peer, monkeypatch, kernelviz):
    monkeypatch.setattr(peers, "PEERS", {"numpy": by_label, "nosuch": by_label})
    monkeypatch.setattr(peers, "MODULES", {"numpy": "numpy", "nosuch": "nosuch_module"})
    code, out, error = kernelviz("bench", "peers")
    assert code == 2 and not out
    assert "nosuch is not installed" in error and "`pip install nosuch`" in error


def test_a_network_is_left_out_where_it_is_missing_and_has_one_seed(small_mnist, one_peer, monkeypatch, kernelviz):
    monkeypatch.setattr(peers, "PEERS", {"numpy": by_label, "nosuch": by_label})
    monkeypatch.setattr(peers, "NEEDED", {"numpy": "numpy", "nosuch": "nosuch_module"})
    report = json.loads(kernelviz("bench", "peers", "--json")[1])["peers"]
    (row,) = report["rows"]
    assert row["method"] == f"numpy {np.__version__}" and "map_5nn_sd" not in row
    assert report["notes"][-1] == "Without nosuch, which needs the module nosuch_module."


@pytest.mark.parametrize("content", ["", "[]", '{"rows": [{"method": "x"}]}', '{"rows": 3}', "garbage"])
def test_spoilt_measurements_are_none(tmp_path, monkeypatch, content):
    monkeypatch.setenv("KERNELVIZ_RUNS", str(tmp_path))
    (tmp_path / "peers.json").write_text(content)
    assert measured_peers() == []


def test_the_graph_beside_the_exact_one(small_mnist, kernelviz):
    code, out, _ = kernelviz("bench", "graph", "--json")
    searched, exact = json.loads(out)["graph"]["rows"]
    assert code == 0 and exact["found"] == exact["times exact"] == 1
    assert searched["found"] > 0.95
    assert searched["times exact"] == pytest.approx(searched["seconds"] / exact["seconds"])


def test_recall_by_hand():
    true, found = np.array([[1, 2], [3, 4]], np.int32), np.array([[2, 9], [4, 3]], np.int32)
    assert graph.recall(found, true) == 0.75


@pytest.mark.parametrize(("name", "module"), [("million", million), ("ten-million", ten_million)])
def test_millions_that_are_three_hundred(monkeypatch, kernelviz, name, module):
    monkeypatch.setattr(module, "N", 300)
    monkeypatch.setattr(million, "ASKED", 50)
    monkeypatch.setattr(million, "AT_ONCE", 120)
    code, out, _ = kernelviz("bench", name, "--json")
    (row,) = json.loads(out)[name]["rows"]
    assert code == 0 and row["found"] == 1 and 0.05 < row["peak_GB"] < 20


@pytest.fixture
def small_profile(monkeypatch, bottom, shared, coloured):
    """Two depths of the tests' own ResNet, instead of the ResNet-32 on CIFAR-10."""
    recipe = replace(
        profile.RECIPE,
        data=str(shared / "coloured.npz"),
        weights=str(bottom.folder / "weights.safetensors"),
        network={"encoder": (50,), "decoder": (), "grid": (15, 15)},
        epochs=1,
    )
    monkeypatch.setattr(profile, "RECIPE", recipe)
    monkeypatch.setattr(profile, "DEPTHS", (1, 5))


def test_every_depth_is_measured_once(small_profile, bottom, kernelviz, monkeypatch):
    code, out, _ = kernelviz("bench", "profile", "--json")
    rows = json.loads(out)["profile"]["rows"]
    assert code == 0 and [row["layers"] for row in rows] == [1, 5]
    assert measured_profile(bottom.weights_sha256) == rows and measured_profile("another") == []
    assert all(0.05 < row["test_accuracy"] < 1 and -1 < row["silhouette"] < 1 for row in rows)
    monkeypatch.setattr(profile, "new_training", lambda *_: pytest.fail("measured again"))
    assert json.loads(kernelviz("bench", "profile", "--json")[1])["profile"]["rows"] == rows


def test_files_are_embedded_and_timed(kernelviz, monkeypatch):
    pictures = {name: uploads.PICTURES[name] for name in list(uploads.PICTURES)[1:]}  # the first are MNIST's
    monkeypatch.setattr(uploads, "PICTURES", pictures)
    monkeypatch.setattr(sketch, "EACH", 2)
    code, out, _ = kernelviz("bench", "uploads", "--json")
    rows = json.loads(out)["uploads"]["rows"]
    assert code == 0 and [row["files"] for row in rows] == [20, 1]
    for row in rows:
        assert row["files_per_second"] == pytest.approx(row["files"] / row["seconds"]) and row["times_Pillow"] > 0


@pytest.mark.slow
def test_strokes_on_a_pad_are_read(small_mnist, kernelviz, monkeypatch):
    monkeypatch.setattr(sketch, "EACH", 3)
    code, out, _ = kernelviz("bench", "sketch", "--json")
    test, again, strokes = json.loads(out)["sketch"]["rows"]
    assert code == 0 and test["images"] == again["images"] == 297 and strokes["images"] == 30
    assert strokes["accuracy"] > 0.9 and 0.1 < again["accuracy"] <= 1  # strangers to the network, 8 x 8 pixels


@pytest.mark.slow
def test_training_on_many_ratings_is_measured_in_processes_of_their_own(kernelviz, monkeypatch):
    monkeypatch.setattr(ratings, "USERS", 40)
    monkeypatch.setattr(ratings, "ITEMS", 30)
    monkeypatch.setattr(ratings, "N", 300)
    monkeypatch.setattr(ratings, "METHODS", {name: ratings.METHODS[name] for name in ("read only", "L-BFGS-B")})
    rows = json.loads(kernelviz("bench", "ratings", "--json")[1])["ratings"]["rows"]
    assert [row["method"] for row in rows] == list(ratings.METHODS)
    assert 0.05 < rows[0]["peak_GB"] <= rows[1]["peak_GB"] < 5  # the same where these tests, their parent, take more
    assert all(row["seconds"] > 0 for row in rows)


def test_a_sparse_layer_is_as_large_as_what_is_left_of_it(kernelviz, monkeypatch):
    monkeypatch.setattr(sparse, "SIZES", (60, 90))
    monkeypatch.setattr(sparse, "DENSITIES", (0.25, 1.0))
    rows = json.loads(kernelviz("bench", "sparse", "--json")[1])["sparse"]["rows"]
    assert [row["items"] for row in rows] == [1, 256, 1, 256]
    for row in rows:
        size = round(row["density"] * 60 * 90)
        assert row["bytes ratio"] == pytest.approx((8 * size + 4 * 91) / (4 * 60 * 90))  # a value and an index of each
        assert row["time ratio"] == pytest.approx(row["sparse ms"] / row["dense ms"])
    assert rows[0]["density"] == pytest.approx(0.25, abs=0.01) and rows[2]["density"] == 1


@pytest.mark.slow
def test_photographs_are_read_and_mapped_twice(monkeypatch, own_folders):
    monkeypatch.setattr(photographs, "PICTURES", 12)
    monkeypatch.setattr(photographs, "SCENES", 4)
    chosen = photographs.chosen_recipe
    monkeypatch.setattr(
        photographs, "chosen_recipe", lambda *given: (replace(chosen(*given)[0], epochs=1, decoded=8), "")
    )
    said = []
    rows = photographs.report(said.append)["rows"]
    assert [row["what"].split(",")[0] for row in rows] == [
        *("decoding", "features", "together", "together"),
        *("first training", "second training"),
    ]
    assert all(row["value"] > 0 for row in rows) and any("known from before" in one for one in said)


@pytest.mark.slow
def test_a_whole_map_is_measured_beside_the_others(monkeypatch):
    """Of red and blue pictures: the map of any two features of theirs tells them apart."""
    labels = np.arange(120) % 2
    images = np.random.default_rng(0).integers(0, 60, (120, 32, 32, 3), np.uint8)
    images[labels == 0, ..., 0] += 180
    images[labels == 1, ..., 2] += 180
    monkeypatch.setattr(whole_map, "load", lambda name: SimpleNamespace(split=lambda part: (images, labels)))
    monkeypatch.setattr(whole_map, "alone", lambda work, *given: work(*given))
    for module in (peers, whole_map):
        monkeypatch.setattr(module, "PEERS", {"numpy": lambda _, known, seed: (known[:, :2], lambda new: new[:, :2])})
    monkeypatch.setitem(peers.MODULES, "numpy", "numpy")
    chosen = whole_map.chosen_recipe
    monkeypatch.setattr(whole_map, "chosen_recipe", lambda *given: (replace(chosen(*given)[0], epochs=1), ""))
    rows = whole_map.report(lambda note: None)["rows"]
    assert [row["map"] for row in rows] == ["features alone", "kernelviz map", f"numpy {np.__version__}"]
    assert rows[0]["map_1nn"] == 1 and rows[0]["new, s"] is None and 5 < rows[0]["new"] < 60
    assert all(row["fit, s"] > 0 and row["peak_GB"] > 0.1 and row["map_1nn"] > 0.4 for row in rows)


def test_novel_pictures_are_told_from_digits(monkeypatch):
    from kernelviz.storage.store import load_run

    for name, few in {"CROPS": 1, "SIZES": (48,), "EACH": 2}.items():
        monkeypatch.setattr(novelty, name, few)
    run = load_run("digits-neighbours")
    monkeypatch.setattr(novelty, "readable_runs", lambda: ([run], []))
    said = []
    report = novelty.report(said.append)
    (row,) = report["rows"]
    assert row["run"] == said[0] == "digits-neighbours" and row["class scores"] == "–"
    assert float(row["all"]) > 90 and float(row["test images"]) <= 5 and float(row["plain"]) == 100


def test_blocks_are_measured_beside_one_table(monkeypatch, digits):
    def write(folder):
        for number, pixels in enumerate(digits.test_images[:200]):
            Image.fromarray(pixels).save(folder / f"{number:03d}.png")

    monkeypatch.setattr(blocks, "find_spec", lambda name: None)
    monkeypatch.setattr(blocks, "SOURCES", {"digits": ("digits-neighbours", write)})
    rows = blocks.report(lambda note: None)["rows"]
    assert [row["way"] for row in rows] == ["one table", "local"] and rows[0]["times one table"] == 1
    assert all(row["seconds"] > 0 and row["a second"] > 0 for row in rows)


def test_sets_made_by_code_are_the_same_each_time_and_of_every_class():
    for made, classes in ((other.glyphs, other.GLYPHS), (other.textures, other.TEXTURES)):
        (images, labels), (again, _) = made(200, 0), made(200, 0)
        assert images.shape == (200, 28, 28) and images.dtype == np.uint8 and (images == again).all()
        assert set(labels) == set(range(len(classes)))
        assert (images != made(200, 1)[0]).any()
        assert (np.ptp(images, axis=(1, 2)) > 60).all()  # nothing is blank


def test_each_way_is_measured_on_each_other_set(monkeypatch, digits):
    of_labels = SimpleNamespace(TSNE=lambda random_state: SimpleNamespace(fit=lambda train: Fixed(train[:, :2])))
    monkeypatch.setattr(other, "installed", lambda name: of_labels)
    monkeypatch.setattr(other, "sets", lambda: iter([digits]))
    monkeypatch.setattr(other, "grey_recipe", lambda n: replace(NEAR, epochs=1))
    rows = other.report(lambda note: None)["rows"]
    ways = ["50 principal components", "oriented gradients", "openTSNE on these"]
    assert [row["by"] for row in rows] == [*ways, "kernelviz map"]
    assert all(row["set"] == "digits" and row["images"] == 1250 for row in rows)
    assert all(0.9 < row["1nn"] <= 1 and 0.9 < row["5nn"] <= 1 for row in rows[:2])
    assert 0.1 < rows[2]["5nn"] < 0.9  # two numbers of many


class Fixed(np.ndarray):
    """Coordinates that place others by their own first two numbers."""

    def __new__(cls, rows):
        return np.asarray(rows).view(cls)

    def transform(self, rows):
        return rows[:, :2]
