"""A record that is wrong in any way lists that run as broken, and nothing else happens; without type checks, too."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from kernelviz.storage.record import BrokenRun, read_run

CHANGES = {
    "no probe": {"probe": None},
    "a list as probe": {"probe": []},
    "an endless probe": {"probe": {"width": 1e999, "amplitude": 1.0}},
    "arguments in a list": {"network": {"name": "embedding", "arguments": []}},
    "no arguments": {"network": {"name": "embedding"}},
    "a network in a list": {"network": []},
    "a network without a name": {"network": {"arguments": {}}},
    "no data": {"data": None},
    "classes that are numbers": {"data": {"name": "x", "classes": 3, "preprocess": {}}},
    "a preprocessing in a list": {"data": {"name": "x", "classes": [], "preprocess": []}},
    "a recipe in a list": {"recipe": []},
    "no epochs": {"recipe": {"data": "digits", "epochs": 0}},
    "a history of numbers": {"history": [1, 2]},
    "metrics in a list": {"metrics": []},
    "nothing of its making": {"made_by": None},
    "a seed that is a text": {"seed": "x"},
    "a recommender without metrics": {
        "network": {"name": "recommender", "arguments": {"users": 3, "kind": "autorec", "hidden": [2]}},
        "data": {"name": "x", "range": [1, 5]},
        "metrics": {},
    },
    "a recommender without units": {
        "network": {"name": "recommender", "arguments": {"users": 3, "kind": "autorec", "hidden": []}},
        "data": {"name": "x", "range": [1, 5]},
        "metrics": {"test_rmse": 1.0, "new_rmse": 1.0},
    },
}
CONTENTS = {"deep": b"[" * 100_000, "deep objects": b'{"a":' * 100_000, "no text": b"\xff\xfe", "nothing": b""}


@pytest.fixture
def runs(tmp_path, autoencoder):
    """A folder of a good run and of every kind of bad ones."""
    good = tmp_path / "runs" / "good"
    shutil.copytree(autoencoder.folder, good)
    record = json.loads((good / "run.json").read_text())
    for name, changes in CHANGES.items():
        folder = tmp_path / "runs" / name.replace(" ", "-")
        folder.mkdir()
        (folder / "run.json").write_text(json.dumps(record | changes))
    for name, content in CONTENTS.items():
        folder = tmp_path / "runs" / name.replace(" ", "-")
        folder.mkdir()
        (folder / "run.json").write_bytes(content)
    (tmp_path / "runs" / "a-folder" / "run.json").mkdir(parents=True)
    return tmp_path / "runs"


def test_every_one_is_listed_as_broken_and_the_good_one_works(runs):
    command = [sys.executable, "-m", "kernelviz.cli", "runs", "--json"]
    environment = os.environ | {"KERNELVIZ_RUNS": str(runs)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    bad = {path.name for path in runs.iterdir()} - {"good"}
    assert len(listed["broken"]) == len(bad) == len(CHANGES) + len(CONTENTS) + 1
    assert all(any(f"{name}{os.sep}run.json" in reason for reason in listed["broken"]) for name in bad)
    assert all(len(reason) < 1000 for reason in listed["broken"])
    assert "good" in [run["name"] for run in listed["runs"]]


@pytest.mark.parametrize("name", [*CHANGES, *CONTENTS, "a folder"])
def test_the_error_says_what_is_wrong(runs, name):
    with pytest.raises(BrokenRun, match="is not the record of a run .*delete the folder or train it again"):
        read_run(runs / name.replace(" ", "-"))


def test_a_record_that_is_too_large_is_not_read(runs, monkeypatch):
    monkeypatch.setattr("kernelviz.storage.record.LARGEST_RECORD", 100)
    with pytest.raises(BrokenRun, match="it has 0 MB, allowed are 0 MB"):
        read_run(runs / "good")
