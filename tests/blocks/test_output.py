"""The folder of parts: claimed once, gone on with, and refused to anything else."""

import json
from dataclasses import replace

import pyarrow as pa
import pytest
from pyarrow import fs

from kernelviz.blocks.output import Manifest, Output, hash_of_run
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
    assert output.done() == {1} and not half.exists()


OTHERS = {
    "source": (replace(MANIFEST, source_hash="cc"), "an `embed` of another source, or files that have changed; give"),
    "run": (replace(MANIFEST, run_hash="cc"), "an `embed` of the run 'tiny' as it was; give another --out"),
    "name": (replace(MANIFEST, run="other"), "an `embed` of the run 'tiny' as it was"),
}


@pytest.mark.parametrize("other, said", OTHERS.values(), ids=OTHERS)
def test_it_is_refused_to_another(output, other, said):
    with pytest.raises(UserError, match=said):
        output.claim(other)


@pytest.mark.parametrize("manifest", [None, "{", json.dumps({"run": "tiny"}), "[]"])
def test_a_folder_of_other_things_is_left_alone(tmp_path, manifest):
    (tmp_path / "own.txt").write_text("mine")
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(UserError, match="is not empty, and holds no blocks of an `embed`"):
        Output(fs.LocalFileSystem(), str(tmp_path)).claim(MANIFEST)


def test_the_hash_of_a_run_changes_with_its_map(autoencoder, tmp_path):
    for path in autoencoder.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert hash_of_run(tmp_path) == hash_of_run(autoencoder.folder)
    (tmp_path / "map.parquet").write_bytes(b"other")
    assert hash_of_run(tmp_path) != hash_of_run(autoencoder.folder)
