"""Splits by content: nobody moves when others come, every class is divided alike, what a source says stands."""

import hashlib

import numpy as np

from kernelviz.data.splits import TEST, TRAIN, VALIDATION, split_by_content


def hashes(n, start=0):
    return [hashlib.sha256(str(number).encode()).digest()[:16] for number in range(start, start + n)]


def split(n, labels=None, given=None, validation=1 / 6, test=0.2, start=0):
    labels = np.full(n, -1) if labels is None else labels
    given = np.full(n, -1) if given is None else np.array(given)
    return split_by_content(hashes(n, start), labels, given, validation, test)


def test_the_shares_are_met_in_every_class():
    labels = np.arange(6000) // 2000  # sorted by class, as folders are read
    splits = split(6000, labels)
    for label in range(3):
        shares = np.bincount(splits[labels == label], minlength=3) / 2000
        np.testing.assert_allclose(shares, [0.8 * 5 / 6, 0.8 / 6, 0.2], atol=0.03)


def test_nobody_moves_when_others_come():
    before, after = split(500), split(800)
    assert (after[:500] == before).all() and len(np.unique(after[500:])) == 3


def test_equal_contents_share_a_split():
    same = hashes(1) * 50
    assert len(np.unique(split_by_content(same, np.full(50, -1), np.full(50, -1), 1 / 6, 0.2))) == 1


def test_a_test_part_of_the_source_is_the_only_one():
    given = [TRAIN] * 300 + [TEST] * 20
    splits = split(320, given=given)
    assert (splits[300:] == TEST).all() and not (splits[:300] == TEST).any() and (splits[:300] == VALIDATION).any()


def test_a_validation_part_of_the_source_is_the_only_one():
    given = [TRAIN] * 300 + [VALIDATION] * 20 + [TEST] * 20
    assert (split(340, given=given) == given).all()


def test_a_source_of_a_test_part_alone_is_divided():
    splits = split(300, given=[TEST] * 300)
    assert len(np.unique(splits)) == 3


def test_without_a_test_part_all_is_learned_from_or_held_out():
    assert not (split(300, test=0.0) == TEST).any()


def test_every_class_and_every_set_has_something_to_learn_from():
    labels = np.arange(40)  # one picture of each class
    assert (split(40, labels) == TRAIN).all()
    for n in range(1, 9):
        assert (split(n, start=100) == TRAIN).any()
