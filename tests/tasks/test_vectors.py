"""From a file of vectors to a map, and back from its positions to vectors."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import kernelviz as library
from kernelviz.data.listings import listing_of
from kernelviz.data.pictures import vector_set
from kernelviz.errors import UserError
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.item_table import load_item_table
from kernelviz.storage.store import load_run
from kernelviz.storage.thumbnails import content_hashes, has_thumbnails
from kernelviz.tasks.choosing import chosen_recipe, described, expected_seconds

KINDS = ("blue", "green", "red")


@pytest.fixture
def clusters():
    """Vectors of 16 numbers [90, 16] around three directions, and the number of the direction of each."""
    rng = np.random.default_rng(0)
    kinds = np.arange(90) % 3
    return (3 * np.eye(3, 16)[kinds] + 0.3 * rng.normal(size=(90, 16)) + 5 * (kinds == 1)[:, None]).astype("f4"), kinds


@pytest.fixture
def vectors_file(tmp_path, clusters):
    path = tmp_path / "clusters.npz"
    np.savez(path, vectors=clusters[0], labels=np.array(KINDS)[clusters[1]], weight=np.arange(90.0))
    return path


@pytest.fixture
def mapped(kernelviz, vectors_file):
    """The run "clusters"."""
    code, out, err = kernelviz("map", vectors_file, "--epochs", "20", "--json")
    assert code == 0, err
    return json.loads(out), err


@pytest.fixture
def pictured(tmp_path, clusters):
    """A Parquet file of vectors with a picture each, of which one cannot be read."""

    def picture(kind):
        file = io.BytesIO()
        Image.new("RGB", (30, 20), KINDS[kind]).save(file, "PNG")
        return file.getvalue()

    pictures = [picture(kind) if row else b"none" for row, kind in enumerate(clusters[1])]
    path = tmp_path / "pictured.parquet"
    pd.DataFrame({"image": pictures, "embedding": list(clusters[0]), "kind": clusters[1]}).to_parquet(path)
    return path


def test_one_command_leaves_a_run_that_keeps_directions_together(mapped):
    said, err = mapped
    assert "90 vectors of 16 numbers in clusters.npz" in err and "cosine of the vectors" in err
    metrics = said["metrics"]
    assert metrics["map_5nn"] == metrics["features_5nn"] == 1 and metrics["trustworthiness"] > 0.5
    assert metrics["place_mse"] < 0.5 and "test_bce" not in metrics and "test_mse" not in metrics
    run = load_run("clusters")
    assert run.is_of_vectors and run.has_decoder and not run.decodes_images and run.unit == "vectors"
    points, table = load_map(run.folder), load_item_table(run.folder)
    assert len(points) == len(table) == 90 and {"name", "weight"} <= set(table)
    assert len(points.of_split("test")) and np.isfinite(points.error).all() and not has_thumbnails(run.folder)


def test_it_is_evaluated_again_to_the_same_metrics(mapped, kernelviz):
    code, out, _ = kernelviz("evaluate", "clusters", "--json")
    assert code == 0 and json.loads(out) == pytest.approx(mapped[0]["metrics"], rel=1e-4)


def test_vectors_are_embedded_and_decoded(mapped, clusters):
    run, (vectors, kinds) = library.load("clusters"), clusters
    rows = load_item_table(run.record.folder)["name"].astype(int).to_numpy()
    found = run.embed(vectors[rows])
    np.testing.assert_allclose(found.coordinates, run.points.coordinates, atol=1e-4)
    np.testing.assert_array_equal(run.transform(vectors[rows]), found.coordinates)
    decoded = run.decode(found.coordinates)
    assert decoded.shape == (90, 16) and decoded.dtype == np.float32
    assert ((decoded - vectors[rows]) ** 2).mean() < 0.5 * vectors.var(0).mean()
    assert [KINDS.index(one) for one in found.prediction] == kinds[rows].tolist()
    with pytest.raises(UserError, match=r"\[n, 16\]"):
        run.embed(vectors[:, :9])
    with pytest.raises(UserError, match="finite"):
        run.embed(np.full((2, 16), np.nan))


def test_the_command_line_embeds_files_of_vectors(mapped, kernelviz, tmp_path, clusters, photographs):
    np.save(tmp_path / "new.npy", clusters[0][:5])
    code, out, err = kernelviz("embed", "clusters", tmp_path / "new.npy")
    assert code == 0, err
    assert len(pd.read_csv(io.StringIO(out))) == 5
    code, out, _ = kernelviz("embed", "clusters", tmp_path / "new.npy", "--json")
    assert code == 0 and len(json.loads(out)["vectors"]) == 5
    np.save(tmp_path / "short.npy", clusters[0][:5, :4])
    code, _, err = kernelviz("embed", "clusters", tmp_path / "short.npy")
    assert code == 2 and "[n, 16]" in err and len(err.splitlines()) == 1
    code, _, err = kernelviz("embed", "clusters", photographs)
    assert code == 2 and "has no vectors" in err


def test_what_cannot_be_done_with_vectors_is_said(mapped, kernelviz, vectors_file, tmp_path):
    code, _, err = kernelviz("map", "--name", "clusters", "--add", vectors_file)
    assert code == 2 and "kernelviz embed clusters VECTORS" in err
    code, _, err = kernelviz("probe", "clusters", "--at", "0", "0", "--out", tmp_path / "a.png")
    assert code == 2 and "decodes vectors" in err
    code, _, err = kernelviz("map", vectors_file, "--features", "resnet32", "--name", "other")
    assert code == 2 and "no pictures" in err


def test_the_pictures_of_vectors_are_kept_in_the_order_of_the_map(kernelviz, pictured):
    code, _, err = kernelviz("map", pictured, "--epochs", "2", "--labels", "kind")
    assert code == 0, err
    assert "90 pictures" in err and "vector of 16 numbers" in err
    run = load_run("pictured")
    assert run.is_of_vectors and has_thumbnails(run.folder)
    points = load_map(run.folder)
    assert len(content_hashes(run.folder)) == len(points) == 90
    from kernelviz.storage.thumbnails import read_thumbnails

    table, small = load_item_table(run.folder), read_thumbnails(run.folder, range(90))
    for name, kind, picture in zip(table["name"], points.label, small, strict=True):
        if name == "0":
            assert picture == b""
        else:
            expected = Image.new("RGB", (1, 1), KINDS[kind]).getpixel((0, 0))
            assert Image.open(io.BytesIO(picture)).convert("RGB").getpixel((5, 5)) == expected


def test_pictures_with_vectors_can_be_compared_by_either(pictured, photographs, tmp_path):
    listing = listing_of(str(pictured))
    recipe, reason = chosen_recipe(str(pictured), listing, None, None, None, None)
    assert recipe.backbone is None and recipe.views == 1 and "--features" in reason
    assert expected_seconds(recipe, 90) > 0
    assert chosen_recipe(str(pictured), listing, None, "resnet32", None, None)[0].backbone == "resnet32"
    boxes = tmp_path / "boxes.parquet"
    table = pd.read_parquet(pictured)
    table.assign(embedding=[row[:4] for row in table["embedding"]]).to_parquet(boxes)
    few = listing_of(str(boxes))
    assert chosen_recipe(str(boxes), few, None, None, None, None)[0].backbone
    assert chosen_recipe(str(boxes), few, None, "vectors", None, None)[0].backbone is None
    assert "with a vector of 4 numbers for each" in described(few, None)[0]
    with pytest.raises(UserError, match="has no vectors"):
        chosen_recipe(str(photographs), listing_of(str(photographs)), None, "vectors", None, None)


def test_equal_vectors_share_a_split_and_one_vector_is_too_few(tmp_path, clusters):
    np.save(tmp_path / "twice.npy", np.concatenate([clusters[0]] * 2))
    both = vector_set(listing_of(str(tmp_path / "twice.npy")), validation=0.2, test=0.2)
    splits = dict(zip(both.hashes, both.splits, strict=True))
    assert all(splits[digest] == split for digest, split in zip(both.hashes, both.splits, strict=True))
    np.testing.assert_array_equal(both.features[:, 0], np.concatenate([clusters[0]] * 2)[both.listed])
    np.save(tmp_path / "one.npy", clusters[0][:1])
    with pytest.raises(UserError, match="at least 2"):
        vector_set(listing_of(str(tmp_path / "one.npy")), validation=0.2, test=0.2)
