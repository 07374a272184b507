"""The search: what is tried first, within which time, what is pruned, chosen and written, and how it goes on."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from kernelviz.data.batches import Jitter
from kernelviz.errors import NotFound, UserError
from kernelviz.search import searching
from kernelviz.search.measuring import measure_of, measured
from kernelviz.search.proposals import proposed
from kernelviz.search.searching import Watcher, chosen_recipe, has_no_prospects, new_search, searched
from kernelviz.search.space import SETTINGS, settings_of, with_settings
from kernelviz.search.trials import FILE, Search, Trial, load_search, pareto_front
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.tasks.recipes import NEIGHBOURS, PHOTOS, VECTORS
from kernelviz.training.session import new_training

RECIPE = EmbeddingRecipe(
    data="digits",
    network={"encoder": (20,), "decoder": (20,), "grid": (16, 16), "width": 2.0, "sparsity": 0.5, "canonical": 0.4},
    objectives={"neighbours": 1.0, "reconstruct": 1.0},
    epochs=2,
    batch=256,
    mixed=False,
)


class Clock:
    """A clock that a test moves; called, it gives seconds."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def trial(number, history=((0.5, 0.5),), state="complete", **facts):
    return Trial(number=number, settings={"width": 1.0 + number}, history=list(history), state=state, **facts)


def search_of(*trials, **facts):
    facts = {"recipe": {"epochs": 10}, "seed": 0, "measure": "map_5nn", "epochs": 4, "minutes": 1.0} | facts
    return Search(trials=list(trials), **facts)


@pytest.fixture
def few(digits):
    """Some of the digits: 240 to learn from, 48 that settings are judged on."""
    rows = slice(0, 288)
    return replace(digits, train_images=digits.train_images[rows], train_labels=digits.train_labels[rows])


@pytest.fixture
def pretended(monkeypatch):
    """Trials that train nothing: an epoch takes 5 s of the clock, and the n-th trial reaches n / 100."""
    clock, begun = Clock(), []

    def tried(new, search, recipe, images, ended, clock_):
        begun.append(new)
        started = clock.now
        yield new
        for epoch in range(search.epochs):
            clock.now += 5
            history = [*new.history, (new.number / 100 + 0.1 * epoch, 0.5)]
            new = replace(new, history=history, seconds=clock.now - started)
            if epoch == search.epochs - 1:
                break
            if ended():
                yield replace(new, state="stopped")
                return
            yield new
        yield replace(new, state="complete")

    monkeypatch.setattr(searching, "tried", tried)
    return clock, begun


def of_four_epochs(**facts):
    return Search(recipe=asdict(RECIPE), seed=0, measure="map_5nn", epochs=4, **facts)


# --- settings


@pytest.mark.parametrize(
    "recipe, names",
    [
        (NEIGHBOURS, {"grid", "sparsity", "width", "scale", "turn", "shift", "zoom"}),
        (PHOTOS, {"grid", "sparsity", "width", "scale", "noise"}),
        (VECTORS, {"grid", "sparsity", "width", "scale", "noise"}),
        (EmbeddingRecipe(data="mnist"), {"grid", "sparsity", "width", "turn", "shift", "zoom"}),
    ],
)
def test_only_what_applies_to_a_recipe_is_varied(recipe, names):
    assert settings_of(recipe).keys() == names


@pytest.mark.parametrize("recipe", [NEIGHBOURS, PHOTOS, VECTORS])
def test_the_default_settings_give_the_recipe_itself(recipe):
    same = with_settings(recipe, settings_of(recipe))
    assert settings_of(same) == settings_of(recipe)
    assert replace(same, network=recipe.network) == recipe
    assert {name: same.network[name] for name in recipe.network} == recipe.network


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_reaches_the_recipe(name):
    recipe = PHOTOS if name == "noise" else NEIGHBOURS
    value = 20.0 if name == "grid" else SETTINGS[name].high
    changed = with_settings(recipe, {name: value})
    assert settings_of(changed) == settings_of(recipe) | {name: value}


def test_other_jitter_than_what_is_varied_stays():
    recipe = replace(NEIGHBOURS, jitter=Jitter(pixels=2, mirror=True))
    assert with_settings(recipe, {"turn": 4.0}).jitter == Jitter(turn=4.0, pixels=2, mirror=True)


# --- proposals


def test_the_first_trial_has_the_default_settings():
    assert proposed(settings_of(NEIGHBOURS), [], seed=3) == settings_of(NEIGHBOURS)


