"""The runs that travel with kernelviz: whole, of the size that may be shipped, and able to decode."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from kernelviz.data import movielens
from kernelviz.data.images import SETS
from kernelviz.data.named import SHAPES
from kernelviz.data.shapes import shapes_listing
from kernelviz.evaluation.inference import decode_probes
from kernelviz.layers.probe import Probe
from kernelviz.paper import figure3, table1, table3, table4
from kernelviz.storage.calibration import FILE, load_calibration
from kernelviz.storage.embedding_map import SPLITS, load_map
from kernelviz.storage.record import read_run
from kernelviz.storage.weights import load_network

PRETRAINED = Path(__file__).parents[1] / "pretrained"
FOLDERS = sorted(path for path in PRETRAINED.glob("*") if path.is_dir())
IMAGES = {  # of training and test
    "digits": (1500, 297),
    "mnist": (60_000, 10_000),
    "fashion_mnist": (60_000, 10_000),
    "cifar10": (50_000, 10_000),
}
RUNS = {folder: read_run(folder) for folder in FOLDERS}
MAPPED = [folder for folder, run in RUNS.items() if run.kind == "embedding"]
shipped = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
mapped = pytest.mark.parametrize("folder", MAPPED, ids=lambda folder: folder.name)


def test_there_are_shipped_runs():
    assert FOLDERS, f"shipped runs are missing: {PRETRAINED} has no folder; train them and put them there"


def test_all_together_are_small_enough():
    assert sum(path.stat().st_size for path in PRETRAINED.rglob("*") if path.is_file()) < 110e6


def test_peers_were_measured_beside_them():
    peers = json.loads((PRETRAINED / "peers.json").read_text())["rows"]
    assert [row["method"].split()[0] for row in peers] == ["umap-learn", "openTSNE", "pacmap"]
    assert all(0.9 < row["map_1nn"] < row["map_5nn"] < 0.99 and row["fit_seconds"] > 1 for row in peers)


@shipped
def test_a_map_says_what_is_usual_in_little_space(folder):
    usual = load_calibration(folder)
    assert (usual is not None) == (RUNS[folder].kind == "embedding")
    if usual:
        assert "pixels" in usual.gaussians and (folder / FILE).stat().st_size < 450_000
        assert len(usual.gaussians.keys() & {"features", "backbone", "stages"}) == 1


@shipped
def test_every_file_is_small_enough_and_nothing_is_left_over(folder):
    assert all(path.stat().st_size < 45e6 for path in folder.rglob("*") if path.is_file())
    points = {
        "embedding": {"map.parquet", "novelty.safetensors"},
        "recommender": {"items.parquet"},
        "classifier": set(),
    }
    files = {"run.json", "weights.safetensors"} | points[RUNS[folder].kind]  # of a recommender no rating, and no title
    if RUNS[folder].data["name"] == SHAPES:  # the only pictures that may be shipped: code painted them
        files |= {"thumbnails.parquet", "table.parquet"}
    films = {"epochs.safetensors"} if RUNS[folder].kind == "embedding" else set()
    assert {path.name for path in folder.iterdir()} - films == files  # the backbone of a head is shipped once
    assert not {path.suffix for path in folder.rglob("*")} & {".partial", ".pt", ".pkl", ".npz"}
    assert not (folder / "checkpoint.safetensors").exists()


@shipped
def test_the_weights_are_those_of_the_record_and_load(folder):
    run = read_run(folder)
    assert hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest() == run.weights_sha256
    assert all(weight.isfinite().all() for weight in load_network(run).state_dict().values())


@shipped
def test_the_record_is_complete(folder):
    run = read_run(folder)
    assert run.history and run.metrics and run.made_by["command"].startswith(("kernelviz train", "kernelviz map"))
    assert len(run.history) == run.recipe["epochs"]
    assert run.data["name"] in {SHAPES, *SETS, *movielens.SETS}
    if run.kind == "recommender":
        assert run.metrics["test_rmse"] < 0.95
    else:
        chance = 1 / len(run.classes)
        assert run.metrics["map_5nn" if run.kind == "embedding" else "test_accuracy"] > 1.5 * chance


@mapped
def test_the_map_has_every_image_once(folder):
    run, points = read_run(folder), load_map(folder)
    if run.data["name"] == SHAPES:  # split by content
        sizes = tuple(len(points.of_split(split)) for split in SPLITS)
        assert min(sizes[:3]) > 200 and sum(sizes) == len(shapes_listing())
    else:
        n_train, n_test = IMAGES[run.data["name"]]
        n_validation = int(n_train * run.validation + 1e-6)
        sizes = (n_train - n_validation, n_validation, n_test, 0)
    for split, size in zip(SPLITS, sizes, strict=True):
        part = points.of_split(split)
        np.testing.assert_array_equal(np.sort(part.index), np.arange(size))
    assert len(points) == sum(sizes)
    assert points.placed.mean() > 0.99
    reach = run.extent + 1e-3
    assert (np.abs(points.coordinates[points.placed]) <= reach).all()
    assert points.label.min() >= 0 and points.label.max() == len(run.classes) - 1
    assert (points.prediction[points.placed] >= 0).all() and (points.confidence[points.placed] > 0).all()


@mapped
def test_the_map_is_as_good_as_the_record_says(folder):
    run, test = read_run(folder), load_map(folder).of_split("test")
    named = "test_accuracy" if run.has_classifier else "map_5nn"
    assert (test.prediction == test.label).mean() == pytest.approx(run.metrics[named], abs=0.01)


@mapped
def test_probes_decode_other_images_at_other_coordinates(folder):
    run = read_run(folder)
    if not run.has_decoder:
        assert "classify" in run.recipe["objectives"]
        return
    channels, height, width = run.decoded_shape
    extent = run.extent
    decoded = decode_probes(load_network(run), np.array([[-0.5, -0.5], [0.5, 0.5]]) * extent, Probe(**run.probe))
    assert decoded.shape == ((2, height, width) if channels == 1 else (2, height, width, channels))
    assert all(image.max() > 100 for image in decoded) and not (decoded[0] == decoded[1]).all()


def test_figure_3_was_measured_and_shows_what_the_paper_says():
    rows = figure3.summary(json.loads((PRETRAINED / "figure3.json").read_text())["rows"])
    by = {(row["kernel"], row["dim"]): row for row in rows}
    assert len(by) == len(figure3.KERNELS) * len(figure3.DIMENSIONS) and all(row["error"] < 0.02 for row in rows)
    lowest, highest = ([by[kernel, dim]["mean"] for kernel in figure3.KERNELS] for dim in (1, 50))
    assert lowest[0] < lowest[1] < lowest[2]
    assert highest[0] > max(highest[1:]) and highest[0] - min(highest) < 0.01


def test_table_1_was_measured_and_known_positions_are_worth_more():
    rows = json.loads((PRETRAINED / "table1.json").read_text())["rows"]
    known, unknown, found = (
        [row["test_accuracy"] for row in rows if (row["recipe"], row["noise"]) == (name, 0.0)] for name in table1.PAPER
    )
    assert len(known) == len(unknown) == len(found) == table1.SEEDS
    assert sum(known) / len(known) >= 0.9903 and min(known) > max(unknown) >= 0.98
    assert sum(known) / len(known) > sum(found) / len(found) >= 0.9889


AT_MOST = {  # RMSE
    "ml100k-sparse-fc-1": 0.89,
    "ml100k-sparse-fc-2": 0.894,
    "ml100k-autorec-1": 0.898,
    "ml100k-kernelnet-1": 0.9,
    "ml100k-kernelnet-2": 0.903,
    "ml1m-sparse-fc-1": 0.832,
    "ml1m-sparse-fc-2": 0.825,
    "ml1m-autorec-1": 0.833,
    "ml1m-kernelnet-1": 0.84,
}


def test_table_3_was_measured():
    rows = table3.summary(json.loads((PRETRAINED / "table3.json").read_text())["rows"])
    measured = {row["recipe"]: row for row in rows}
    for name, most in AT_MOST.items():
        assert measured[name]["splits"] == table3.SPLITS and measured[name]["mean"] <= most
    assert measured["ml100k-sparse-fc-2"]["density"] < 0.5 and measured["ml1m-sparse-fc-2"]["macs"] < 2.3e6


def test_dense_networks_cost_what_table_4_says():
    ours = {row["what"]: row["ours"] for row in table4.rows()}
    for name, parameters in {"ML-1M, I-AutoRec (1)": "6.05 M", "ML-1M, KernelNet (1)": "0.67 M"}.items():
        assert (ours[f"{name}: parameters"], ours[f"{name}: multiply-accumulates"]) == (parameters, "3.03 M")


def test_what_sparsity_costs_was_measured():
    rows = json.loads((PRETRAINED / "table4.json").read_text())["rows"]
    assert tuple(row["sparsity"] for row in rows) == table4.SPARSITIES
    densities = [row["density"] for row in rows]
    assert densities == sorted(densities, reverse=True) and densities[0] == 1 and densities[-1] < 0.01
    assert rows[-1]["test_rmse"] > rows[0]["test_rmse"]


DEPTHS = {31: (0.926, 0.9), 21: (0.86, 0.76), 11: (0.75, 0.55)}  # depth: accuracy and 5-NN, at least


def test_the_resnet_and_its_heads_have_one_backbone_and_are_no_worse_than_they_were():
    whole = read_run(PRETRAINED / "cifar10-resnet32")
    assert whole.metrics["test_accuracy"] > 0.925
    for layers, (accuracy, nearest) in DEPTHS.items():
        head = read_run(PRETRAINED / f"cifar10-resnet32-kept{layers}")
        assert head.backbone["sha256"] == whole.weights_sha256 and head.backbone["layers"] == layers
        assert head.metrics["test_accuracy"] > accuracy and head.metrics["map_5nn"] > nearest


def test_every_depth_of_the_resnet_was_measured():
    backbone = read_run(PRETRAINED / "cifar10-resnet32").weights_sha256
    rows = json.loads((PRETRAINED / "profile.json").read_text())["rows"]
    assert [row["layers"] for row in rows] == list(range(1, 32, 2)) and {row["backbone"] for row in rows} == {backbone}
    assert rows[0]["test_accuracy"] < 0.7 < 0.9 < rows[-1]["test_accuracy"]
    assert all(0.1 < row["map_1nn"] <= row["map_5nn"] + 0.02 < 1 for row in rows)
