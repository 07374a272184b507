"""The rows that set ours beside the paper's: {"what", "paper", "ours", "verdict"}, all of them in words."""

import math
from collections.abc import Iterable

from kernelviz.evaluation.quality import NAMES
from kernelviz.storage.record import Run

AGREES, BETTER, BELOW, NOT_GIVEN = "agrees", "better", "below", "not given"
VERDICTS = (AGREES, BETTER, BELOW, NOT_GIVEN)
NO_NUMBER = "–"  # where the paper gives none, or where none is measured here
TOLERANCE = 2  # standard errors within which two numbers agree
TEST_IMAGES = 10_000  # of MNIST and of CIFAR-10
SHARES = ("test_accuracy", "map_1nn", "map_5nn", "unimodal_share")


def verdict(ours: float, paper: float | None, tolerance: float, lower_is_better: bool = False) -> str:
    """One of VERDICTS: whether ours agrees with the paper's number, is better, or below; NOT_GIVEN without one."""
    if paper is None:
        return NOT_GIVEN
    gain = paper - ours if lower_is_better else ours - paper
    return AGREES if abs(gain) <= tolerance else BETTER if gain > 0 else BELOW


def accuracy_beside(what: str, ours: float, paper: float | None = None, spread: float | None = None) -> dict[str, str]:
    """The row of an accuracy in [0, 1].

    Args:
        spread: the standard error between seeds; None for a single one. The verdict counts with the standard error of
            an accuracy on TEST_IMAGES where that is larger.
    """
    sampling = math.sqrt(ours * (1 - ours) / TEST_IMAGES)
    judged = verdict(ours, paper, TOLERANCE * max(sampling, spread or 0))
    return beside(what, percent(ours, spread), NO_NUMBER if paper is None else f"{100 * paper:.4g} %", judged)


def beside(what: str, ours: str, paper: str = NO_NUMBER, judged: str = NOT_GIVEN) -> dict[str, str]:
    """A row of words; a finding that is not a number has its verdict from the caller."""
    return {"what": what, "paper": paper, "ours": ours, "verdict": judged}


def metrics_beside(run: Run, names: Iterable[str], of: str) -> list[dict[str, str]]:
    """A row for each metric that a run has, of which the paper gives no number; `of` says what the run is."""
    return [
        beside(f"{of}: {NAMES[name]}", percent(run.metrics[name]) if name in SHARES else f"{run.metrics[name]:.4f}")
        for name in names
        if name in run.metrics
    ]


def percent(share: float, spread: float | None = None) -> str:
    """A share in [0, 1] as text, with its standard error: "92.78 %", "99.08 ± 0.01 %"."""
    if spread is None:
        return f"{100 * share:.2f} %"
    return f"{100 * share:.2f} ± {100 * spread:.2f} %"
