"""The folder of parts: claimed once, gone on with, and refused to anything else."""

import json
import os
import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import fs

from kernelviz.blocks.output import OLD, Manifest, Output, hash_of_run
from kernelviz.errors import UserError
from kernelviz.ingest.files import RejectedFile

MANIFEST = Manifest("tiny", "aa", "bb", 3)


@pytest.fixture
def output(tmp_path):
    made = Output(fs.LocalFileSystem(), str(tmp_path / "out"))
    made.claim(MANIFEST)
    return made


def test_a_block_is_done_when_its_part_is_there(output, tmp_path):
    assert output.done() == set() and output.counts() == (0, 0)
    output.write(0, pa.table({"x": [1.0, 2.0]}), [])
    output.write(2, pa.table({"x": [3.0]}), [RejectedFile("a.txt", "no picture")])
    assert output.done() == {0, 2} and output.counts() == (3, 1)
    assert sorted(path.name for path in (tmp_path / "out" / "refused").iterdir()) == ["part-00000002.parquet"]
    output.write(2, pa.table({"x": [4.0]}), [])  # again, as after the death of a worker
    assert output.counts() == (3, 1)


def test_it_goes_on_with_its_own_and_removes_what_was_half_written(output, tmp_path):
    output.write(1, pa.table({"x": [1.0]}), [])
    half = tmp_path / "out" / "items" / ".part-00000000.parquet.abc"
    half.write_bytes(b"half")
    output.claim(MANIFEST)
    assert output.done() == {1} and half.exists()  # another process may be writing it
    os.utime(half, (time.time() - OLD - 60,) * 2)
    output.claim(MANIFEST)
    assert output.done() == {1} and not half.exists()


def test_what_others_have_put_into_it_is_not_read_and_a_damaged_part_is_told(output, tmp_path):
    output.write(0, pa.table({"x": [1.0]}), [])
    items = tmp_path / "out" / "items"
    (items / "notes.txt").write_text("mine")
    (items / "part-00000001.parquet.d").mkdir()
    assert output.counts() == (1, 0)
    (items / "part-00000001.parquet").write_text("junk")
    with pytest.raises(UserError, match="part-00000001.parquet is damaged; delete it"):
        output.counts()


def test_a_link_in_place_of_a_part_is_replaced_and_not_followed(output, tmp_path):
    (tmp_path / "own.txt").write_text("mine")
    (tmp_path / "out" / "items" / "part-00000000.parquet").symlink_to(tmp_path / "own.txt")
    output.write(0, pa.table({"x": [1.0]}), [])
    assert output.counts() == (1, 0) and (tmp_path / "own.txt").read_text() == "mine"


def test_two_processes_at_once_each_find_it_theirs(output):
    other = replace(output)
    for one in (output, other):
        one.claim(MANIFEST)
    output.write(0, pa.table({"x": [1.0]}), [])
    other.write(0, pa.table({"x": [1.0]}), [])
    assert output.counts() == other.counts() == (1, 0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_manifest_that_is_a_pipe_or_has_no_end_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(UserError, match="holds no blocks of an `embed`"):
        Output(fs.LocalFileSystem(), str(tmp_path)).claim(MANIFEST)


OTHERS = {
    "source": (replace(MANIFEST, source_hash="cc"), "an `embed` of another source, or files that have changed; give"),
    "run": (replace(MANIFEST, run_hash="cc"), "an `embed` of the run 'tiny' as it was; give another --out"),
    "name": (replace(MANIFEST, run="other"), "an `embed` of the run 'tiny' as it was"),
}


@pytest.mark.parametrize("other, said", OTHERS.values(), ids=OTHERS)
def test_it_is_refused_to_another(output, other, said):
    with pytest.raises(UserError, match=said):
        output.claim(other)


@pytest.mark.parametrize("manifest", ["", "{", json.dumps({"run": "tiny"}), "[]", "[" * 90_000], ids=len)
def test_a_folder_of_other_things_is_left_alone(tmp_path, manifest):
    (tmp_path / "own.txt").write_text("mine")
    if manifest:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(UserError, match="is not empty, and holds no blocks of an `embed`"):
        Output(fs.LocalFileSystem(), str(tmp_path)).claim(MANIFEST)


def test_the_hash_of_a_run_changes_with_its_map(autoencoder, tmp_path):
    for path in autoencoder.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert hash_of_run(tmp_path) == hash_of_run(autoencoder.folder)
    (tmp_path / "map.parquet").write_bytes(b"other")
    assert hash_of_run(tmp_path) != hash_of_run(autoencoder.folder)


def test_a_full_disk_is_left_as_it_was(output, tmp_path, full_disk):
    with full_disk(), pytest.raises(OSError):
        output.write(0, pa.table({"x": np.arange(10**6)}), [])
    assert not list((tmp_path / "out" / "items").iterdir())