@pytest.mark.parametrize("n", [1, 9])
def test_proposals_are_a_function_of_the_seed_and_of_the_earlier_trials(n):
    default = settings_of(PHOTOS)
    earlier = [replace(trial(i, [(i / 10, 0.5 - i / 50)]), settings=default) for i in range(n)]
    one = proposed(default, earlier, seed=1)
    assert one == proposed(default, earlier, seed=1) != proposed(default, earlier, seed=2)
    assert one.keys() == default.keys()
    for name, value in one.items():
        assert SETTINGS[name].low <= value <= SETTINGS[name].high
    assert one["grid"] % 2 == 0


def test_the_first_proposals_stay_half_way_to_the_default():
    default = settings_of(NEIGHBOURS)
    first = proposed(default, [replace(trial(0), settings=default)], seed=5)
    assert 28 <= first["grid"] <= 46 and first["grid"] % 2 == 0  # of 16 to 50, around 40
    assert 0.25 <= first["sparsity"] <= 0.725 and 0 <= first["shift"] <= 0.05
    assert 12.2 <= first["scale"] <= 49  # by factors: from 5 to 80, around 30


def test_a_default_outside_its_range_is_no_mistake():
    default = settings_of(replace(PHOTOS, scale=500.0))
    assert proposed(default, [replace(trial(0), settings=default)], seed=0)["scale"] <= 500


def test_a_trial_that_failed_does_not_count():
    default = settings_of(PHOTOS)
    earlier = [replace(trial(0), settings=default), replace(trial(1, (), "failed"), settings=default)]
    assert proposed(default, earlier, seed=0).keys() == default.keys()


# --- what is chosen


def test_the_front_has_those_that_none_surpasses_in_both():
    trials = [
        trial(n, [values]) for n, values in enumerate([(0.8, 0.3), (0.9, 0.4), (0.7, 0.35), (0.9, 0.5), (0.6, 0.1)])
    ]
    assert [one.number for one in pareto_front(trials)] == [1, 0, 4]


def test_the_best_map_with_an_error_near_the_default_is_chosen():
    search = search_of(
        trial(0, [(0.8, 0.1)]), trial(1, [(0.99, 0.106)]), trial(2, [(0.9, 0.104)]), trial(3, [(0.9, 0.1)])
    )
    assert search.best.number == 3


def test_nothing_is_better_than_the_default_where_all_are_worse():
    search = search_of(trial(0, [(0.8, 0.1)]), trial(1, [(0.7, 0.05)]), trial(2, [(0.95, 0.09)], state="pruned"))
    assert search.best.number == 0


def test_nothing_is_best_before_the_default_is_complete():
    assert search_of(trial(0, state="running")).best is None


# --- pruning


@pytest.mark.parametrize(
    "last, pruned",
    [((0.5, 0.5), True), ((0.9, 0.5), False), ((0.5, 0.1), False), ((0.6, 0.3), False)],
)
def test_a_trial_is_pruned_where_both_are_worse_than_the_median(last, pruned):
    earlier = [
        trial(n, [(0.2, 0.9), (q, e)]) for n, (q, e) in enumerate([(0.5, 0.4), (0.6, 0.3), (0.6, 0.3), (0.7, 0.2)])
    ]
    search = search_of(*earlier)
    assert has_no_prospects(trial(4, [(0.2, 0.9), last], "running"), search) == pruned


def test_no_trial_is_pruned_without_others_to_compare_or_before_it_is_warm():
    bad = [(0.0, 9.0)]
    assert not has_no_prospects(trial(3, bad, "running"), search_of(*map(trial, range(3))))
    assert not has_no_prospects(trial(4, bad, "running"), search_of(*map(trial, range(4)), epochs=100))
    assert has_no_prospects(trial(4, bad, "running"), search_of(*map(trial, range(4))))


# --- the budget


def test_the_default_is_first_and_the_budget_is_kept(pretended, digits, tmp_path):
    clock, begun = pretended
    done = searched(of_four_epochs(minutes=2.0), RECIPE, digits, tmp_path, Watcher(clock))
    # a trial takes 20 s, a full training of two epochs 10 s, which stay of the 120 s
    assert begun[0].settings == settings_of(RECIPE)
    assert len(done.complete) == 5 and clock.now <= 110
    assert (done.state, done.chosen, done.spent) == ("training", 4, clock.now)
    known = load_search(tmp_path)
    assert (known.trials, known.chosen, known.spent) == (done.trials, done.chosen, done.spent)


