"""Sharing a server: read-only, several folders of runs, data roots, and what holds on other hosts."""

import json
import shutil
from pathlib import Path

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from kernelviz.disk import data_folder, runs_folder
from kernelviz.errors import UserError
from kernelviz.storage.store import hidden_runs, load_run, new_folder, run_names, use_runs
from kernelviz.ui.server.app import ROUTES
from kernelviz.ui.server.request_parameters import READ_ONLY
from kernelviz.ui.shared import caches, sharing

IN_THE_SESSION = {  # routes that change nothing but what a visitor has for himself, or only answer a long question
    "/kernelviz/uploads/{token}/files",
    "/kernelviz/uploads/{token}/projection/{name}/{version}/{preprocessing}",
    "/kernelviz/uploads/{token}/sketch/{name}/{version}/{preprocessing}",
    "/kernelviz/runs/{name}/{version}/selections/as/{ending}",
}


@pytest.fixture(autouse=True)
def usual_again(monkeypatch):
    """Each test ends with the usual settings."""
    monkeypatch.setattr(sharing, "_settings", sharing._settings)


def listening_at(monkeypatch, host):
    monkeypatch.setattr(sharing.st, "get_option", lambda name: host if name == "server.address" else None)


def routes(of, before=""):
    for one in of:
        if isinstance(one, Mount):
            yield from routes(one.routes, before + one.path)
        else:
            yield before + one.path, one.methods - {"GET", "HEAD"}


@pytest.fixture
def client(add, autoencoder, tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_DATA", str(tmp_path / "data"))
    add(autoencoder)
    return TestClient(Starlette(routes=ROUTES), base_url="http://localhost", client=("127.0.0.1", 5000))


def test_read_only_answers_every_route_that_changes_anything_with_403(client):
    sharing.set_up(read_only=True)
    parts = {"name": "tiny", "version": caches.version(load_run("tiny")), "id": "0" * 16}
    changing = [(path, method) for path, methods in routes(ROUTES) for method in methods if path not in IN_THE_SESSION]
    assert len(changing) >= 2
    for path, method in changing:
        response = client.request(method, path.format(**parts), json={"split": "test", "rows": ""})
        assert response.status_code == 403 and response.text == READ_ONLY, path
    assert not data_folder().exists()


def test_read_only_shows_what_was_saved_and_leaves_the_folders_alone(client, monkeypatch):
    at = f"/kernelviz/runs/tiny/{caches.version(load_run('tiny'))}/selections/"
    rows = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    kept = client.post(at, json={"split": "test", "rows": rows, "name": "mine"}).json()["id"]
    before = sorted((path, path.stat().st_mtime_ns) for path in data_folder().rglob("*"))
    sharing.set_up(read_only=True)
    assert client.get(at).json()[0]["name"] == "mine" and client.get(at + kept).json()["id"] == kept
    assert client.delete(at + kept).status_code == 403
    assert sorted((path, path.stat().st_mtime_ns) for path in data_folder().rglob("*")) == before
    assert data_folder() not in sharing.cache_folder().parents and sharing.cache_folder().is_dir()


def test_pages_that_are_read_only_offer_no_download(opened, away, autoencoder):
    away(autoencoder)
    assert any("Download" in button.label for button in opened("upload").button)
    sharing.set_up(read_only=True)
    app = opened("upload")
    assert not app.exception and not any("Download" in button.label for button in app.button)


def test_on_this_machine_one_trains_and_reads_the_home_folder(monkeypatch):
    for host in ("127.0.0.1", "localhost", "::1"):
        listening_at(monkeypatch, host)
        assert sharing.may_train() and sharing.data_roots() == (Path.home().resolve(),)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", None, ""])
def test_on_another_host_both_are_off_unless_a_data_root_is_given(monkeypatch, tmp_path, host):
    listening_at(monkeypatch, host)
    assert not sharing.may_train() and sharing.data_roots() == ()
    sharing.set_up(data_roots=[tmp_path])
    assert sharing.may_train() and sharing.data_roots() == (tmp_path.resolve(),)
    sharing.set_up(read_only=True, data_roots=[tmp_path])
    assert not sharing.may_train() and sharing.data_roots() == ()


@pytest.mark.parametrize(
    "headers, here",
    [
        ({"host": "localhost:8501"}, True),
        ({"host": "[::1]:8501"}, True),
        ({"host": "evil.example"}, False),  # DNS rebinding
        ({"host": "localhost", "x-forwarded-for": "10.1.1.1"}, False),
        ({"host": "localhost", "Via": "1.1 proxy"}, False),
        ({}, False),
    ],
)
def test_who_is_on_this_machine(headers, here):
    assert sharing.is_here(headers, "127.0.0.1") is here
    assert not sharing.is_here(headers, "10.1.1.1")
    assert not sharing.is_here(headers, None)


def test_a_data_root_has_to_be_a_folder(tmp_path, kernelviz):
    (tmp_path / "file").touch()
    for root in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(UserError, match="--data-root"):
            sharing.set_up(data_roots=[root])
    code, _, err = kernelviz("app", "--data-root", tmp_path / "none")
    assert code == 2 and "is no folder" in err


def test_several_folders_of_runs_the_first_wins_and_it_is_said(tmp_path, monkeypatch, autoencoder, kernelviz):
    monkeypatch.setenv("KERNELVIZ_RUNS", "")  # given back after the test
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        shutil.copytree(autoencoder.folder, folder / "tiny")
    shutil.copytree(autoencoder.folder, second / "other")
    use_runs([first, second])
    assert runs_folder() == first and new_folder("new").parent == first
    assert load_run("tiny").folder == first / "tiny" and load_run("other").folder == second / "other"
    assert run_names()[-2:] == ["tiny", "other"]
    (said,) = hidden_runs()
    assert "'tiny'" in said and f"{first} and in {second}" in said
    assert json.loads(kernelviz("runs", "--json")[1])["hidden"] == [said]


def test_folders_of_runs_that_are_no_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_RUNS", "before")
    (tmp_path / "file").touch()
    for wrong in ([tmp_path / "file"], [tmp_path, tmp_path / "none"], [tmp_path / "a:b"]):
        with pytest.raises(UserError, match="--runs"):
            use_runs(wrong)
    use_runs([])
    assert str(runs_folder()) == "before"
    use_runs([tmp_path / "yet to be made"])
    assert runs_folder() == tmp_path / "yet to be made"


def test_a_page_says_which_runs_are_hidden(opened, add, autoencoder, tmp_path, monkeypatch, no_runs):
    add(autoencoder)
    monkeypatch.setenv("KERNELVIZ_RUNS", f"{no_runs}:{tmp_path / 'second'}")
    shutil.copytree(autoencoder.folder, tmp_path / "second" / "tiny")
    st.cache_data.clear()
    app = opened("probe")
    assert not app.exception and any("is in" in one.value and "second" in one.value for one in app.warning)
