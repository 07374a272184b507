"""One pass over pictures: what is kept of it, what is not done twice, and what cannot be read."""

import io
from dataclasses import asdict, replace

import numpy as np
import pytest
from PIL import Image

from kernelviz.data.pictures import directions, prepare, preparing
from kernelviz.data.pictures.content_cache import ContentCache
from kernelviz.data.pictures.reading import Reader
from kernelviz.errors import UserError
from kernelviz.ingest.preprocessing import Preprocess
from kernelviz.sources.reading import read_source
from kernelviz.storage.weights import pretrained_backbone

SIDE = 32


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_DATA", str(tmp_path / "data"))


@pytest.fixture
def passes(monkeypatch):
    """The number of pictures in every pass through the backbone."""
    made, compute = [], Reader.compute
    monkeypatch.setattr(
        Reader,
        "compute",
        lambda self, fresh, views: made.append(len(fresh)) or compute(self, fresh, views),
    )
    return made


def prepared(source, **changed):
    settings = {"decoded": 24, "views": 2, "validation": 1 / 6, "test": 0.2, "device": "cpu"} | changed
    backbone = pretrained_backbone("resnet32", "", "features")
    return prepare(read_source(source), backbone, Preprocess("crop", SIDE, SIDE, 3), **settings)


def test_the_rows_are_in_the_order_of_a_map(photographs):
    pictures = prepared(photographs)
    assert len(pictures) == 36 and (np.diff(pictures.splits) >= 0).all()
    assert pictures.classes == ("blue", "green", "red") and pictures.features.shape[:2] == (36, 2)
    assert pictures.images.shape == (36, 24, 24, 3) and pictures.image_shape == (3, SIDE, SIDE)
    assert sum(len(pictures.split(name)[1]) for name in ("train", "validation", "test")) == 36
    for name, file, label in zip(pictures.table["name"], pictures.table["file"], pictures.labels, strict=True):
        assert name.split("/")[0] == pictures.classes[label] and file == str(photographs / name)
    strongest = pictures.images.mean((1, 2)).argmax(1)  # each class has its colour
    assert (strongest == 2 - pictures.labels).all()


def test_small_pictures_are_whole(photographs):
    sizes = {Image.open(io.BytesIO(data)).size for _, data in prepared(photographs).small_pictures()}
    assert sizes == {(90, 70), (70, 120)}
    Image.new("RGB", (1000, 200)).save(photographs / "wide.png")
    sizes = {Image.open(io.BytesIO(data)).size for _, data in prepared(photographs).small_pictures()}
    assert max(sizes) == (256, 51)


def test_nothing_is_computed_twice(photographs, passes):
    first = prepared(photographs)
    assert sum(passes) == 36
    again = prepared(photographs)
    assert sum(passes) == 36 and (again.features == first.features).all()
    (photographs / "red").rename(photographs / "crimson")  # other names, the same contents
    Image.new("RGB", (80, 80), "white").save(photographs / "blue" / "new.png")
    assert len(prepared(photographs)) == 37 and sum(passes) == 37


def test_a_pass_that_is_stopped_goes_on_where_it_was(photographs, passes, monkeypatch):
    monkeypatch.setattr(preparing, "STORED", 8)

    def stop(share, note):
        if share > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepared(photographs, progress=stop)
    done = len(ContentCache().known(read_source(photographs).stamps))
    assert 8 <= done < 36
    before = sum(passes)
    prepared(photographs)
    assert sum(passes) - before == 36 - done


def test_what_cannot_be_read_is_left_out_and_named(photographs):
    (photographs / "red" / "torn.png").write_bytes(b"no picture")
    pictures = prepared(photographs)
    assert len(pictures) == 36 and [one.name for one in pictures.unreadable] == ["red/torn.png"]
    assert [one.name for one in prepared(photographs).unreadable] == ["red/torn.png"]  # known from the cache


def test_two_hundred_identical_pictures(tmp_path, passes):
    folder = tmp_path / "same"
    folder.mkdir()
    for number in range(200):
        Image.new("RGB", (80, 60), "red").save(folder / f"{number}.png")
    pictures = prepared(folder)
    assert len(pictures) == 200 and (pictures.splits == 0).all()
    assert len({row.tobytes() for row in pictures.features}) == 1


def test_too_few_pictures_are_refused_with_the_reasons(tmp_path):
    (tmp_path / "few").mkdir()
    Image.new("RGB", (80, 60)).save(tmp_path / "few" / "one.png")
    (tmp_path / "few" / "other.png").write_bytes(b"")
    with pytest.raises(UserError, match="1 readable pictures.*other.png"):
        prepared(tmp_path / "few")


def test_features_that_would_fill_the_memory_are_on_disk(photographs, monkeypatch):
    inside = prepared(photographs).features
    monkeypatch.setattr(preparing, "IN_MEMORY", 0)
    outside = prepared(photographs).features
    assert isinstance(outside, np.memmap) and (outside == inside).all()


def test_a_picture_alone_has_the_features_that_it_has_among_others(photographs):
    whole = prepared(photographs)
    for path in sorted(photographs.rglob("*.png"))[2:]:
        path.unlink()
    two = prepared(photographs)
    rows = [whole.hashes.index(digest) for digest in two.hashes]
    np.testing.assert_allclose(two.features, whole.features[rows], rtol=0.02, atol=0.02)


def test_what_is_held_out_has_no_other_views_than_itself(photographs):
    pictures = prepared(photographs)
    same = (pictures.features[:, 0] == pictures.features[:, 1]).all(1)
    assert same[pictures.rows("test")].all() and not same[pictures.rows("train")].any()


def test_directions_have_length_one():
    features = np.random.default_rng(0).normal(size=(10, 3, 5)).astype(np.float16)
    np.testing.assert_allclose(np.linalg.norm(directions(features), axis=1), 1, rtol=1e-5)


def test_facts_are_those_of_an_image_set(photographs):
    facts = prepared(photographs).facts
    assert facts == {
        "name": "photographs",
        "classes": ["blue", "green", "red"],
        "preprocess": asdict(replace(Preprocess("crop", SIDE, SIDE, 3))),
    }
