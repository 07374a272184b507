"""Where things lie, and that a file is there whole or not at all."""

from pathlib import Path

import pytest
from platformdirs import user_data_path

from kernelviz.disk import data_folder, own_file, replacing, runs_folder

FOLDERS = [("KERNELVIZ_RUNS", runs_folder, "runs"), ("KERNELVIZ_DATA", data_folder, "data")]


@pytest.mark.parametrize("variable, folder, name", FOLDERS)
def test_the_environment_chooses_the_folder(monkeypatch, variable, folder, name):
    monkeypatch.setenv(variable, "/somewhere/else")
    assert folder() == Path("/somewhere/else")
    monkeypatch.setenv(variable, "~/mine")
    assert folder() == Path.home() / "mine"


@pytest.mark.parametrize("variable, folder, name", FOLDERS)
@pytest.mark.parametrize("empty", [True, False])
def test_without_it_the_folder_is_among_the_users_data(monkeypatch, variable, folder, name, empty):
    monkeypatch.setenv(variable, "") if empty else monkeypatch.delenv(variable)
    assert folder() == user_data_path("kernelviz", appauthor=False) / name


def test_own_file_is_sought_in_the_package_and_then_at_the_top_of_the_checkout(tmp_path, monkeypatch):
    package = tmp_path / "kernelviz"
    package.mkdir()
    monkeypatch.setattr("kernelviz.disk.__file__", str(package / "disk.py"))
    assert own_file("assets", "logo.svg") == tmp_path / "assets" / "logo.svg"
    (package / "assets").mkdir()
    (package / "assets" / "logo.svg").touch()
    assert own_file("assets", "logo.svg") == package / "assets" / "logo.svg"


@pytest.mark.parametrize("before", ["old", None])
def test_replacing_shows_the_new_content_only_at_the_end(tmp_path, before):
    path = tmp_path / "file.txt"
    if before:
        path.write_text(before)
    with replacing(path) as partial:
        partial.write_text("new")
        assert (path.read_text() if path.exists() else None) == before
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_replacing_keeps_the_old_content_and_leaves_nothing_behind_on_an_error(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(error), replacing(path) as partial:
        partial.write_text("half of the n")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
