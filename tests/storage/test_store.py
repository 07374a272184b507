"""A run comes back from disk as it was, and whatever is not a whole run says so by its name."""

import errno
import hashlib
import json
import os
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from kernelviz.layers.probe import Probe
from kernelviz.networks import EmbeddingNetwork
from kernelviz.storage import store
from kernelviz.storage.record import BrokenRun, read_run
from kernelviz.storage.store import load_run, new_folder, run_names
from kernelviz.storage.weights import load_network, save_weights
from kernelviz.training import finish as finishing
from kernelviz.training.session import new_training


@pytest.fixture
def own(tmp_path):
    """The folder of the user's runs."""
    return tmp_path / "runs"


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """The folder of the shipped runs, instead of the real one."""
    monkeypatch.setattr(store, "own_file", lambda *parts: tmp_path.joinpath(*parts))
    return tmp_path / "pretrained"


@pytest.fixture
def copy(autoencoder, own, shipped):
    """The folder of a run that a test may spoil."""
    return Path(shutil.copytree(autoencoder.folder, own / "tiny"))


def with_facts(folder, **changes):
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def with_tensors(folder, **changes):
    path = folder / "weights.safetensors"
    tensors = load_file(path) | changes
    save_file({name: value for name, value in tensors.items() if value is not None}, path)
    with_facts(folder, weights_sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def test_a_run_comes_back_as_it_was_saved(autoencoder, own, shipped):
    run = replace(autoencoder, folder=own / "again", metrics={"map_5nn": 0.1 + 0.2})
    run.folder.mkdir(parents=True)
    run.save()
    assert [path.name for path in run.folder.iterdir()] == ["run.json"]
    back = load_run("again")
    assert back.folder == run.folder and back.name == "again"
    saved, read = (json.loads(json.dumps(asdict(one), default=str)) for one in (run, back))  # tuples become lists
    assert saved == read
    assert back.preprocess == run.preprocess and Probe(**back.probe) == Probe(**run.probe)
    assert back.classes == tuple("0123456789")


def test_the_record_says_how_the_run_was_made(autoencoder, tiny):
    facts = json.loads((autoencoder.folder / "run.json").read_text())
    assert facts["format"] == 1 and facts["seed"] == 0
    assert facts["network"]["name"] == "embedding" and facts["network"]["arguments"]["grid"] == [20, 20]
    assert facts["data"]["name"] == "digits" and facts["data"]["classes"] == list("0123456789")
    assert facts["recipe"] == json.loads(json.dumps(asdict(tiny)))
    assert len(facts["history"]) == tiny.epochs
    assert Probe(**facts["probe"]) == Probe(**autoencoder.probe)
    assert facts["made_by"].keys() == {"command", "commit", "versions", "device", "seconds"}
    assert facts["made_by"]["seconds"] == pytest.approx(sum(row["seconds"] for row in facts["history"]), abs=0.06)


def test_the_network_comes_back_ready_to_be_read(autoencoder):
    network = load_network(autoencoder)
    assert not network.training
    assert not any(weight.requires_grad for weight in network.parameters())
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}


def test_weights_are_in_float16_only_where_there_are_many(tmp_path):
    network = EmbeddingNetwork((1, 10, 10), encoder=(100, 99), decoder=(3,), grid=(4, 4))
    digest = save_weights(network, tmp_path)
    stored = load_file(tmp_path / "weights.safetensors")
    assert stored.keys() == network.state_dict().keys()
    assert {name for name, value in stored.items() if value.dtype == torch.float16} == {"encoder.1.weight"}  # 100 x 100
    for name, value in network.state_dict().items():
        assert torch.equal(stored[name], value.half() if name == "encoder.1.weight" else value)
    assert digest == hashlib.sha256((tmp_path / "weights.safetensors").read_bytes()).hexdigest()