def test_a_trial_that_would_overrun_is_stopped(pretended, digits, tmp_path, monkeypatch):
    clock, begun = pretended
    monkeypatch.setattr(searching, "_may_begin", lambda search, left: left > 0)
    done = searched(of_four_epochs(minutes=2.0), RECIPE, digits, tmp_path, Watcher(clock))
    assert clock.now == 110 and begun[-1].number == 5
    assert done.trials[-1].state == "stopped" and done.trials[-1].epochs == 2
    assert done.chosen == 4


def test_a_long_full_training_comes_on_top(pretended, digits, tmp_path):
    clock, _ = pretended
    recipe = replace(RECIPE, epochs=50)
    search = replace(of_four_epochs(minutes=2.0), recipe=asdict(recipe))
    done = searched(search, recipe, digits, tmp_path, Watcher(clock))
    assert done.training_seconds == 250 and done.reserved == 0
    assert len(done.complete) == 6 and clock.now == 120


def test_a_budget_that_is_too_short_for_one_trial_is_told_after_its_first_epoch(pretended, digits, tmp_path):
    clock, _ = pretended
    with pytest.raises(UserError, match="0.2 minutes are too few for even one trial of 4 epochs; give --minutes 1"):
        searched(of_four_epochs(minutes=0.2), RECIPE, digits, tmp_path, Watcher(clock))
    assert clock.now == 5


def test_the_number_of_trials_is_kept(pretended, digits, tmp_path):
    clock, begun = pretended
    assert len(searched(of_four_epochs(minutes=9.0, most=3), RECIPE, digits, tmp_path, Watcher(clock)).trials) == 3


def test_the_default_decides_whether_the_full_training_is_part_of_the_budget():
    default, slow = (trial(n, 4 * [(0.5 + n, 0.5)], seconds=8.0 + 8 * n) for n in range(2))
    assert search_of(default, recipe={"epochs": 12}).reserved == 24  # 12 epochs of 2 s, of a minute
    assert search_of(default, slow, recipe={"epochs": 12}).reserved == 48
    assert search_of(default, recipe={"epochs": 16}).reserved == 0


# --- going on


def test_a_stopped_search_goes_on_to_what_it_would_have_found(pretended, digits, tmp_path):
    clock, begun = pretended
    whole = searched(of_four_epochs(minutes=9.0, most=4), RECIPE, digits, tmp_path, Watcher(clock))
    clock.now = 0
    stops = Watcher(clock, stopped=lambda: clock.now >= 45)  # in the third trial
    stopped = searched(of_four_epochs(minutes=9.0, most=4), RECIPE, digits, tmp_path, stops)
    assert (stopped.state, stopped.chosen, [one.state for one in stopped.trials]) == (
        "stopped",
        None,
        ["complete", "complete", "stopped"],
    )
    again = of_four_epochs(minutes=9.0, most=4).resumed(load_search(tmp_path))
    assert again.spent == 45
    resumed = searched(again, RECIPE, digits, tmp_path, Watcher(clock))
    assert resumed.trials == whole.trials and resumed.chosen == whole.chosen
    assert resumed.spent == 85  # the trial that was cut is paid for twice, no other


def test_what_a_search_spent_is_gone_from_its_budget(pretended, digits, tmp_path):
    clock, _ = pretended
    searched(of_four_epochs(minutes=1.0), RECIPE, digits, tmp_path, Watcher(clock, stopped=lambda: clock.now >= 30))
    before = clock.now
    searched(of_four_epochs(minutes=1.0).resumed(load_search(tmp_path)), RECIPE, digits, tmp_path, Watcher(clock))
    assert before < clock.now <= 60


@pytest.mark.parametrize("changed", [{"seed": 1}, {"epochs": 5}, {"recipe": {"epochs": 11}}])
def test_another_search_does_not_go_on(changed):
    with pytest.raises(UserError, match=f"its {next(iter(changed))} was another one"):
        search_of(**changed).resumed(search_of(trial(0)))


def test_a_search_that_has_chosen_only_trains():
    known = search_of(trial(0), state="training", chosen=0)
    assert search_of().resumed(known).state == "training"


# --- trials.json


