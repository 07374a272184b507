"""Runs side by side, and their settings for another training."""

from dataclasses import replace

from kernelviz.data.batches import Jitter
from kernelviz.library.comparing import are_comparable, best_of, differing, metrics_of, written
from kernelviz.library.settings import same_recipe


def test_the_settings_that_differ_are_those_of_every_run(autoencoder, neighbourly, classifier):
    found = differing([autoencoder, neighbourly, classifier])
    assert found["epochs"] == [8, 12, 4] and found["width"] == [2.0, 4.0, 2.0]
    assert found["has decoder"] == [True, True, False] and "extent" not in found
    assert differing([autoencoder, autoencoder]) == {}


def test_what_is_zero_does_not_differ_from_what_is_unset(autoencoder):
    old = replace(autoencoder, recipe={k: v for k, v in autoencoder.recipe.items() if k not in ("views", "column")})
    assert differing([autoencoder, old]) == {} == differing([old, autoencoder, old])


def test_metrics_have_a_value_for_each_run_and_the_best_is_known(autoencoder, classifier):
    found = metrics_of([autoencoder, classifier])
    assert found["test_accuracy"][0] is None and found["map_5nn"][1] == classifier.metrics["map_5nn"]
    assert "seconds_per_10000" not in found
    assert best_of("map_5nn", [0.9, 0.95, None, 0.95001]) == {1, 3}  # shown alike
    assert best_of("test_mse", [0.2, 0.1]) == {1}
    assert best_of("map_5nn", [0.9, None]) == set() == best_of("map_5nn", [0.9, 0.9])
    assert are_comparable([autoencoder, classifier])
    assert not are_comparable([autoencoder, replace(classifier, data=classifier.data | {"name": "x"})])


def test_a_setting_is_written_as_people_write_it():
    values = [None, "", (1, 2.5), True, 0.1, "mnist"]
    assert [written(value) for value in values] == ["–", "–", "1, 2.5", "yes", "0.1", "mnist"]


def test_the_same_recipe_a_run_is_the_one_it_was_trained_with(autoencoder, tiny, bottom, heads, recommender):
    found = same_recipe(autoencoder)
    assert replace(found, network=tiny.network) == tiny
    assert {key: tuple(value) for key, value in found.network.items()} == tiny.network
    assert same_recipe(heads[0]).depth == 11 and same_recipe(bottom).makes == "resnet32"
    assert same_recipe(recommender).l2 == 0.3


def test_the_same_recipe_an_older_run_is_translated(autoencoder, recommender):
    older = {key: value for key, value in autoencoder.recipe.items() if key not in ("depth", "jitter")}
    found = same_recipe(replace(autoencoder, recipe=older | {"kept": "layer2", "jitter": 0.1, "settle": 0}))
    assert found.depth == "layer2" and found.jitter == Jitter(shift=0.1)
    older = {key: value for key, value in recommender.recipe.items() if key not in ("l2", "sparsity")}
    older["objectives"] = {"l2": 40.0, "sparsity": 0.02}
    assert same_recipe(replace(recommender, recipe=older)).sparsity == 0.02
