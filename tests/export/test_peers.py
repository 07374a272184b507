"""Runs as tables and in the formats of other tools, held against the map, and against the tools that are here."""

import base64
import csv
import hashlib
import importlib.util
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from huggingface_hub import ModelCard
from PIL import Image
from pyarrow import parquet

import kernelviz as package
from kernelviz.disk import own_file
from kernelviz.errors import UserError
from kernelviz.evaluation.novelty import novelty_on_map
from kernelviz.export import write
from kernelviz.export.hub import card
from kernelviz.library.checks import NotImported
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.item_table import save_item_table
from kernelviz.storage.record import read_run
from kernelviz.storage.store import run_names
from kernelviz.storage.thumbnails import save_thumbnails
from kernelviz.tables import to_csv


@pytest.fixture(scope="module")
def pictured(neighbourly, tmp_path_factory):
    """The run "near" with small pictures and a hostile table of its own; one point has no coordinates."""
    folder = tmp_path_factory.mktemp("pictured") / "near"
    shutil.copytree(neighbourly.folder, folder)
    points = load_map(folder)
    points.x[3] = points.y[3] = np.nan
    points.save(folder)
    n = len(points)
    file = io.BytesIO()
    Image.new("RGB", (12, 6), "red").save(file, "PNG")
    save_thumbnails(folder, ((bytes([row % 256]), file.getvalue() if row != 5 else b"") for row in range(n)))
    names = [f"=cmd|' /C calc'!A{row}" for row in range(n)]
    own = {"novelty": ["@sum"] * n, "price": np.arange(n) / 4, "a\tb": ["x\ny"] * n}
    save_item_table(folder, pd.DataFrame({"name": names, "file": [""] * n} | own))
    return read_run(folder)


def test_a_table_has_all_that_is_known_of_every_point(pictured, tmp_path):
    points = load_map(pictured.folder)
    table = parquet.read_table(write(pictured, "parquet", tmp_path / "a.parquet", pictures=True)).to_pylist()
    assert [row["split"] for row in table] == ["train"] * 1250 + ["validation"] * 250 + ["test"] * 297
    assert table[3]["x"] is None and table[3]["neighbours"] is None and table[3]["novelty"] == 100
    assert table[5]["image"] is None and Image.open(io.BytesIO(table[6]["image"]["bytes"])).size == (12, 6)
    assert table[7]["novelty (table)"] == "@sum" and table[7]["price"] == 1.75 and table[7]["file"] == ""
    for row in (0, 1400, 1796):  # the neighbours by brute force
        away = np.linalg.norm(points.coordinates - points.coordinates[row], axis=1)
        away[row] = np.inf
        found = table[row]["neighbours"]
        assert np.allclose(found["distances"], np.sort(away[np.isfinite(away)])[:10], atol=1e-6)
        assert np.allclose(away[found["ids"]], found["distances"], atol=1e-6)


def test_novelty_on_the_map_is_that_of_images_that_are_not_compared_with_themselves(neighbourly):
    novelty = novelty_on_map(load_map(neighbourly.folder))
    assert novelty.min() >= 0 and novelty.max() <= 100
    assert abs(novelty[-297:].mean() - 50) < 3  # what is usual is measured on the test images
    assert abs(np.median(novelty[:1250]) - np.median(novelty[-297:])) < 15