@pytest.mark.parametrize(
    "text, said",
    [
        ("[]", "it: "),
        ("{", "EOF"),
        ('{"format": 2}', "recipe: Field required"),
        (
            json.dumps({"recipe": {"epochs": "x"}, "seed": 0, "measure": "map_5nn", "epochs": 1, "minutes": 1}),
            "no epochs",
        ),
    ],
)
def test_what_is_no_record_is_told(tmp_path, text, said):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UserError, match=f"not the record of a search .*{said}"):
        load_search(tmp_path)


def test_a_chosen_trial_that_is_not_there_is_told(tmp_path):
    search_of(trial(0), chosen=3).save(tmp_path)
    with pytest.raises(UserError, match="not the record of a search"):
        load_search(tmp_path)


def test_no_search(tmp_path):
    with pytest.raises(NotFound, match="kernelviz search"):
        load_search(tmp_path)


# --- real trainings


def test_a_search_of_digits(few, tmp_path):
    told = []
    search = new_search(RECIPE, few, seed=0, minutes=5.0, most=3)
    assert (search.measure, search.epochs) == ("map_5nn", 2)
    watcher = Watcher(Clock(), lambda one: told.append((one.trials[-1].number, one.trials[-1].epochs)))
    found = searched(search, RECIPE, few, tmp_path, watcher)
    assert told[:3] == [(0, 0), (0, 1), (0, 2)] and told[-1][0] == 2
    assert found.trials[0].settings == settings_of(RECIPE)
    again = searched(search, RECIPE, few, tmp_path, Watcher(Clock()))
    assert again.trials == found.trials
    assert settings_of(chosen_recipe(found, RECIPE)) == found.trials[found.chosen].settings


def test_settings_that_cannot_be_trained_are_a_failed_trial(few, tmp_path, monkeypatch):
    broken = {"sparsity": 0.5, "width": 1e-9}  # every activation is zero
    monkeypatch.setattr(searching, "proposed", lambda default, trials, seed: default | (broken if trials else {}))
    found = searched(new_search(RECIPE, few, 0, 5.0, most=2), RECIPE, few, tmp_path, Watcher(Clock()))
    assert [one.state for one in found.trials] == ["complete", "failed"]
    assert "became" in found.trials[1].reason and found.chosen == 0


def test_a_default_that_cannot_be_trained_is_told(few, tmp_path):
    recipe = with_settings(RECIPE, {"width": 1e-9})
    with pytest.raises(UserError, match="the default settings cannot be trained"):
        searched(new_search(recipe, few, 0, 5.0), recipe, few, tmp_path, Watcher(Clock()))


def test_without_labels_a_map_is_judged_by_its_neighbours(few):
    bare = replace(few, train_labels=np.full(len(few.train_labels), -1))
    assert measure_of(bare) == "trustworthiness"
    training = new_training(RECIPE, bare, 0, "cpu")
    before = measured(training, "trustworthiness")
    for _ in training.run():
        pass
    after = measured(training, "trustworthiness")
    assert 0.4 < before[0] < 1 and after[1] < before[1]
    assert training.network.training


def test_a_search_of_vectors_without_labels(tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(240, 16)) + 4 * np.eye(16)[rng.integers(4, size=240)]
    np.save(tmp_path / "vectors.npy", vectors.astype(np.float32))
    network = VECTORS.network | RECIPE.network | {"noise": 0.3}
    recipe = replace(VECTORS, data=str(tmp_path / "vectors.npy"), network=network, epochs=3, batch=64, mixed=False)
    images = recipe.load_data()
    search = new_search(recipe, images, 0, 5.0, most=2)
    found = searched(search, recipe, images, tmp_path, Watcher(Clock()))
    assert (found.measure, len(found.complete)) == ("trustworthiness", 2)
    assert found.trials[1].settings.keys() == {"grid", "sparsity", "width", "scale", "noise"}
    assert all(0 < one.quality < 1 and one.error > 0 for one in found.trials)


def test_without_validation_images_there_is_no_search(few):
    with pytest.raises(UserError, match="has 0 of them; it takes at least 20"):
        measure_of(replace(few, validation=0.0))


def test_the_benchmark_has_the_default_and_the_found_settings(few, monkeypatch):
    from kernelviz.benchmarks import search as benchmark

    monkeypatch.setattr(benchmark, "TRIALS", 2)
    default, found = benchmark.compared("digits", RECIPE, few, 0, lambda note: None)
    assert (default["settings"], found["settings"]) == ("default", "found")
    assert {"validation map_5nn", "validation place_mse", "test map_5nn", "test place_mse"} <= default.keys()
    assert default["values"].startswith("grid 16, sparsity 0.5")
