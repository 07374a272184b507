"""Renaming, deleting and restoring runs."""

import json
import os
import tempfile
import time

import pytest

from kernelviz.disk import SCRATCH, data_folder, lock, scratch
from kernelviz.errors import NotFound, UserError
from kernelviz.library import bin
from kernelviz.library.cleaning import IMPORT_LOCK, OF_A_TRAINING, YOUNG, clean, clean_temporary
from kernelviz.library.names import needing, rename
from kernelviz.library.notes import Notes, read_notes, write_notes
from kernelviz.storage.store import claimed, load_run, run_names


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def runs_in(folder):
    return {path: data for path, data in files_of(folder).items() if path.parts[0] != ".locks"}


def test_a_run_is_renamed_with_its_selections(add, autoencoder, runs):
    before = files_of(add(autoencoder))
    kept = data_folder() / "selections"
    (kept / "tiny").mkdir(parents=True)
    for name, weights in (("mine", autoencoder.weights_sha256), ("older", "0" * 64)):
        (kept / "tiny" / f"{name}.json").write_text(json.dumps({"weights": weights}))
    assert rename("tiny", "digits-1").name == "digits-1"
    assert run_names() == ["digits-1"] and files_of(runs / "digits-1") == before
    assert (kept / "digits-1" / "mine.json").is_file() and (kept / "tiny" / "older.json").is_file()


@pytest.mark.parametrize(
    "new, said",
    [
        ("../out", "no name for a run"),
        ("a b", "no name for a run"),
        ("near", "there is a run 'near' already"),
        ("shipped", "there is a run 'shipped' already"),
        ("stopped", "a training 'stopped' that has not finished"),
        ("busy", "another process trains or changes busy"),
    ],
)
def test_a_name_that_is_not_free_is_told(add, autoencoder, neighbourly, runs, new, said):
    add(autoencoder), add(neighbourly), add(autoencoder, "shipped", shipped=True)
    (runs / "stopped").mkdir()
    (runs / "stopped" / "checkpoint.safetensors").write_bytes(b"")
    before = runs_in(runs)
    with claimed("busy"), pytest.raises(UserError, match=said):
        rename("tiny", new)
    assert runs_in(runs) == before


def test_what_a_failed_start_has_left_takes_no_name(add, autoencoder, runs):
    add(autoencoder)
    (runs / "other").mkdir()
    assert rename("tiny", "other").name == "other"


def test_a_run_that_another_process_changes_stays(add, autoencoder):
    add(autoencoder)
    with claimed("tiny"):
        for change in (
            lambda: rename("tiny", "other"),
            lambda: bin.delete("tiny"),
            lambda: write_notes("tiny", (), ""),
        ):
            with pytest.raises(UserError, match="another process trains or changes tiny"):
                change()
    assert run_names() == ["tiny"]


def test_a_run_that_travels_with_kernelviz_stays(add, autoencoder):
    add(autoencoder, "shipped", shipped=True)
    for change in (
        lambda: rename("shipped", "x"),
        lambda: bin.delete("shipped"),
        lambda: write_notes("shipped", (), ""),
    ):
        with pytest.raises(UserError, match="travels with kernelviz .* `kernelviz export shipped`.*--name my-shipped"):
            change()


def test_an_own_run_that_hides_a_shipped_one_is_deleted(add, autoencoder, neighbourly):
    add(autoencoder, "same", shipped=True), add(neighbourly, "same")
    bin.delete("same")
    assert load_run("same").weights_sha256 == autoencoder.weights_sha256


def test_a_stopped_training_is_no_run(runs):
    (runs / "stopped").mkdir()
    with pytest.raises(UserError, match="a training that has not finished"):
        bin.delete("stopped")
    with pytest.raises(NotFound, match="no run 'nosuch'"):
        bin.delete("nosuch")
    with pytest.raises(NotFound, match="no run '../runs'"):
        bin.delete("../runs")


def test_a_deleted_run_is_restored_as_it_was(add, autoencoder, runs):
    before = files_of(add(autoencoder))
    deleted = bin.delete("tiny")
    assert run_names() == [] and files_of(deleted.folder) == before
    assert [one.name for one in bin.deleted_runs()] == ["tiny"]
    assert files_of(bin.restore("tiny")) == before
    assert run_names() == ["tiny"] and bin.deleted_runs() == []


def test_the_last_deleted_of_a_name_comes_back_and_a_taken_name_is_told(add, autoencoder, neighbourly):
    add(autoencoder, "one"), bin.delete("one")
    add(neighbourly, "one"), bin.delete("one")
    add(autoencoder, "one")
    with pytest.raises(UserError, match="there is a run 'one' already; restore it under another --name"):
        bin.restore("one")
    assert bin.restore("one", "two").name == "two"
    assert load_run("two").weights_sha256 == neighbourly.weights_sha256
    with pytest.raises(NotFound, match="no run 'two' in the bin; there is one"):
        bin.restore("two")


def test_a_run_that_cannot_be_read_can_be_deleted(add, autoencoder):
    (add(autoencoder) / "run.json").write_text("{")
    bin.delete("tiny")
    assert run_names() == []


def test_the_bin_is_emptied_with_what_was_kept_of_its_runs(add, autoencoder, neighbourly, runs):
    add(autoencoder), add(neighbourly)
    for name in ("tiny", "near"):
        (data_folder() / "sheets" / name).mkdir(parents=True)
    bin.delete("tiny")
    assert bin.empty_bin() == 1 and list((runs / ".bin").iterdir()) == []
    assert [path.name for path in (data_folder() / "sheets").iterdir()] == ["near"] and run_names() == ["near"]


