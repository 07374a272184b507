"""The benchmarks of speed on small layers and few images, and what all of them share, by hand."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from kernelviz.benchmarks import measuring
from kernelviz.benchmarks.networks import layer, step
from kernelviz.benchmarks.tools import place
from kernelviz.layers import Grid, KernelLinear
from kernelviz.layers.kernels import Gaussian


def test_every_round_does_each_side_once():
    done = []
    seconds = measuring.in_turn({name: lambda name=name: done.append(name) for name in "ab"}, 3)
    assert done == [*"ababab"] and {name: len(taken) for name, taken in seconds.items()} == {"a": 3, "b": 3}


def test_a_ratio_is_the_median_of_the_rounds():
    assert measuring.ratio([2.0, 6.0, 3.0], [1.0, 2.0, 3.0]) == 2


def test_a_kernel_layer_beside_a_dense_one_and_its_rows_are_kept(kernelviz, monkeypatch, tmp_path):
    monkeypatch.setenv("KERNELVIZ_RUNS", str(tmp_path))
    for name, small in {"INPUTS": 30, "GRID": (3, 4), "BATCH": 5, "ROUNDS": 2}.items():
        monkeypatch.setattr(layer, name, small)
    _, out, _ = kernelviz("bench", "layer", "--json")
    report = json.loads(out)["layer"]
    assert [row["times nn.Linear"] > 0 for row in report["rows"]] == [True] * 3
    assert report["rows"][0]["times nn.Linear"] == 1 and report["machine"]["torch"] == torch.__version__
    assert report["machine"]["processor"] and report["machine"]["cores"] >= report["machine"]["threads"] > 0
    kernelviz("bench", "layer")
    lines = [json.loads(line) for line in (tmp_path / measuring.KEPT).read_text().splitlines()]
    assert len(lines) == 2 and lines[0]["rows"] == report["rows"] and lines[0]["benchmark"] == "layer"


def test_the_operations_of_a_step_by_hand():
    grid = Grid(2, 3, 1.0)
    network = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), KernelLinear(2, 6, 2, Gaussian(), v=grid))
    # 6 and 12 weights: forward, to the weights, and but for the first layer to the inputs; for 5 images, two each
    assert step.operations_of(network, 5) == 5 * 2 * (6 + 6 + 12 + 12 + 12)


def test_a_step_beside_products_of_matrices(kernelviz, monkeypatch):
    small = {"encoder": (8,), "decoder": (8,), "grid": (5, 5)}
    monkeypatch.setattr(step, "RECIPE", step.replace(step.RECIPE, network=small, batch=4))
    for name, few in {"IMAGES": 16, "PRODUCT": 32, "ROUNDS": 2}.items():
        monkeypatch.setattr(step, name, few)
    rows = json.loads(kernelviz("bench", "step", "--json")[1])["step"]["rows"]
    assert rows[0]["products"] == "float32" and all(row["share"] > 0 for row in rows)


def test_placing_beside_another_tool(kernelviz, monkeypatch):
    digits = np.random.default_rng(0).integers(0, 256, (60, 28, 28), np.uint8)
    splits = {"train": (digits[:40], None), "test": (digits[40:], None)}
    monkeypatch.setattr(place, "load", lambda name: type("Digits", (), {"split": splits.get}))
    monkeypatch.setattr(place, "TOOLS", ("numpy",))
    monkeypatch.setattr(place, "installed", lambda name: np)
    monkeypatch.setattr(place, "PEERS", {"numpy": lambda tool, train, seed: (train[:, :2], lambda test: test[:, :2])})
    monkeypatch.setattr(place, "ROUNDS", 1)
    rows = json.loads(kernelviz("bench", "place", "--json")[1])["place"]["rows"]
    assert [row["images"] for row in rows] == [20] * 3 and rows[1]["times ours"] == pytest.approx(1)
    assert rows[2]["placed by"] == f"numpy {np.__version__}" and rows[2]["times ours"] < 1
