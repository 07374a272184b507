"""Fixtures: copies of trained runs among the user's own, and files that hold them."""

import shutil

import pytest

from kernelviz.library.handing_on import export_run
from kernelviz.storage.store import load_run


@pytest.fixture
def runs(own_folders, tmp_path, monkeypatch):
    """The empty folder of runs; one run travels with kernelviz, by the name "shipped" if `add` puts it there."""
    monkeypatch.setattr("kernelviz.storage.store.own_file", lambda *parts: tmp_path.joinpath("shipped", *parts))
    monkeypatch.setenv("KERNELVIZ_DATA", str(tmp_path / "data"))
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


@pytest.fixture
def add(runs, tmp_path):
    """Put a copy of a run among the user's runs, or among those that travel with kernelviz."""

    def add(run, name=None, shipped=False):
        folder = (tmp_path / "shipped" / "pretrained" if shipped else runs) / (name or run.name)
        shutil.copytree(run.folder, folder)
        return folder

    return add


@pytest.fixture
def exported(add, autoencoder, tmp_path):
    """The file of a run "tiny", which is not among the runs."""
    folder = add(autoencoder)
    path = export_run(load_run("tiny"), tmp_path / "tiny")
    shutil.rmtree(folder)
    return path
