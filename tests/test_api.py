"""The Python API: what a notebook or a script does with a run."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import kernelviz
from kernelviz.evaluation.inference import decode_probes, embed
from kernelviz.layers.probe import Probe


@pytest.fixture
def run(library, autoencoder, monkeypatch):
    """The run "tiny", loaded."""
    monkeypatch.setenv("KERNELVIZ_RUNS", str(library))
    return kernelviz.load("tiny")


def test_importing_it_takes_no_torch_and_every_name_is_there():
    check = "import sys, kernelviz; sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], timeout=60).returncode == 0
    assert all(getattr(kernelviz, name) is not None for name in kernelviz.__all__)
    assert {"load", "runs", "train", "KernelLinear", "kernels", "UserError"} <= set(dir(kernelviz))


def test_the_runs_are_a_table(library, autoencoder, recommender, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_RUNS", str(library))
    table = kernelviz.runs()
    assert table.loc["tiny", "kind"] == "embedding" and table.loc["advice", "kind"] == "recommender"
    assert table.loc["tiny", "map_5nn"] == autoencoder.metrics["map_5nn"]


def test_a_broken_run_is_a_warning(tmp_path, autoencoder, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_RUNS", str(tmp_path))
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "run.json").write_text("{")
    with pytest.warns(UserWarning, match="half.run.json is not the record of a run"):
        assert "half" not in kernelviz.runs().index


def test_images_are_embedded_as_by_the_network(run, digits):
    images = digits.test_images[:9]
    found = run.embed(images)
    wanted = embed(run.network, images)
    np.testing.assert_array_equal(found.coordinates, wanted.coordinates)
    np.testing.assert_array_equal(found.activations, wanted.activation)
    np.testing.assert_array_equal(run.transform(images), wanted.coordinates)
    assert len(found) == 9 and found.names == [str(at) for at in range(9)] and found.probabilities.shape == (9, 0)
    assert set(found.prediction) <= set(run.classes) and found.confidence.max() <= 1
    assert ((found.novelty >= 0) & (found.novelty <= 100)).all() and "<table" in found._repr_html_()


def test_every_kind_of_image_is_taken(run, digits, tmp_path):
    image = Image.fromarray(digits.test_images[0])
    image.save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    array, picture, path = (run.embed([one]).coordinates for one in (digits.test_images[0], image, tmp_path / "a.png"))
    np.testing.assert_array_equal(array, picture)
    np.testing.assert_array_equal(array, path)
    found = run.embed(tmp_path)
    assert len(found) == 1 and found.names[0].endswith("a.png")
    assert found.rejected[0].name.endswith("b.png") and "not a picture" in found.rejected[0].reason


def test_images_of_another_shape_are_preprocessed(run):
    found = run.embed([np.zeros((30, 20, 3), np.uint8), Image.new("RGBA", (50, 50), "white")])
    assert found.coordinates.shape == (2, 2)


@pytest.mark.parametrize(
    "images, said",
    [
        ([], "there is no image to embed"),
        ([np.zeros((8, 8))], "uint8 array .* not float64 .8, 8."),
        ([np.zeros((8, 8, 4), np.uint8)], "not uint8 .8, 8, 4."),
        ([3], "a uint8 array, a Pillow image or a path, not int"),
        (["nowhere.png"], "no image to embed .nowhere.png: there is no such file"),
    ],
    ids=["nothing", "floats", "four channels", "a number", "no file"],
)
def test_what_is_no_image_is_the_users_mistake(run, images, said):
    with pytest.raises(kernelviz.UserError, match=said):
        run.embed(images)


def test_coordinates_are_decoded_as_by_the_network(run):
    centers = [[0.0, 1.0], [-2.0, 0.5]]
    probe = Probe(**run.record.probe)
    wanted = decode_probes(run.network, np.array(centers), probe)
    np.testing.assert_array_equal(run.decode(centers), wanted)
    np.testing.assert_array_equal(run.inverse_transform(centers), wanted)
    np.testing.assert_array_equal(run.decode([0.0, 1.0]), wanted[:1])
    wide = decode_probes(run.network, np.array(centers), Probe(1.5, probe.amplitude))
    np.testing.assert_array_equal(run.decode(centers, width=1.5), wide)


@pytest.mark.parametrize("coordinates", [[[1.0, 2.0, 3.0]], [[np.nan, 0.0]], [[]]], ids=["three", "nan", "none"])
def test_what_are_no_coordinates_is_the_users_mistake(run, coordinates):
    with pytest.raises(kernelviz.UserError, match=r"shape \[n, 2\] and are finite"):
        run.decode(coordinates)


def test_without_a_decoder_nothing_is_decoded(library, classifier, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_RUNS", str(library))
    with pytest.raises(kernelviz.UserError, match="'namer' has no decoder"):
        kernelviz.load("namer").decode([[0, 0]])


def test_the_map_is_a_table_of_all_images(run, digits):
    table = run.map
    assert table["split"].value_counts().to_dict() == {"train": 1250, "validation": 250, "test": 297}
    test = table[table["split"] == "test"]
    assert test["label"].tolist() == [run.classes[label] for label in digits.test_labels]
    np.testing.assert_allclose(test[["x", "y"]].to_numpy(), run.transform(digits.test_images))


def test_the_plot_has_every_point_and_says_what_it_can_show(run):
    figure = run.plot()
    assert sum(len(trace.x) for trace in figure.data) == run.points.of_split("test").placed.sum()
    assert len(run.plot(colour="confidence", split="train").data) == 1
    with pytest.raises(kernelviz.UserError, match="coloured by label, prediction.*, not for 'test' by 'hue'"):
        run.plot(colour="hue")


def test_a_notebook_shows_the_map_and_the_metrics(run):
    shown = run._repr_html_()
    assert 'src="data:image/png' in shown and "map_5nn" in shown and "tiny" in shown
    assert run.history["epoch"].tolist() == [*range(1, 9)] and run.metrics == run.record.metrics


def test_a_recommender_recommends(library, recommender, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_RUNS", str(library))
    run = kernelviz.load("advice")
    table = run.recommend({100: 5.0, 102: 5.0, 101: 1.0})
    assert (table["item"].head(10) % 2 == 0).all()  # those who like the even items like all of them
    assert not set(table["item"]) & {100, 101, 102} and table["predicted"].is_monotonic_decreasing
    with pytest.raises(kernelviz.UserError, match="'advice' has no item 7"):
        run.recommend({7: 3.0})


def test_a_run_is_trained_from_python(tiny_recipe, monkeypatch):
    run = kernelviz.train("tiny", epochs=1, name="mine", seed=3, progress=False)
    assert run.name == "mine" and run.record.seed == 3 and len(run.history) == 1
    with pytest.raises(kernelviz.UserError, match="there is a finished run"):
        kernelviz.train("tiny", name="mine", progress=False)
    with pytest.raises(kernelviz.UserError, match="unknown recipe 'nosuch'"):
        kernelviz.train("nosuch")


def test_the_layers_train_in_somebody_elses_network():
    grid = kernelviz.Grid(6, 6, 3.0)
    layer = kernelviz.KernelLinear(5, grid.size, 2, kernelviz.kernels.Gaussian(2.0), v=grid)
    network = torch.nn.Sequential(torch.nn.Linear(4, 5), layer, kernelviz.PercentileClip(0.5))
    optimizer, images = torch.optim.Adam(network.parameters(), 0.05), torch.rand(32, 4)
    wanted = 2 * torch.rand(32, 2) - 1
    costs = []
    for _ in range(60):
        cost = (kernelviz.center_of_mass(network(images), grid.positions()) - wanted).square().mean()
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        costs.append(cost.item())
    assert costs[-1] < 0.8 * costs[0]


PUBLIC = ["kernelviz.api", *(f"kernelviz.{package}" for package in ("api", "layers"))]
MODULES = sorted(
    f"{package}.{module.name}"
    for package in set(PUBLIC)
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__)
)


@pytest.mark.parametrize("name", ["kernelviz.api", *MODULES])
def test_the_examples_of_the_docstrings_run(name, capsys):
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert not failed, capsys.readouterr().out


def test_the_public_docstrings_have_examples():
    tried = [doctest.DocTestFinder().find(importlib.import_module(name)) for name in ("kernelviz.api", *MODULES)]
    assert sum(bool(one.examples) for found in tried for one in found) >= 8


def test_the_table_of_an_embedding_is_that_of_the_command(run, digits):
    table = run.embed(digits.test_images[:3]).table
    assert isinstance(table, pd.DataFrame) and table.columns[:4].tolist() == ["name", "x", "y", "prediction"]
