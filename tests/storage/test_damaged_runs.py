"""Every file of a run, cut short, changed, claiming too much or made up: it opens, or one line says why not."""

import json
import shutil
import struct
import time

import numpy as np
import pyarrow as pa
import pytest
from faults import KINDS, tried
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from pydantic import TypeAdapter

from kernelviz.disk import own_file
from kernelviz.storage import embedding_map, item_table, items, parquet_file
from kernelviz.storage.calibration import load_calibration
from kernelviz.storage.epochs import load_epochs
from kernelviz.storage.record import BrokenRun, EmbeddingRun, RecommenderRun, Run, new_run, read_run
from kernelviz.storage.weights import load_network


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_file_opens_or_one_line_says_why(kind, tmp_path):
    opened, refused, slowest, bad = tried(kind, 4, 8, 0, tmp_path)
    assert not bad and opened + refused == 12 and slowest < 20


def claiming(shape, length=None, offsets=None):
    """A file of tensors that says to have one of that shape."""
    header = {"x": {"dtype": "F32", "shape": shape, "data_offsets": offsets or [0, 8]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + bytes(8)


CLAIMS = {
    "a shape of more than there is": claiming([10**9, 10**9]),
    "a shape that overflows": claiming([2**62, 16]),
    "a negative shape": claiming([-2]),
    "data behind its end": claiming([2], offsets=[0, 10**15]),
    "a header of an exabyte": claiming([2], length=2**60),
    "a header of 90 MB": claiming([2], length=90_000_000),
    "a header that is no JSON": struct.pack("<Q", 100_000) + b"[" * 100_000,
}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_tensors_that_claim_too_much(claim, add_damaged):
    folder = add_damaged("digits-autoencoder")
    for name, load in (("epochs", load_epochs), ("novelty", load_calibration), ("weights", of_record)):
        (folder / f"{name}.safetensors").write_bytes(claim)
        start = time.perf_counter()
        with pytest.raises(BrokenRun):
            load(folder)
        assert time.perf_counter() - start < 5


def of_record(folder):
    facts = json.loads((folder / "run.json").read_text()) | {"weights_sha256": "", "folder": folder}
    return load_network(TypeAdapter(EmbeddingRun).validate_python(facts))


@pytest.fixture
def add_damaged(tmp_path):
    return lambda name: shutil.copytree(own_file("pretrained", name), tmp_path / name)


def test_a_small_table_of_many_rows_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_file, "MAX_ROWS", 1000)
    one = pa.table({name: np.zeros(1001, kind) for name, kind in embedding_map.COLUMNS.items()})
    for name, load in (
        ("map.parquet", embedding_map.load_map),
        (items.FILE, items.load_items),
        (item_table.FILE, item_table.load_item_table),
    ):
        parquet.write_table(one, tmp_path / name)
        with pytest.raises(BrokenRun, match="it has 1,001 rows, allowed are 1,000"):
            load(tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda some: st.lists(some, max_size=4) | st.dictionaries(st.text(max_size=10), some, max_size=4),
    max_leaves=8,
)


def shipped(name):
    return json.loads(own_file("pretrained", name, "run.json").read_text())


@st.composite
def records(pick):
    """A shipped record in which a few values, at any depth, are others, or gone, or have company."""
    record = shipped(pick(st.sampled_from(["digits-autoencoder", "ml100k-sparse-fc-2", "mnist-grids"])))
    for _ in range(pick(st.integers(1, 3))):
        at = record
        while True:
            keys = sorted(at) if isinstance(at, dict) else range(len(at))
            if not keys:
                break
            key = pick(st.sampled_from(keys))
            if isinstance(at[key], dict | list) and pick(st.booleans()):
                at = at[key]
                continue
            what = pick(st.sampled_from(["other", "gone", "more"]))
            if what == "other":
                at[key] = pick(JSON)
            elif what == "gone":
                del at[key]
            elif isinstance(at, dict):
                at[pick(st.text(max_size=10))] = pick(JSON)
            break
    return record


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(records())
def test_a_record_that_was_edited_is_read_or_refused_in_one_line(tmp_path_factory, record):
    folder = tmp_path_factory.mktemp("edited")
    (folder / "run.json").write_text(json.dumps(record))
    try:
        run = read_run(folder)
    except BrokenRun as error:
        assert "\n" not in str(error) and len(str(error)) < 1000
        return
    assert isinstance(run, Run) and run.name and run.aims is not None
    for kind, properties in OF_KINDS.items():
        if isinstance(run, kind):
            for name in properties:
                getattr(run, name)
    assert new_run(folder, record).kind == run.kind
    run.save()
    assert read_run(folder).kind == run.kind


OF_KINDS = {
    EmbeddingRun: ("classes", "validation", "shares", "extent", "decoded_shape", "decodes_images", "has_classifier"),
    RecommenderRun: ("range",),
}
