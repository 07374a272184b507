"""Blocks on both engines: the numbers of one process, stopped passes that go on, and workers that die."""

import json
import os
import signal
import sys
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pyarrow import fs

from kernelviz.blocks import cutting, engines
from kernelviz.blocks.cutting import blocks_of
from kernelviz.blocks.output import Manifest, Output
from kernelviz.blocks.placing import FEATURES, SCHEMA, Placer
from kernelviz.data.batches import pixels
from kernelviz.errors import UserError
from kernelviz.evaluation.inference import embed
from kernelviz.networks import EmbeddingNetwork
from kernelviz.sources.reading import read_source
from kernelviz.storage.calibration import load_calibration
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network

RUN, ON_BACKBONE = "digits-neighbours", "cifar10-resnet32-kept11"  # that travel with the package
PICTURES, BLOCK = 10, 4


@pytest.fixture(autouse=True)
def four_in_a_block(monkeypatch):
    monkeypatch.setattr(cutting, "PER_BLOCK", BLOCK)


@pytest.fixture
def source(tmp_path, digits):
    """A folder of PICTURES pictures and a text, in three blocks."""
    folder = tmp_path / "source"
    folder.mkdir()
    for number, digit in enumerate(digits.test_images[:PICTURES]):
        Image.fromarray(digit.repeat(4, 0).repeat(4, 1)).save(folder / f"{number:02d}.png")
    (folder / "z.txt").write_text("no picture")
    return folder


def placer_of(name, folder):
    run = load_run(name)
    output = Output(fs.LocalFileSystem(), str(folder))
    output.claim(Manifest(run.name, "", "", 3))
    return Placer(run, load_network(run), load_map(run.folder), load_calibration(run.folder), output)


def items(folder):
    return pd.read_parquet(folder / "items")


def test_the_engine_gives_the_numbers_of_one_process(kernelviz, source, tmp_path):
    out = tmp_path / "out"
    code, said, _ = kernelviz("embed", RUN, source, "--engine", "local", "--out", out, "--json")
    assert code == 0
    assert json.loads(said) == {"run": RUN, "folder": str(out), "images": PICTURES, "refused": 1}
    kernelviz("embed", RUN, source, "--out", tmp_path / "one.parquet")
    one = pd.read_parquet(tmp_path / "one.parquet")
    pd.testing.assert_frame_equal(items(out), one, check_dtype=False, rtol=1e-4)
    assert items(out)[["x", "y"]].equals(one[["x", "y"]])
    refused = pd.read_parquet(out / "refused")
    assert refused["name"].tolist() == [str(source / "z.txt")] and "not a picture" in refused["reason"][0]


def test_a_stopped_pass_goes_on_where_it_was(kernelviz, source, tmp_path, monkeypatch):
    out = tmp_path / "out"
    whole = Placer.__call__

    def stopped(self, number, block):
        if number == 1:
            raise KeyboardInterrupt
        return whole(self, number, block)

    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setattr(Placer, "__call__", stopped)
    words = ("embed", RUN, source, "--engine", "local", "--out", out)
    code, _, errors = kernelviz(*words)
    assert code == 130 and "the same command goes on" in errors
    monkeypatch.setattr(Placer, "__call__", whole)
    before = {path.name: path.stat().st_mtime_ns for path in (out / "items").iterdir()}
    assert "part-00000000.parquet" in before and "part-00000001.parquet" not in before
    assert kernelviz(*words)[0] == 0
    after = {path.name: path.stat().st_mtime_ns for path in (out / "items").iterdir()}
    assert len(after) == 3 and before.items() <= after.items() and len(items(out)) == PICTURES
    (source / "00.png").unlink()
    code, _, errors = kernelviz(*words)
    assert code == 2 and "another source, or files that have changed" in errors


def test_a_store_gives_the_numbers_of_a_folder_and_takes_the_parts(kernelviz, source, tmp_path):
    memory = fsspec.filesystem("memory")
    memory.put(str(source), "/pictures", recursive=True)
    words = ("embed", RUN, "fsspec+memory://pictures", "--engine", "local", "--json", "--out")
    said = {"run": RUN, "folder": "fsspec+memory://out", "images": PICTURES, "refused": 1}
    try:
        for _ in range(2):  # the second finds all done
            code, written, _ = kernelviz(*words, "fsspec+memory://out")
            assert code == 0 and json.loads(written) == said
        code, _, errors = kernelviz(*words, "fsspec+memory://pictures/out")
        assert code == 2 and "would be read as a part of it" in errors
        memory.get("/out", str(tmp_path / "out"), recursive=True)
    finally:
        memory.store.clear()
    kernelviz("embed", RUN, source, "--engine", "local", "--out", tmp_path / "here")
    there, here = items(tmp_path / "out"), items(tmp_path / "here")
    assert there["name"].str.removeprefix("fsspec+memory:///pictures").tolist() == [
        name.removeprefix(str(source)) for name in here["name"]
    ]
    pd.testing.assert_frame_equal(there.drop(columns="name"), here.drop(columns="name"))


