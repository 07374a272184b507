"""Tests of the words that the pages use for objectives."""

import pytest

from kernelviz.tasks.objectives import OBJECTIVES
from kernelviz.ui.shared.labels import AIMS, aims


def test_every_objective_has_words():
    assert set(AIMS) == set(OBJECTIVES)


@pytest.mark.parametrize(
    "names, words",
    [
        ([], "nothing"),
        (["classify"], "classify"),
        (["neighbours", "reconstruct"], "keep neighbours together and reconstruct"),
        (["reconstruct", "classify", "new*one"], "reconstruct, classify and new·one"),
    ],
)
def test_aims_in_words(names, words):
    assert aims(dict.fromkeys(names, 1.0)) == words
