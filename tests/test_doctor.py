"""`kernelviz doctor`, and what the server logs."""

import json
import logging
import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from kernelviz.cli.logs import WithoutSecrets
from kernelviz.library import health
from kernelviz.networks import devices


@pytest.fixture
def runs(tmp_path, autoencoder, monkeypatch):
    """Runs, of which one is sound, and an empty data folder; none is shipped."""
    monkeypatch.setenv("KERNELVIZ_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("kernelviz.storage.store.own_file", lambda *parts: tmp_path.joinpath("shipped", *parts))
    for name in ("sound", "no-map", "no-numbers", "other-format"):
        shutil.copytree(autoencoder.folder, tmp_path / "runs" / name)
    (tmp_path / "runs" / "no-map" / "map.parquet").unlink()
    record = tmp_path / "runs" / "other-format" / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"format": "\x1b[31m[/]" * 1000}))
    weights = tmp_path / "runs" / "no-numbers" / "weights.safetensors"
    save_file({name: np.full_like(value, np.nan) for name, value in load_file(weights).items()}, weights)
    record = weights.with_name("run.json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"weights_sha256": ""}))
    return tmp_path / "runs"


def test_it_names_the_runs_that_cannot_be_opened_with_a_remedy(runs, kernelviz):
    code, out, _ = kernelviz("doctor", "--json")
    found = json.loads(out)
    assert code == 0 and len(found["broken"]) == 3
    for name, what in (("no-map", "map.parquet"), ("no-numbers", "no numbers"), ("other-format", "has format")):
        assert any(name in one and what in one and "train" in one for one in found["broken"])
    assert found["versions"]["torch"] == torch.__version__.partition("+")[0] or found["versions"]["torch"]
    assert [one["what"] for one in found["folders"]] == ["new runs", "data"]
    assert all(one["writable"] and one["free"] > 0 for one in found["folders"])
    code, out, _ = kernelviz("doctor")
    assert code == 0 and "3 runs cannot be opened" in out and "\x1b" not in out


def test_it_removes_what_is_cached_and_nothing_else(runs, kernelviz, tmp_path):
    (tmp_path / "data" / "sheets" / "sound").mkdir(parents=True)
    (tmp_path / "data" / "sheets" / "sound" / "a.webp").write_bytes(bytes(1000))
    (tmp_path / "data" / "1-pictures.sqlite").write_bytes(bytes(500))
    (tmp_path / "data" / "mine.npz").write_bytes(bytes(300))
    assert sum(one.size for one in health.cached()) >= 1500
    _, out, _ = kernelviz("doctor", "--clean", "--json")
    assert json.loads(out)["removed"]["bytes"] >= 1500 and not json.loads(out)["cached"]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["mine.npz"]


def test_lines_of_requests_have_no_queries_and_no_tokens():
    path = "/kernelviz/uploads/secret/files?token=hidden"
    record = logging.LogRecord("uvicorn.access", 20, "", 0, '%s "%s %s" %s %s', ("::1", "GET", path, "1.1", 200), None)
    assert WithoutSecrets().filter(record) and "/kernelviz/uploads/…/files" in record.getMessage()
    assert "secret" not in record.getMessage() and "hidden" not in record.getMessage()


def test_private_names_of_torch_and_streamlit(monkeypatch):
    """They may go with any version: what is lost then is told here."""
    from streamlit.web import bootstrap

    assert all(hasattr(torch.cpu, name) for name in devices.PRIVATE) and hasattr(bootstrap, "load_config_options")
    for name in devices.PRIVATE:
        monkeypatch.delattr(torch.cpu, name)
    with devices.mixed_precision(True, "cpu"):
        assert not torch.is_autocast_enabled("cpu")