@pytest.mark.parametrize(
    "words", [("embed", RUN), ("map",), ("map", "--name", RUN, "--add")], ids=lambda words: words[-1]
)
def test_an_address_without_an_engine_is_refused_and_not_repeated(kernelviz, words):
    code, said, errors = kernelviz(*words, "s3://name:secret@bucket/a")
    assert code == 2 and "add --engine local --out FOLDER" in errors and "secret" not in said + errors


def test_the_columns_of_a_part_are_those_of_the_table(source, tmp_path):
    placer = placer_of(RUN, tmp_path / "out")
    blocks = blocks_of([str(source), str(source / "z.txt")])
    assert list(engines.locally(placer, enumerate(blocks))) == [4, 4, 4]
    schemas = {pq.read_schema(path) for path in (tmp_path / "out" / "items").iterdir()}
    assert schemas == {SCHEMA}


def test_a_map_takes_the_features(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (6, 32, 32, 3), np.uint8)
    (tmp_path / "source").mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "source" / f"{number}.png")
    placer = placer_of(ON_BACKBONE, tmp_path / "out")
    assert list(engines.locally(placer, enumerate(blocks_of([str(tmp_path / "source")])))) == [4, 2]
    found = items(tmp_path / "out")
    network = placer.network
    assert np.array_equal(found[["x", "y"]].to_numpy(), embed(network, images).coordinates)
    listing = read_source(tmp_path / "out")
    expected = network.backbone(pixels(images)).flatten(1).numpy()
    assert listing.vectors == pytest.approx(expected, rel=1e-3, abs=1e-3) and len(listing) == 6
    assert FEATURES not in listing.table.columns


def test_vectors_are_placed_and_what_is_none_is_refused(tmp_path):
    vectors = np.random.default_rng(0).random((7, 5), np.float32)
    (tmp_path / "source").mkdir()
    np.save(tmp_path / "source" / "a.npy", vectors)
    (tmp_path / "source" / "b.png").write_bytes(b"no vector")
    (tmp_path / "source" / "spoilt.npy").write_bytes(b"\x93NUMPY spoilt")
    np.save(tmp_path / "source" / "longer.npy", np.zeros((3, 6), np.float32))
    placer = placer_of(RUN, tmp_path / "out")
    sizes = {"encoder": (8, 8), "decoder": (8,), "grid": (10, 10)}
    network = EmbeddingNetwork((1, 1, 5), of_vectors=True, **sizes).eval().requires_grad_(False)
    run = replace(placer.run, network={"name": "embedding", "arguments": network.arguments})
    placer = replace(placer, run=run, network=network, usual=None)
    assert list(engines.locally(placer, enumerate(blocks_of([str(tmp_path / "source")])))) == [1, 7, 1, 1]
    expected = embed(network, vectors[:, None]).coordinates
    assert np.array_equal(items(tmp_path / "out")[["x", "y"]].to_numpy(), expected)
    refused = pd.read_parquet(tmp_path / "out" / "refused")
    assert [Path(name).name for name in refused["name"]] == ["b.png", "longer.npy", "spoilt.npy"]
    said = "the map is one of vectors; give", "[n, 5]; these are [3, 6]", "spoilt.npy is damaged"
    assert all(part in reason for part, reason in zip(said, refused["reason"], strict=True))


def test_without_a_folder_or_ray_it_says_what_to_do(kernelviz, source, tmp_path, monkeypatch):
    code, _, errors = kernelviz("embed", RUN, source, "--engine", "local")
    assert code == 2 and "--engine writes a folder; name it with --out" in errors
    code, _, errors = kernelviz("embed", RUN, source, "--engine", "local", "--out", source / "out")
    assert code == 2 and "would be read as a part of it; give another --out" in errors
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    code, _, errors = kernelviz("embed", RUN, source, "--engine", "ray", "--out", tmp_path / "out")
    assert code == 2 and 'pip install "kernelviz[ray]"' in errors


@dataclass
class Mortal(Placer):
    """A placer whose worker dies once, at block 1, and that refuses block 2 if it has something to say of it."""

    mark: Path = Path()
    says: str = ""

    def __call__(self, number, block):
        if number == 2 and self.says:
            raise UserError(self.says)
        if number == 1 and not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(number, block)


@pytest.mark.slow
def test_ray_gives_the_same_numbers_though_a_worker_dies(source, tmp_path, monkeypatch):
    if not find_spec("ray"):
        pytest.skip("needs Ray (pip install kernelviz[ray])")
    for name, value in engines.QUIET.items():
        monkeypatch.setenv(name, value)
    import ray

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers do not know this file
    blocks = list(enumerate(blocks_of([str(source)])))
    here, there = placer_of(RUN, tmp_path / "here"), placer_of(RUN, tmp_path / "there")
    list(engines.locally(here, blocks))
    mortal = Mortal(**vars(there), mark=tmp_path / "died")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        assert sorted(engines.on_ray(mortal, blocks)) == [3, 4, 4]
        with pytest.raises(UserError, match="^a store is silent$"):
            list(engines.on_ray(replace(mortal, says="a store is silent"), blocks))
    finally:
        ray.shutdown()
    assert (tmp_path / "died").exists()
    pd.testing.assert_frame_equal(items(tmp_path / "there"), items(tmp_path / "here"))
    assert len(pd.read_parquet(tmp_path / "there" / "refused")) == 1
