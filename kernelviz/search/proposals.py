"""Which settings are tried next: by Optuna's tree-structured Parzen estimator, for two aims at once."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.trial import create_trial

from kernelviz.search.space import SETTINGS
from kernelviz.search.trials import Trial

AT_RANDOM = 6  # trials before which settings are proposed at random, between the default ones and any: half-way
DIGITS = 3  # of a proposed number: more of them say nothing, and are harder to read


def proposed(default: Mapping[str, float], trials: Sequence[Trial], seed: int) -> dict[str, float]:
    """The settings of the trial after some others: first the default ones.

    A pure function of its arguments, so that a search which is resumed proposes what it would have proposed. A trial
    that was pruned counts with what it had reached; one that failed does not count.
    """
    if not trials:
        return dict(default)
    ranges = {name: _range(name, value) for name, value in default.items()}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = TPESampler(seed=_mixed(seed, len(trials)), n_startup_trials=AT_RANDOM, multivariate=True)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    for trial in trials:
        if trial.state in ("complete", "pruned"):
            params = {name: _as_typed(name, value) for name, value in trial.settings.items()}
            study.add_trial(create_trial(params=params, distributions=ranges, values=[trial.quality, trial.error]))
    found = {name: float(value) for name, value in study.ask(ranges).params.items()}
    if len(study.trials) <= AT_RANDOM:
        found = {name: _half_way(name, value, found[name]) for name, value in default.items()}
    return {name: float(f"{found[name]:.{DIGITS}g}") for name in default}


def _half_way(name: str, default: float, other: float) -> float:
    """Between two values of a setting: the default ones were chosen with care, and are rarely far from good ones."""
    setting = SETTINGS[name]
    if setting.log:
        return math.sqrt(default * other)
    middle = (default + other) / 2
    return setting.low + setting.step * round((middle - setting.low) / setting.step) if setting.step else middle


def _range(name: str, default: float) -> BaseDistribution:
    """The range of a setting, which holds its default in any case."""
    setting = SETTINGS[name]
    low, high = min(setting.low, default), max(setting.high, default)
    if setting.step:
        return IntDistribution(int(low), int(high), step=setting.step)
    return FloatDistribution(low, high, log=setting.log)


def _as_typed(name: str, value: float) -> float | int:
    return int(value) if SETTINGS[name].step else value


def _mixed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
