"""Runs as ONNX files, held against torch."""

import json
import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import nn

from kernelviz.benchmarks.networks import onnx as benchmark
from kernelviz.data.batches import pixels
from kernelviz.errors import UserError
from kernelviz.evaluation.inference import decode_probes, embed
from kernelviz.export import onnx as exporting
from kernelviz.export import write
from kernelviz.export.onnx import FILES, Embed, Graph, Reconstruct, check_installed, to_model
from kernelviz.layers.probe import Probe
from kernelviz.networks import Backbone, EmbeddingNetwork, new_backbone
from kernelviz.networks.truncated import FEATURES, truncated
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network

RUN = "digits-neighbours"
DOCUMENT = Path(__file__).parents[2] / "assets" / "docs" / "export.md"
NEAR = {"rtol": 0, "atol": 1e-4}


def session(file):
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])


def blocks(document):
    return re.findall(r"^```python\n(.*?)^```", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder "digits" with the files of a run."""
    return write(load_run(RUN), "onnx", tmp_path_factory.mktemp("onnx") / "digits")


@pytest.fixture(scope="module")
def images(digits):
    """Digits, the last one blank."""
    return np.concatenate([digits.test_images[:70], np.zeros((1, 8, 8), np.uint8)])


def test_any_number_of_images_is_embedded_as_by_torch(folder, images):
    wanted = embed(load_network(load_run(RUN)), images)
    file = session(folder / "embed.onnx")
    for rows in (slice(0, 1), slice(0, 71)):
        coordinates, activation = file.run(None, {"images": images[rows]})
        np.testing.assert_allclose(coordinates, wanted.coordinates[rows], **NEAR)
        np.testing.assert_allclose(activation, wanted.activation[rows], **NEAR)


def test_coordinates_and_images_are_decoded_as_by_torch(folder, images):
    run, at = load_run(RUN), np.array([[0.0, 0.0], [-1.5, 2.0], [9.0, 9.0]], np.float32)
    network = load_network(run)
    decoded, shades = session(folder / "decode.onnx").run(None, {"coordinates": at})
    np.testing.assert_allclose(decoded, decode_probes(network, at, Probe(**run.probe)), atol=1)
    np.testing.assert_array_equal(decoded, (255 * shades).round().astype(np.uint8))
    decoded, shades = session(folder / "reconstruct.onnx").run(None, {"images": images})
    with torch.no_grad():
        wanted = network.decode(network.code(network.activation(pixels(images))))[:, 0]
    np.testing.assert_allclose(shades, wanted.numpy(), **NEAR)
    assert decoded.dtype == np.uint8 and decoded.shape == images.shape


def test_a_file_says_what_it_is(folder):
    for name in FILES:
        said = session(folder / name).get_modelmeta().custom_metadata_map
        assert said["run"] == RUN and json.loads(said["classes"]) == [*"0123456789"]
        assert json.loads(said["preprocess"]) == {"name": "digit", "height": 8, "width": 8, "channels": 1, "box": 8}
    assert sum((folder / name).stat().st_size for name in FILES[:2]) < 2e6  # 3.1e6 if all were float32


def test_the_python_beside_the_files_and_in_the_document_runs(folder, images, monkeypatch, capsys):
    Image.fromarray(images[0]).save(folder / "picture.png")
    monkeypatch.chdir(folder)
    (block,) = blocks(folder / "README.md")
    exec(block, {})
    assert Image.open("decoded.png").size == (8, 8)
    monkeypatch.chdir(folder.parent)
    exec(blocks(DOCUMENT)[0], {})
    assert "(5, 2)\n{'rows': 30, 'columns': 30, 'extent': 4.0}" in capsys.readouterr().out


SMALL = {"encoder": (20,), "decoder": (), "grid": (8, 9), "sparsity": 0.5}


def on(name, depth, side, **more):
    """A new network with a class head on a new backbone."""
    backbone = Backbone(name, depth, "", truncated(new_backbone(name), depth), (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    return EmbeddingNetwork((3, side, side), **SMALL, has_decoder=False, classes=4, backbone=backbone, **more)


NETWORKS = {  # a network, and the name and shape of what it takes
    "ResNet": (lambda: on("resnet32", 4, 16, rectified=True, dropout=0.1), "images", (16, 16, 3)),
    "timm": (lambda: on("test_efficientnet", FEATURES, 32, unit_features=True, noise=0.3), "images", (32, 32, 3)),
    "gradients": (lambda: EmbeddingNetwork((1, 9, 7), **SMALL, gradients=True, classes=4), "images", (9, 7)),
    "vectors": (lambda: EmbeddingNetwork((1, 1, 5), **SMALL, canonical=0.4, of_vectors=True), "vectors", (5,)),
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_heads_and_maps_of_vectors(kind):
    make, takes, shape = NETWORKS[kind]
    network = make().eval()
    of_images = takes == "images"
    module = Embed(network) if of_images else Reconstruct(network)
    example = torch.zeros(2, *shape, dtype=torch.uint8 if of_images else torch.float32)
    gives = ("coordinates", "activation", "probabilities") if of_images else ("decoded",)
    file = session(to_model(Graph(module, takes, example, gives), {"run": kind}).SerializeToString())
    rows = (255 * torch.rand(5, *shape)).to(torch.uint8) if of_images else torch.randn(5, *shape)
    with torch.no_grad():
        wanted = module(rows)
    for name, one, other in zip(gives, file.run(None, {takes: rows.numpy()}), wanted, strict=True):
        np.testing.assert_allclose(one, other.numpy(), **NEAR, err_msg=name)


def test_what_cannot_be_written_is_said_in_one_line(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="'mnist-grids' is a classifier; only networks with a map"):
        write(load_run("mnist-grids"), "onnx", tmp_path / "none")
    with pytest.raises(UserError, match=r'no_such_package must be installed .* `pip install "kernelviz\[onnx\]"`'):
        check_installed("json", "no_such_package")
    asks = nn.Module()
    asks.forward = lambda images: images * int(images.sum().item() > 3)
    with pytest.raises(UserError, match="^the network of the run 'asking' cannot be written as ONNX: .*$"):
        to_model(Graph(asks, "images", torch.zeros(2, 3), ("decoded",)), {"run": "asking"})
    monkeypatch.setattr(exporting, "LARGEST", 1000)
    with pytest.raises(UserError, match=f"^the network of the run '{RUN}' has 0.0 GB; an ONNX file has at most 2$"):
        write(load_run(RUN), "onnx", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_it_is_timed_beside_torch(kernelviz, monkeypatch):
    for name, value in {"RUNS": (RUN,), "IMAGES": (1, 3), "SECONDS": 0.01}.items():
        monkeypatch.setattr(benchmark, name, value)
    rows = json.loads(kernelviz("bench", "onnx", "--json")[1])["onnx"]["rows"]
    assert [row["images"] for row in rows] == [1, 3]
    for row in rows:
        assert row["time ratio"] == pytest.approx(row["onnxruntime ms"] / row["torch ms"])
        assert row["largest difference"] < 1e-4
