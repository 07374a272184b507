"""A recommender learns in the same loop, by any optimizer, and its run says how well it does."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from kernelviz.evaluation.metrics import folded_error
from kernelviz.networks.recommender import rating_matrix
from kernelviz.storage.items import fold_in, load_items
from kernelviz.storage.record import RecommenderRun
from kernelviz.storage.weights import load_network
from kernelviz.tasks import TASKS
from kernelviz.tasks.recipes import RATINGS, RECIPES
from kernelviz.training import checkpoint
from kernelviz.training.ranks import ALONE
from kernelviz.training.session import new_training

SHORT = replace(
    RATINGS,
    network={"kind": "sparse-fc", "hidden": (6,)},
    l2=0.3,
    sparsity=0.01,
    epochs=3,
    validation=0.1,
)
OPTIMIZERS = {
    "lbfgs": {},
    "rprop": {"optimizer": "rprop", "rate": 0.01},
    "adam": {"optimizer": "adam", "rate": 0.02, "batch": 8, "epochs": 60},
}


def trained(recipe, ratings, seed=0):
    training = new_training(recipe, ratings, seed, "cpu")
    for _ in training.run():
        pass
    return training


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sparse-fc", "autorec", "kernelnet"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_it_learns_by_any_optimizer(kind, optimizer, opinions):
    recipe = replace(SHORT, network=SHORT.network | {"kind": kind}, **OPTIMIZERS[optimizer])
    training = trained(recipe, opinions)
    last = training.progress.history[-1]
    spread = float(opinions.value.std())
    assert last["train_rmse"] < 0.7 * spread and last["validation_rmse"] < 0.8 * spread
    assert ("density" in last) == (kind == "sparse-fc")


def test_the_cost_is_that_of_the_paper(opinions):
    training = new_training(SHORT, opinions, 0, "cpu")
    everything, generator = np.arange(training.task.size), torch.Generator()
    known = opinions.matrix(opinions.split(0, 0.1)["train"])
    errors = training.network(rating_matrix(known), rating_matrix(known)) - rating_matrix(known).values
    penalty = training.network.penalty(training.network.weights(), 0.3, 0.01)
    torch.testing.assert_close(training.task.loss(everything, generator, ALONE), errors.square().sum() / 2 + penalty)
    parts = [training.task.loss(rows, generator, ALONE) for rows in np.array_split(everything, 4)]
    torch.testing.assert_close(torch.stack(parts).sum(), training.task.loss(everything, generator, ALONE))


def test_the_test_part_is_never_seen(opinions):
    parts = opinions.split(0, SHORT.validation)
    other = replace(opinions, value=np.where(parts["test"], 1, opinions.value).astype(np.float32))
    ours, theirs = trained(SHORT, opinions), trained(SHORT, other)
    assert all(torch.equal(*pair) for pair in zip(ours.network.parameters(), theirs.network.parameters(), strict=True))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_stopped_training_goes_on_to_the_same_weights(optimizer, opinions, tmp_path):
    recipe = replace(SHORT, **OPTIMIZERS[optimizer] | {"epochs": 3})
    whole, part = trained(recipe, opinions), new_training(recipe, opinions, 0, "cpu")
    next(part.run())
    checkpoint.save(part, tmp_path)
    rest = new_training(recipe, opinions, 0, "cpu")
    checkpoint.resume(rest, tmp_path)
    for _ in rest.run():
        pass
    for one, other in zip(whole.network.parameters(), rest.network.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_run_has_its_metrics_and_its_items(recommender, opinions):
    metrics = recommender.metrics
    assert metrics["test_rmse"] < 1 and metrics["new_rmse"] < 1
    assert metrics["parameters"] == sum(w.numel() for w in load_network(recommender).parameters())
    assert 0 < metrics["density"] <= 1 and 0 <= metrics["dead_share"] <= 1
    assert TASKS[recommender.kind].evaluate(recommender, load_network(recommender), opinions) == pytest.approx(metrics)
    items = load_items(recommender.folder)
    assert items.item.tolist() == list(range(100, 125))
    assert items.count.sum() == opinions.split(0, 0.1)["train"].sum()
    assert np.isfinite(items.coordinates).all()
    assert isinstance(recommender, RecommenderRun)
    written = {path.name for path in recommender.folder.iterdir()}
    assert written == {"run.json", "weights.safetensors", "items.parquet"}  # and no rating of any user


def test_someone_new_who_likes_the_even_items_is_told_so(recommender):
    items = load_items(recommender.folder)
    predicted, added = fold_in(items, np.array([0, 2, 1]), np.array([5.0, 5.0, 1.0]), 0.5)
    assert predicted[4::2].min() > predicted[3::2].max() + 1
    assert (added[4] > 0).all() and (added[3] < 0).all()


def test_items_that_are_liked_by_the_same_people_are_near_each_other_on_the_map(recommender):
    coordinates = load_items(recommender.folder).coordinates
    even, odd = coordinates[::2], coordinates[1::2]
    assert np.linalg.norm(even.mean(0) - odd.mean(0)) > even.std(0).max() + odd.std(0).max()


def test_the_error_of_someone_new_is_that_of_every_user_by_themselves(recommender, opinions):
    items, parts = load_items(recommender.folder), opinions.split(0, 0.1)
    known, asked = (opinions.matrix(parts[name]).T.tocsr() for name in ("train", "test"))
    errors = []
    for user in range(len(opinions.users)):
        predicted, _ = fold_in(items, known[user].indices, known[user].data, 0.5)
        errors += list(predicted[asked[user].indices].clip(1, 5) - asked[user].data)
    assert folded_error(items, known, asked, 0.5, (1.0, 5.0)) == pytest.approx(np.sqrt(np.mean(np.square(errors))))


@pytest.mark.slow
def test_ratings_of_ones_own_are_trained_on_by_one_command(kernelviz, shared, opinions, monkeypatch):
    monkeypatch.setitem(RECIPES, "sparse-fc", replace(SHORT, data=""))
    code, _, errors = kernelviz("train", "sparse-fc")
    assert code == 2 and "give --data, a table of user, item, rating" in " ".join(errors.split())
    code, out, errors = kernelviz("train", "sparse-fc", "--data", shared / "opinions.csv", "--name", "mine", "--json")
    metrics = json.loads(out)["metrics"]
    assert code == 0 and metrics["test_rmse"] < 1 and "items/s" in errors
    code, out, _ = kernelviz("evaluate", "mine", "--json")
    assert code == 0 and json.loads(out) == pytest.approx(metrics)
    assert kernelviz("train", "sparse-fc", "--data", "nowhere.csv")[0] == 2