def test_who_needs_a_backbone_is_told(add, bottom, heads):
    add(bottom)
    for head in heads:
        (add(head) / "backbone.safetensors").unlink()
    assert needing("bottom") == ["at11", "at31"] and needing("at11") == []
    with pytest.raises(UserError, match="at11, at31 cannot be opened without the run 'bottom', .* with --force"):
        bin.delete("bottom")
    add(bottom, "copy")
    assert needing("bottom") == []
    bin.delete("copy")
    bin.delete("bottom", even_if_needed=True)
    assert run_names() == ["at11", "at31"]


def test_leftovers_are_cleaned_and_nothing_else(add, autoencoder, neighbourly, runs):
    folder, busy = add(autoencoder), add(neighbourly)
    before = files_of(folder)
    for path in (runs / ".import-x" / "run.json", runs / ".bin" / ".gone-x" / "run.json"):
        path.parent.mkdir(parents=True)
        path.touch()
    left, young, used = (folder / "run.json.partial", folder / "map.parquet.partial", busy / "map.parquet.partial")
    for path in (left, young, used):
        path.touch()
    old = time.time() - 2 * YOUNG
    os.utime(left, (old, old)), os.utime(used, (old, old))
    with claimed("near"), lock(IMPORT_LOCK):
        assert sorted(path.name for path in clean()) == [".gone-x", "run.json.partial"]
    assert young.exists() and used.exists()
    assert [path.name for path in clean()] == [".import-x", "map.parquet.partial"]
    young.unlink()
    assert files_of(folder) == before


def test_folders_for_a_while_that_a_killed_process_has_left_are_cleaned(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    data_folder().mkdir()
    left = [folder / f"{SCRATCH}left" for folder in (tmp_path, data_folder())]
    with scratch() as used, scratch(data_folder()) as also_used:
        for one in left:
            one.mkdir()
            (one / "half").touch()
        assert clean() == clean_temporary() == []  # for they are young
        for one in (*left, used, also_used):
            os.utime(one, (time.time() - 2 * YOUNG,) * 2)
        assert [*clean_temporary(), *clean()] == left and used.exists() and also_used.exists()
    assert not used.exists() and not also_used.exists()


def test_what_a_training_that_was_killed_has_left_is_cleaned(add, autoencoder, neighbourly, runs):
    folder, busy = add(autoencoder), add(neighbourly)
    before = files_of(folder)
    for name in OF_A_TRAINING:
        (folder / name).touch(), (busy / name).touch()
    stopped, cancelled = runs / "stopped" / "training.json", runs / ".other.cancelled" / "training.json"
    empty, new = runs / "empty", runs / "new"
    for path in (stopped, cancelled):
        path.parent.mkdir()
        path.touch()
    empty.mkdir(), new.mkdir()
    os.utime(empty, (time.time() - 2 * YOUNG,) * 2)
    with claimed("near"):
        clean()
    assert files_of(folder) == before and stopped.exists() and new.exists() and names_in(busy) >= OF_A_TRAINING
    assert not cancelled.exists() and not cancelled.parent.exists() and not empty.exists()
    clean()
    assert not OF_A_TRAINING & names_in(busy)


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def test_selections_are_never_lost_as_a_run_is_renamed(add, autoencoder, monkeypatch):
    add(autoencoder)
    kept = data_folder() / "selections"
    (kept / "tiny").mkdir(parents=True)
    (kept / "tiny" / "mine.json").write_text(json.dumps({"weights": autoencoder.weights_sha256}))

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("kernelviz.library.names.move", killed)
        rename("tiny", "other")
    assert run_names() == ["tiny"] and (kept / "tiny" / "mine.json").is_file()
    rename("tiny", "other")
    assert names_in(kept / "other") == {"mine.json"} and not names_in(kept / "tiny")


def test_notes_are_texts_of_bounded_size(add, autoencoder):
    folder = add(autoencoder)
    assert read_notes(folder) == Notes()
    write_notes("tiny", ["  for  the paper ", "best", "best"], " <b>two</b>\nlines\x00 ")
    assert read_notes(folder) == Notes(("for the paper", "best"), "<b>two</b>\nlines")
    for tags, note in (
        ([""], ""),
        (["x" * 31], ""),
        (["a,b"], ""),
        ([str(n) for n in range(13)], ""),
        ([], "x" * 4001),
    ):
        with pytest.raises(UserError, match="up to 12 tags of up to 30 letters"):
            write_notes("tiny", tags, note)
    assert read_notes(folder).tags == ("for the paper", "best")
    for broken in ('{"tags": [3]}', "{", '{"more": 1}', '{"note": "' + "x" * 50_000 + '"}'):
        (folder / "notes.json").write_text(broken)
        assert read_notes(folder) == Notes()


def test_a_folder_that_cannot_be_written_is_told_and_nothing_changes(add, autoencoder, runs, monkeypatch):
    before = files_of(add(autoencoder))

    def refused(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "rename", refused)
    for change in (lambda: rename("tiny", "other"), lambda: bin.delete("tiny")):
        with pytest.raises(OSError, match="cannot be moved to .* \\(Read-only file system\\); nothing was changed"):
            change()
    assert files_of(runs / "tiny") == before and run_names() == ["tiny"]
