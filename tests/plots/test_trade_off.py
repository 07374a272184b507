"""The chart of a search: a dot for each trial with an epoch, the front, the default and the best ones."""

import pytest

from kernelviz.plots.trade_off import trade_off_figure
from kernelviz.search.trials import Search, Trial


def trial(number, values, state="complete"):
    history = [values] if values else []
    return Trial(number=number, settings={"grid": 30.0, "scale": 20.5}, history=history, state=state)


def search_of(*trials, measure="map_5nn"):
    recipe = {"epochs": 9}
    return Search(recipe=recipe, seed=0, measure=measure, epochs=3, minutes=1.0, trials=list(trials))


def of(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


@pytest.fixture
def trials():
    return [
        trial(0, (0.8, 0.10)),
        trial(1, (0.9, 0.104)),
        trial(2, (0.7, 0.2)),
        trial(3, (0.5, 0.3), "pruned"),
        trial(4, (0.6, 0.2), "running"),
        trial(5, None, "failed"),
    ]


def test_every_trial_with_an_epoch_has_a_dot_of_its_state_with_its_number(trials):
    figure = trade_off_figure(search_of(*trials))
    numbers = {name: list(of(figure, name).customdata) for name in ("complete", "pruned", "running")}
    assert numbers == {"complete": [0, 1, 2], "pruned": [3], "running": [4]}
    assert list(of(figure, "complete").x) == [80, 90, 70] and list(of(figure, "pruned").y) == [0.3]
    assert "grid 30<br>scale 20.5" in of(figure, "complete").text[1]
    assert "trial 2, 1 epochs<br>5-NN on the map: 90 %<br>error: 0.1040" in of(figure, "complete").text[1]


def test_the_front_the_default_and_the_best_are_marked(trials):
    figure = trade_off_figure(search_of(*trials))
    assert list(of(figure, "not surpassed").x) == [90, 80]
    assert (list(of(figure, "default").x), list(of(figure, "best").x)) == ([80], [90])


@pytest.mark.parametrize("trials", [[], [trial(0, None, "running")], [trial(0, (0.5, 0.1), "running")]])
def test_a_search_that_has_just_begun_has_a_chart_too(trials):
    figure = trade_off_figure(search_of(*trials, measure="trustworthiness"))
    assert figure.layout.xaxis.title.text == "trustworthiness of the map"
    assert {"best", "not surpassed"}.isdisjoint(trace.name for trace in figure.data)