def test_csv_runs_no_formula(pictured, tmp_path, kernelviz, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_RUNS", str(pictured.folder.parent))
    code, out, _ = kernelviz("export", "near", "--format", "csv", "--out", tmp_path / "a.csv", "--pictures")
    assert code == 0 and "a.csv is written" in out
    with open(tmp_path / "a.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    text = [value for row in rows for name, value in row.items() if name not in ("x", "y")]
    assert len(rows) == 1797 and not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in text)
    assert rows[0]["name"] == "'=cmd|' /C calc'!A0" and rows[3]["neighbours"] == rows[5]["image"] == ""
    assert len(rows[0]["neighbours"].split()) == 10 and rows[0]["image"].startswith("data:image/png;base64,")
    assert to_csv(pd.DataFrame({"n": [-1]})) == "n\n-1\n"  # a number is no formula


def test_tensorboard_gets_a_row_a_tile_and_a_line_for_every_point(pictured, tmp_path):
    folder = write(pictured, "tensorboard", tmp_path / "board", pictures=True)
    config = (folder / "projector_config.pbtxt").read_text()
    assert re.findall(r'_path: "(.*?)"', config) == ["tensors.tsv", "metadata.tsv", "sprite.png"]
    (side,) = set(map(int, re.findall(r"single_image_dim: (\d+)", config)))
    tensors = np.loadtxt(folder / "tensors.tsv", delimiter="\t")
    header, *lines = (line.split("\t") for line in (folder / "metadata.tsv").read_text().splitlines())
    assert len(tensors) == len(lines) == 1796 and {len(line) for line in lines} == {len(header)}
    assert not tensors[:, 2].any()
    assert np.allclose(tensors[:, :2], load_map(pictured.folder).coordinates[np.arange(1797) != 3], atol=1e-4)
    sprite = Image.open(folder / "sprite.png")
    assert sprite.size == (43 * side, 42 * side) and max(sprite.size) <= 8192 and sprite.getpixel((side // 2,) * 2) > 0


def test_fiftyone_gets_samples_labels_and_a_visualisation(pictured, tmp_path):
    folder = write(pictured, "fiftyone", tmp_path / "fifty", pictures=True)
    metadata = json.loads((folder / "metadata.json").read_text())
    samples = json.loads((folder / "samples.json").read_text())["samples"]
    fields = {field["db_field"] for field in metadata["sample_fields"]}
    assert all(set(sample) <= fields for sample in samples) and len(samples) == 1797
    assert all((folder / sample["filepath"]).is_file() for sample in samples)
    assert samples[0]["tags"] == ["train"] and samples[3]["map"] is None and samples[7]["price"] == 1.75
    shown = json.loads((folder / "brain" / "map.json").read_text())
    ids, points = (
        np.load(io.BytesIO(zlib.decompress(base64.b64decode(shown[key])))) for key in ("sample_ids", "points")
    )
    placed = [sample for sample in samples if sample["map"]]
    assert ids.tolist() == [sample["_id"]["$oid"] for sample in placed]
    assert np.allclose(points, [sample["map"] for sample in placed]) and set(metadata["brain_methods"]) == {"map"}
    with pytest.raises(UserError, match="add --pictures"):
        write(pictured, "fiftyone", tmp_path / "bare", pictures=False)


def test_a_model_folder_comes_back_as_a_run(pictured, tmp_path, kernelviz):
    folder = write(pictured, "hub", tmp_path / "model", pictures=False)
    assert {"README.md", "config.json", "model.safetensors", "map.parquet"} <= {one.name for one in folder.iterdir()}
    assert not {"table.parquet", "thumbnails.parquet", "notes.json"} & {one.name for one in folder.iterdir()}
    read = ModelCard.load(folder / "README.md")
    assert read.data.library_name == "kernelviz" and read.data.eval_results[0].dataset_name == "digits"
    code, _, error = kernelviz("import", folder, "--name", "back")
    assert code == 0, error
    assert package.load("back").record.weights_sha256 == pictured.weights_sha256
    (folder / "model.safetensors").write_bytes(b"other")
    with pytest.raises(NotImported):
        package.import_run(folder, "other")
    (folder / "config.json").unlink()
    with pytest.raises(UserError, match=r"no model folder of kernelviz: it has no config\.json"):
        package.import_run(folder, "other")


def _headed(header, data=b""):
    header = json.dumps(header).encode() if isinstance(header, dict) else header
    return len(header).to_bytes(8, "little") + header + data


ONE = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
LIES = {
    "a header of 2^62 bytes": (2**62).to_bytes(8, "little") + b"{}",
    "brackets": _headed(b"[" * 300_000),
    "no tensor": _headed({}),
    "one beyond the end": _headed({"a": ONE | {"shape": [10**12], "data_offsets": [0, 4 * 10**12]}}),
    "two that overlap": _headed({"a": ONE, "b": ONE}, b"0000"),
    "a size that overflows": _headed({"a": ONE | {"shape": [2**40, 2**40]}}, b"0000"),
    "a name of markup": _headed({"</script><img src=x>": ONE}, b"0000"),
    "many": _headed({f"t{at}": ONE | {"shape": [0], "data_offsets": [0, 0]} for at in range(5000)}),
}


@pytest.mark.parametrize("weights", LIES.values(), ids=LIES)
def test_a_model_folder_whose_weights_lie_is_told(pictured, tmp_path, library, weights):
    folder = write(pictured, "hub", tmp_path / "model", pictures=False)
    (folder / "model.safetensors").write_bytes(weights)
    record = json.loads((folder / "config.json").read_text())
    record["weights_sha256"] = hashlib.sha256(weights).hexdigest()
    (folder / "config.json").write_text(json.dumps(record))
    _is_told(folder, "its weights.safetensors")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_model_folder_with_links_and_pipes_is_told(pictured, tmp_path, library):
    folder = write(pictured, "hub", tmp_path / "model", pictures=False)
    (tmp_path / "secret").write_text("secret")
    (folder / "table.parquet").symlink_to(tmp_path / "secret")
    assert "secret" not in _is_told(folder, "its table.parquet cannot be read")
    for make in (lambda path: path.symlink_to("/dev/zero"), os.mkfifo, os.mkdir):
        shutil.move(folder / "config.json", tmp_path / make.__name__)
        make(folder / "config.json")
        _is_told(folder, "it has no config.json")


def _is_told(folder, said):
    with pytest.raises(UserError, match=re.escape(said)) as told:
        package.import_run(folder, "other")
    assert "\n" not in str(told.value) and len(str(told.value)) < 450 and "other" not in run_names()
    return str(told.value)


@pytest.mark.parametrize(
    ("name", "said"), [("cifar10-resnet32", "run.network"), ("ml100k-sparse-fc-2", "run.recommend(")]
)
def test_a_run_without_a_map_has_a_card_of_its_own_and_comes_back(name, said, library, tmp_path, kernelviz):
    folder = write(package.load(name).record, "hub", tmp_path / "model", pictures=False)
    text = (folder / "README.md").read_text()
    assert said in text and "embeddings" not in text and "novelty" not in text
    code, _, error = kernelviz("import", folder, "--name", f"{name}-back")
    assert code == 0, error


def test_the_card_shows_hostile_texts_as_they_are(pictured):
    hostile = "<script>`x`</script>\n---\n# a: [b](c) | *d*"
    data = pictured.data | {"name": hostile, "classes": (hostile,)}
    text = card(replace(pictured, data=data, made_by=pictured.made_by | {"command": hostile}))
    assert text.count("\n---\n") == 1 and ModelCard(text).data.eval_results[0].dataset_name == hostile
    body = text.split("\n---\n")[1]
    assert not re.search(r"(?<!\\)<script>`", body.replace("`<script>", "")) and "\n# a" not in body


@pytest.mark.parametrize("form", ["onnx", "tensorboard", "fiftyone", "hub", "html-folder"])
def test_a_folder_of_others_is_not_written_into_and_one_of_ours_is(form, pictured, tmp_path):
    others = {"README.md": "mine", "model.safetensors": "mine", "config.json": "{}", "index.html": "mine"}
    for name, text in others.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match="has other files"):
        write(pictured, form, tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == others
    own = tmp_path / "own"
    own.mkdir()
    for _ in range(2):
        write(pictured, form, own, pictures=True)
    assert any(own.iterdir())


def test_a_run_without_a_map_or_pictures_says_so(neighbourly, tmp_path, monkeypatch):
    grids = read_run(own_file("pretrained", "mnist-grids"))
    for name in ("parquet", "csv", "tensorboard", "fiftyone"):
        with pytest.raises(UserError, match="no map of images"):
            write(grids, name, tmp_path / "out", False)
    monkeypatch.setattr("kernelviz.export.pictures.own_images", lambda run, points: None)
    network = neighbourly.network | {"arguments": neighbourly.arguments | {"draws": False}}
    with pytest.raises(UserError, match="leave out --pictures"):
        write(replace(neighbourly, network=network), "parquet", tmp_path / "out", True)
    assert "| accuracy |" in card(grids) and not list(tmp_path.iterdir())


def test_embedding_atlas_serves_the_table(neighbourly, tmp_path):
    if not importlib.util.find_spec("embedding_atlas"):
        pytest.skip("no Embedding Atlas here: pip install embedding-atlas, which is in the extra [peers]")
    path = write(neighbourly, "parquet", tmp_path / "near.parquet", pictures=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = f"--x x --y y --image image --neighbors neighbours --duckdb server --host 127.0.0.1 --port {port}"
    command = [sys.executable, "-c", "from embedding_atlas.cli import main; main()", path, *words.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            metadata = json.loads(answered(server, f"http://127.0.0.1:{port}/data/metadata.json"))
            assert metadata["props"]["data"]["image"] == "image" if "props" in metadata else metadata
            query = {"type": "json", "sql": "SELECT count(*) AS n, avg(x) AS x, count(image.bytes) AS i FROM dataset"}
            (said,) = json.loads(answered(server, f"http://127.0.0.1:{port}/data/query", json.dumps(query).encode()))
        finally:
            server.terminate()
    assert said["n"] == said["i"] == 1797 and said["x"] == pytest.approx(
        load_map(neighbourly.folder).x.mean(), rel=1e-4
    )


def answered(server, address, body=None):
    """What the server says, once it has started."""
    for _ in range(240):
        assert server.poll() is None, server.stdout.read().decode()[-2000:]
        try:
            return urllib.request.urlopen(address, body, timeout=60).read()
        except (ConnectionError, urllib.error.URLError):
            time.sleep(0.5)
    raise TimeoutError(address)