def test_the_record_has_the_hash_of_the_weights(autoencoder):
    weights = (autoencoder.folder / "weights.safetensors").read_bytes()
    assert autoencoder.weights_sha256 == hashlib.sha256(weights).hexdigest()


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"kernel_layer.u": None}, "kernel_layer.u"),
        ({"extra.weight": torch.zeros(2)}, "extra.weight"),
        ({"kernel_layer.u": torch.zeros(64, 3)}, "kernel_layer.u"),
        ({"kernel_layer.alpha": torch.zeros(1)}, "kernel_layer.alpha"),
    ],
    ids=["missing", "extra", "another shape", "a shape that could be spread"],
)
def test_weights_that_do_not_fit_are_refused(copy, changes, named):
    with_tensors(copy, **changes)
    with pytest.raises(BrokenRun, match=f"(?s)run 'tiny' at .*weights.safetensors do not load: .*{named}"):
        load_network(load_run("tiny"))


SPOILT_WEIGHTS = {
    "truncated": lambda path: os.truncate(path, 3000),
    "empty": lambda path: path.write_bytes(b""),
    "pickle": lambda path: torch.save({"a": torch.zeros(3)}, path),
    "gone": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("spoil", SPOILT_WEIGHTS.values(), ids=SPOILT_WEIGHTS)
def test_a_file_that_holds_no_weights_is_refused(copy, spoil):
    spoil(copy / "weights.safetensors")
    with pytest.raises(BrokenRun, match="the weights of run 'tiny' at .* do not load|has not the weights of the run"):
        load_network(load_run("tiny"))


def test_weights_of_another_run_are_refused_and_the_file_is_hashed_once_in_each_state(copy, monkeypatch):
    network, hashed = load_network(load_run("tiny")), []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *given: hashed.append(1) or digest(*given))
    load_network(load_run("tiny"))
    assert not hashed
    network.kernel_layer.alpha.add_(0.1)
    save_weights(network, copy)
    for _ in range(2):
        with pytest.raises(BrokenRun, match=r"tiny.weights.safetensors has not .* run 'tiny': .* put the right file"):
            load_network(load_run("tiny"))
    assert len(hashed) == 1


@pytest.mark.parametrize(
    "network",
    [
        {"name": "nosuch", "arguments": {}},
        {"name": "embedding", "arguments": {"nosuch": 1}},
        {"name": "embedding", "arguments": {"grid": [1, 1]}},
        {"name": "embedding"},
        "embedding",
    ],
    ids=str,
)
def test_a_network_that_cannot_be_made_is_refused(copy, network):
    with_facts(copy, network=network)
    with pytest.raises(BrokenRun, match="tiny"):
        load_network(load_run("tiny"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b"null",
        b"\xff\xfe\xfa",
        b'{"format": 1}',
        b'{"format": 1, "nosuch": 2}',
        b'{"format": 1, "network": 3}',
    ],
    ids=repr,
)
def test_a_file_that_is_no_record_is_refused(copy, content):
    (copy / "run.json").write_bytes(content)
    with pytest.raises(
        BrokenRun, match="tiny.run.json is not the record of a run .*; delete the folder or train it again"
    ):
        load_run("tiny")


@pytest.mark.parametrize(
    "changes",
    [
        {"probe": {"width": -1.0, "amplitude": 1.0}},
        {"probe": {"width": 1.0}},
        {"probe": None},
        {"data": {"name": "digits", "classes": []}},
        {"data": {"name": "digits", "classes": 3, "preprocess": {}}},
        {"nosuch": 1},
        {"recipe": {}},
        {"made_by": None},
        {"network": {"name": "embedding", "arguments": {"grid": [4, 4]}}},
    ],
    ids=str,
)
def test_a_record_with_impossible_content_is_refused(copy, changes):
    with_facts(copy, **changes)
    with pytest.raises(BrokenRun, match="tiny.run.json is not the record of a run"):
        load_run("tiny")


@pytest.mark.parametrize("number", [0, 2, "1", None])
def test_another_format_is_refused_with_both_numbers(copy, number):
    with_facts(copy, format=number)
    todo = "; update kernelviz" if number == 2 else ""
    with pytest.raises(BrokenRun, match=f"tiny.run.json has format {number!r}; this version reads format 1{todo}"):
        load_run("tiny")


