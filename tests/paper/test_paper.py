"""The experiments: their rows by hand, and what they do where nothing has been run."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from kernelviz.data.images import load
from kernelviz.disk import runs_folder
from kernelviz.paper import EXPERIMENTS, experiment, figure3, table1, table3, table4
from kernelviz.paper.beside import accuracy_beside, verdict
from kernelviz.tasks.recipes import RECIPES
from kernelviz.tasks.recommender import RecommenderRecipe
from kernelviz.training.session import new_training


@pytest.fixture
def digits_as_mnist(monkeypatch):
    monkeypatch.setattr(figure3, "load", lambda _: load("digits"))


@pytest.fixture
def little(monkeypatch, digits_as_mnist):
    """Figure 3 in seconds."""
    for name, value in {"DIMENSIONS": (1, 5), "HIDDEN": (16,), "SEEDS": 3, "RATES": (0.01,), "L2": (0.0, 1e-4)}.items():
        monkeypatch.setattr(figure3, name, value)
    monkeypatch.setattr(figure3, "EPOCHS", 2)
    monkeypatch.setattr(figure3, "TRIED", 1)


@pytest.mark.parametrize(
    ("ours", "paper", "tolerance", "lower", "expected"),
    [
        *((0.9, None, 0.1, False, "not given"), (0.9, 0.92, 0.03, False, "agrees"), (0.9, 0.85, 0.03, False, "better")),
        *((0.8, 0.85, 0.03, False, "below"), (0.8, 0.85, 0.03, True, "better"), (0.9, 0.85, 0.03, True, "below")),
    ],
)
def test_the_verdict_by_hand(ours, paper, tolerance, lower, expected):
    assert verdict(ours, paper, tolerance, lower_is_better=lower) == expected


def test_an_accuracy_agrees_within_two_standard_errors_of_the_test_images_or_the_seeds():
    assert accuracy_beside("a", 0.9, 0.9059) == {
        "what": "a",
        "paper": "90.59 %",
        "ours": "90.00 %",
        "verdict": "agrees",
    }
    assert accuracy_beside("a", 0.9, 0.9061)["verdict"] == "below"  # 2 sqrt(0.9 x 0.1 / 10,000) = 0.006
    assert accuracy_beside("a", 0.9, 0.919, 0.01)["verdict"] == "agrees"
    assert accuracy_beside("a", 0.9, None, 0.01)["ours"] == "90.00 ± 1.00 %"


def test_every_experiment_says_what_it_is():
    for name in EXPERIMENTS:
        module = experiment(name)
        assert module.SHOWS and (hasattr(module, "FIGURE") or not hasattr(module, "render"))
        assert module.TITLE and module.SPREAD and all(command.startswith("kernelviz ") for command in module.COMMANDS)


def test_figure_3_is_trained_once_and_stored(little, kernelviz, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kernelviz.evaluation.measured_rows.own_file", lambda *parts: tmp_path / "none")
    code, out, _ = kernelviz("reproduce", "figure3", "--json")
    report = json.loads(out)
    assert code == 0 and (tmp_path / "figure3.html").read_text().endswith("</html>")
    assert [row["what"] for row in report["rows"]][2:4] == ["dot product, d = 1", "dot product, d = 5"]
    assert report["rows"][0]["paper"] == "Gaussian, polynomial, dot product"
    rows = json.loads((runs_folder() / "figure3.json").read_text())["rows"]
    assert len(rows) == 3 * 2 * 3 and {row["seed"] for row in rows} == {0, 1, 2}
    assert all(0.05 < row["test_accuracy"] < 1 and row["rate"] == 0.01 and row["l2"] in (0.0, 1e-4) for row in rows)
    monkeypatch.setattr(figure3, "BatchedTask", None)  # nothing is trained again
    assert json.loads(kernelviz("reproduce", "figure3", "--json")[1]) == report


def test_what_is_measured_already_is_not_done_again(little, monkeypatch, tmp_path):
    monkeypatch.setattr("kernelviz.evaluation.measured_rows.own_file", lambda *parts: tmp_path / "none")
    notes = []
    figure3.train(notes.append, again=False)
    path = runs_folder() / "figure3.json"
    rows = json.loads(path.read_text())["rows"]
    path.write_text(json.dumps({"rows": [row for row in rows if row["kernel"] != "polynomial"]}))
    again = []
    figure3.train(again.append, again=False)
    assert {note.split(",")[0] for note in again} == {"polynomial"} and len(again) < len(notes)


def test_mean_and_standard_error_by_hand():
    rows = [{"kernel": "Gaussian", "dim": 2, "test_accuracy": value} for value in (0.9, 0.92, 0.94)]
    (row,) = figure3.summary(rows)
    assert row["mean"] == pytest.approx(0.92) and row["error"] == pytest.approx(0.02 / np.sqrt(3))


@pytest.fixture
def little_grids(monkeypatch, tmp_path):
    """Table 1 in seconds, on 8 x 8 pixels."""
    network = {"maps": (3,), "sides": (4,), "widths": (1.5,), "dropouts": (0.5,)}
    changed = {
        name: replace(RECIPES[name], network=RECIPES[name].network | network, epochs=1, mixed=False)
        for name in table1.PAPER
    }
    monkeypatch.setattr(table1, "RECIPES", changed)
    monkeypatch.setattr(table1, "load", lambda _: load("digits"))
    monkeypatch.setattr(table1, "SEEDS", 2)
    monkeypatch.setattr(table1, "NOISES", (0.0, 0.5))
    monkeypatch.setattr("kernelviz.evaluation.measured_rows.own_file", lambda *parts: tmp_path / "none")


def test_table_1_has_every_row_and_uncertain_positions(little_grids, kernelviz):
    code, out, _ = kernelviz("reproduce", "table1", "--json")
    rows = json.loads(out)["rows"]
    assert code == 0 and [row["what"] for row in rows] == [
        "positions known",
        "positions unknown, trained from random ones",
        "positions unknown, found in the images",
        "known to 0.5 px",
    ]
    assert [row["paper"] for row in rows] == ["99.03 %", "98.89 %", "98.89 %", "–"]
    measured = json.loads((runs_folder() / "table1.json").read_text())["rows"]
    assert len(measured) == 7 and all(0 < row["test_accuracy"] < 1 for row in measured)
    assert json.loads(kernelviz("reproduce", "table1", "--json")[1])["rows"] == rows


def test_the_curve_over_the_noise_is_that_of_the_rows(little_grids):
    table1.train(lambda _: None, again=False)
    test, shifted = table1.figure().data
    assert list(test.x) == [0.0, 0.5] and "shifted by 2" in shifted.name
    rows = json.loads((runs_folder() / "table1.json").read_text())["rows"]
    known = [row for row in rows if row["recipe"] == "mnist-grids" and row["seed"] == 0]
    assert list(shifted.y) == [100 * row["shifted_accuracy"] for row in sorted(known, key=lambda row: row["noise"])]


def test_what_shows_runs_is_not_done_again(kernelviz):
    code, _, errors = kernelviz("reproduce", "figure6", "--again")
    assert code == 2 and "train these again: kernelviz train mnist-autoencoder" in " ".join(errors.split())


def test_images_are_shifted_by_hand():
    images = np.zeros((9, 7, 7), np.uint8)
    images[:, 3, 3] = 255
    coordinates = [tuple(int(at[0]) for at in np.nonzero(image)) for image in table1.shifted(images)]
    assert coordinates[:8] == [(1, 1), (1, 3), (1, 5), (3, 1), (3, 5), (5, 1), (5, 3), (5, 5)] and coordinates[8] == (
        1,
        1,
    )


def test_figure_4_renders_receptive_fields(monkeypatch, tmp_path, kernelviz):
    from kernelviz.data.images import load
    from kernelviz.training.finish import finish

    network = {"side": 8, "maps": (13, 2), "sides": (6, 3), "widths": (1.5, 1.0)}
    recipe = replace(RECIPES["mnist-grids"], data="digits", network={"known": True} | network, epochs=1, mixed=False)
    training = new_training(recipe, load("digits"), 0, "cpu")
    for _ in training.run():
        pass
    (runs_folder() / "mnist-grids").mkdir(parents=True)
    finish(training, runs_folder() / "mnist-grids", "by a test")
    monkeypatch.chdir(tmp_path)
    code, out, _ = kernelviz("reproduce", "figure4", "--json")
    picture = np.asarray(Image.open(json.loads(out)["figure"]))
    assert code == 0 and picture.ndim == 2 and min(picture.shape) > 400
    (row,) = json.loads(out)["rows"]
    assert row["ours"].endswith(" %") and row["verdict"] == "not given"
    code, out, _ = kernelviz("evaluate", "mnist-grids", "--json")
    assert code == 0 and set(json.loads(out)) == {"test_accuracy"}


@pytest.fixture
def little_ratings(monkeypatch, tmp_path, opinions, library):
    """Tables 3 and 4 in seconds, on made-up opinions."""
    monkeypatch.setattr("kernelviz.evaluation.measured_rows.own_file", lambda *parts: tmp_path / "none")
    changed = {
        name: replace(
            made,
            network=made.network | {"hidden": (4,) * len(made.network["hidden"])},
            l2=0.3,
            sparsity=0.01,
            epochs=1,
        )
        for name, made in RECIPES.items()
        if isinstance(made, RecommenderRecipe)
    }
    monkeypatch.setattr(table3, "RECIPES", changed)
    monkeypatch.setattr(table4, "RECIPES", changed)
    monkeypatch.setattr(table4, "SPARSITIES", (0.0, 100.0))
    monkeypatch.setattr(table3, "SPLITS", 1)
    monkeypatch.setattr("kernelviz.tasks.item_map.STEPS", 2)
    for module in (table3, table4):
        monkeypatch.setattr(module, "load_ratings", lambda _: opinions)


@pytest.mark.slow
def test_table_3_has_mean_and_spread_of_every_network(little_ratings, kernelviz):
    code, out, _ = kernelviz("reproduce", "table3", "--json")
    rows = json.loads(out)["rows"]
    papers = [f"{paper:.3f}" for paper in table3.PAPER.values()]
    assert code == 0 and [row["paper"] for row in rows[:9]] == papers
    assert (
        rows[9] == {"what": "ML-100K, LLORMA", "paper": "0.898", "ours": "not trained here", "verdict": "–"}
        and len(rows) == 17
    )
    assert rows[0]["what"] == "ML-100K, Sparse FC (1)" and rows[0]["ours"].endswith("(1 split)")
    measured = json.loads((runs_folder() / "table3.json").read_text())["rows"]
    assert len(measured) == 9 and {row["seed"] for row in measured} == {0}
    assert all(0 < row["test_rmse"] < 3 and row["density"] <= 1 for row in measured)
    kernelviz("reproduce", "table3", "--splits", "2", "--json")
    more = json.loads((runs_folder() / "table3.json").read_text())["rows"]
    assert len(more) == 9 * 2 and more[: len(measured)] == measured  # what was measured is not done again


def test_splits_are_for_table_3(kernelviz):
    code, _, errors = kernelviz("reproduce", "table2", "--splits", "2")
    assert code == 2 and "--splits is for table3" in errors


def test_the_summary_of_splits_by_hand():
    costs = {"density": 0.5, "parameters": 10, "macs": 4, "new_rmse": 1.0}
    rows = [{"recipe": "ml1m-autorec-1", "test_rmse": value} | costs for value in (0.8, 0.82, 0.84)]
    (row,) = table3.summary(rows)
    assert row["mean"] == pytest.approx(0.82) and row["error"] == pytest.approx(0.02 / np.sqrt(3))
    assert row["splits"] == 3 and row["density"] == 0.5
    assert table3.said(row) == "0.8200 ± 0.0115 (3 splits)"


@pytest.mark.slow
def test_table_4_shows_what_sparsity_costs(little_ratings, kernelviz):
    kernelviz("reproduce", "table3", "--json")
    rows = json.loads(kernelviz("reproduce", "table4", "--json")[1])["rows"]
    networks = ("Sparse FC (1)", "Sparse FC (2)", "I-AutoRec (1)", "KernelNet (1)")
    assert [row["what"] for row in rows] == [
        *(f"ML-1M, {name}: {one}" for name in networks for one in ("parameters", "multiply-accumulates", "RMSE")),
        *("ML-100K, Sparse FC (2), λ₀ = 0", "ML-100K, Sparse FC (2), λ₀ = 100"),
    ]
    assert [row["paper"] for row in rows[6:9]] == ["6.05 M", "3.03 M", "0.831"]
    assert rows[0]["verdict"] == "–" and rows[6]["verdict"] == "better"  # counted otherwise; and far fewer
    (curve,) = table4.figure().data
    assert list(curve.text) == ["λ₀ = 0", "λ₀ = 100"] and curve.x[1] <= curve.x[0] == 100