NO_NAMES = ["", ".", "..", "../tiny", "a/b", "/etc", "a\\b", "-x", ".hidden", "a b", "a\n", "é", "a" * 65]


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_path_is_no_name(copy, name, tmp_path):
    (copy / "inner").mkdir()
    shutil.copy(copy / "run.json", copy / "inner")
    shutil.copy(copy / "run.json", tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FileNotFoundError, match="no run .*; there is tiny"):
        load_run(name)
    with pytest.raises(ValueError, match="is no name for a run; use letters"):
        new_folder(name)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["tiny/inner", "../runs/tiny", "./tiny"])
def test_no_path_leads_to_a_run(copy, name):
    shutil.copytree(copy, copy / "inner")
    with pytest.raises(FileNotFoundError):
        load_run(name)


def test_a_new_folder_is_made_among_the_users_runs(own):
    assert new_folder("A-new_run.2") == own / "A-new_run.2"
    assert new_folder("A-new_run.2").is_dir()


def test_runs_cannot_be_written_below_a_file(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERNELVIZ_RUNS", str(tmp_path / "file" / "runs"))
    with pytest.raises(OSError, match="cannot make .*file.runs.new .*; set KERNELVIZ_RUNS to another folder"):
        new_folder("new")


def test_a_users_run_hides_a_shipped_one_of_the_same_name(copy, own, shipped):
    shutil.copytree(copy, shipped / "tiny")
    shutil.copytree(copy, shipped / "other")
    with_facts(copy, seed=7)
    assert load_run("tiny").seed == 7 and load_run("tiny").folder == own / "tiny"
    assert load_run("other").folder == shipped / "other"
    assert run_names() == ["other", "tiny"]


def test_shipped_runs_come_first_and_what_is_no_run_not_at_all(copy, own, shipped):
    shutil.copytree(copy, shipped / "zzz")
    shutil.copytree(copy, own / "copy of tiny")  # no name: load_run would not find it
    (own / "empty").mkdir()
    (own / "file").touch()
    assert run_names() == ["zzz", "tiny"]
    assert [load_run(name).name for name in run_names()] == run_names()


def test_without_any_run_the_error_says_how_to_train_one(shipped):
    with pytest.raises(FileNotFoundError, match="no run 'x'; there is none yet: .*kernelviz train digits-autoencoder"):
        load_run("x")


def test_a_broken_run_of_the_user_is_not_silently_replaced_by_the_shipped_one(copy, shipped):
    shutil.copytree(copy, shipped / "tiny")
    (copy / "run.json").write_text("{")
    with pytest.raises(BrokenRun):
        load_run("tiny")


def test_a_full_disk_leaves_no_half_written_weights(tmp_path, full_disk):
    with full_disk(), pytest.raises(OSError, match="File too large: .*weights.safetensors"):
        save_weights(EmbeddingNetwork(encoder=(5,), decoder=(5,), grid=(4, 4)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_cannot_be_written_leaves_the_old_one(copy, monkeypatch):
    before = (copy / "run.json").read_bytes()

    def full(path, *_, **__):
        path.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    run = read_run(copy)
    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space left"):
        patched.setattr(Path, "write_bytes", full)
        run.save()
    assert (copy / "run.json").read_bytes() == before
    assert {path.name for path in copy.iterdir()} == {
        "run.json",
        "map.parquet",
        "weights.safetensors",
        "novelty.safetensors",
    }


@pytest.mark.parametrize("where", ["save_weights", "new_run"])
def test_a_run_that_is_cut_short_at_any_moment_is_no_run(tmp_path, digits, tiny, monkeypatch, where, shipped):
    def cut(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(finishing, where, cut)
    folder = new_folder("half")
    with pytest.raises(KeyboardInterrupt):
        finishing.finish(new_training(tiny, digits, 0, "cpu"), folder, "")
    assert not (folder / "run.json").exists()
    assert run_names() == []
