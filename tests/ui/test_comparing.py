"""The page Compare: two runs, or two splits of one, side by side."""

import base64

import numpy as np
import pytest
from test_pages import captions, clicked, fine, maps, selected, selected_rows, words

from kernelviz.evaluation.depths import laid_over
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.thumbnails import save_thumbnails
from kernelviz.ui.compare.records import compared, differing


def told(app):
    (found,) = maps(app)
    return found


def table(app, column):
    return next(frame for frame in app.dataframe if column in frame.value)


@pytest.fixture
def both(add, autoencoder, classifier):
    """The maps of the test images of "tiny" and "namer", which are among the runs."""
    add(autoencoder), add(classifier)
    return [load_map(run.folder).of_split("test") for run in (autoencoder, classifier)]


def test_maps_of_the_same_images_are_linked_and_laid_over(both, opened):
    app = fine(opened("compare", left="tiny", right="namer"))
    found = told(app)
    assert [one["title"] for one in found["maps"]] == ["tiny", "namer"]
    assert found["linked"] == "images" and found["total"] == 297
    assert [(one["first"], one["rows"], one["images"]) for one in found["maps"]] == [(0, "", None)] * 2
    left, right = (np.array(one["placement"]) for one in found["maps"])
    np.testing.assert_array_equal(left, np.eye(2, 3))
    np.testing.assert_allclose(right, laid_over(both[::-1])[0])
    assert "297 test images on both maps" in words(app)
    app = fine(app.toggle(key="fit").set_value(False).run())
    assert told(app)["maps"][1]["placement"] == np.eye(2, 3).tolist()


def test_runs_are_chosen_by_the_address_and_by_hand(both, opened):
    app = fine(opened("compare", left="namer", right="tiny", split="train"))
    assert [one["title"] for one in told(app)["maps"]] == ["namer", "tiny"] and told(app)["split"] == "train"
    app = fine(app.selectbox(key="left").set_value("tiny").run())
    assert [one["title"] for one in told(app)["maps"]] == ["train", "validation"]  # one run, two splits


def test_a_run_that_is_not_here_is_named(both, opened):
    app = opened("compare", left="go*ne", split="nothing")
    assert not app.exception and not app.error
    said = [warning.value for warning in app.warning]
    assert said == [f"**{name}** is not here; another one is shown." for name in ("go·ne", "nothing")]
    assert told(app)["linked"] == "images"


def test_two_splits_of_a_run_keep_their_coordinates_and_share_the_view(both, opened):
    app = fine(opened("compare", left="tiny", right="tiny", against="validation"))
    found = told(app)
    assert [one["title"] for one in found["maps"]] == ["test", "validation"] and found["linked"] == "view"
    assert [one["placement"] for one in found["maps"]] == [np.eye(2, 3).tolist()] * 2
    assert found["total"] == 297 + 250 and [one["first"] for one in found["maps"]] == [0, 297]
    assert found["split"] == "test" and found["maps"][1]["images"]["split"] == "validation"
    assert "297 test images and 250 validation images on one map" in words(app)
    app.selectbox(key="against").set_value("train").run()
    assert told(fine(app))["maps"][1]["images"]["what"] == "1,250 train images"


def test_maps_of_other_images_say_why_only_the_view_is_linked(add, opened, autoencoder, heads):
    add(autoencoder), add(heads[0])
    app = fine(opened("compare", left="tiny", right="at11"))
    found = told(app)
    assert found["linked"] == "view" and found["total"] == 2 * 297
    assert found["shape"] == [1, 8, 8] and found["maps"][1]["images"]["shape"] == [3, 8, 8]
    assert "different images, so only zooming and moving are linked" in words(app)
    assert "no images in common" in words(app) and "no value is better" in words(app) and not app.dataframe
    app = fine(selected(app, [0, 298], "compare-tiny-test-at11-test-False"))
    assert "**2 selected**" in words(app) and "1 on tiny" in words(app) and "1 on at11" in words(app)
    assert len(captions(app)) == 2 and not any("→" in caption for caption in captions(app))


def test_images_are_matched_by_their_content(add, opened, autoencoder):
    points = load_map(autoencoder.folder)
    n = len(points)
    hashes = [b"%05d" % row for row in range(n)]
    for name, these in {"one": hashes, "other": [*hashes[:-9], *reversed(hashes[-7:]), b"new", b"newer"]}.items():
        save_thumbnails(add(autoencoder, name), ((digest, b"") for digest in these))
    app = fine(opened("compare", left="one", right="other"))
    found = told(app)
    assert found["total"] == 299 and found["linked"] == "images"
    rows = np.frombuffer(base64.b64decode(found["maps"][1]["rows"]), "<i4")
    assert rows.tolist() == [*range(288), *reversed(range(290, 297)), 297, 298]
    assert "295 test images on both maps, 2 on the left one only, 2 on the right one only." in words(app)
    app = fine(selected(app, [0, 288, 297], "compare-one-test-other-test-True"))  # on both, on the left, on the right
    predicted = points.of_split("test").prediction
    assert [caption.count("→") for caption in captions(app)] == [1, 0, 0]
    assert captions(app)[1].endswith(f": {predicted[288]}") and "1 on other" in words(app)


def test_the_maps_agree_as_they_predict(both, opened):
    app = fine(opened("compare", left="tiny", right="namer"))
    left, right = both
    values = {metric.label: metric.value for metric in app.metric}
    assert values["Same prediction"] == f"{100 * (left.prediction == right.prediction).mean():.1f} %"
    assert values["Shared neighbours"].endswith(" %")
    good = [points.prediction == points.label for points in both]
    counts = table(app, "share").value["images"].tolist()
    assert counts == [
        sum(good[0] & good[1]),
        sum(good[0] & ~good[1]),
        sum(~good[0] & good[1]),
        sum(~good[0] & ~good[1]),
    ]
    differ = table(app, "left predicts").value
    assert differ["images"].sum() == (left.prediction != right.prediction).sum()
    assert differ["images"].is_monotonic_decreasing and (differ["left predicts"] != differ["right predicts"]).all()


def test_a_click_on_a_disagreement_selects_its_images_on_both_maps(both, opened):
    app = opened("compare", left="tiny", right="namer")
    differ = table(app, "left predicts")
    label, one, other = map(int, differ.value.iloc[0][["label", "left predicts", "right predicts"]])
    app = fine(clicked(app, differ, rows=[0], columns=[], cells=[]))
    left, right = both
    wanted = np.flatnonzero((left.label == label) & (left.prediction == one) & (right.prediction == other)).tolist()
    assert selected_rows(told(app)) == wanted
    assert f"**{len(wanted)} selected**" in words(app) and captions(app)[0] == f"{label}: {one} → {other}"
    app = fine(selected(app, [5], "compare-tiny-test-namer-test-True"))
    assert selected_rows(told(fine(app.run()))) == [5]  # the row does not select again
    assert selected_rows(told(fine(clicked(app, table(app, "left predicts"), rows=[9999], columns=[], cells=[])))) == []


def test_metrics_and_settings_stand_side_by_side(both, opened, autoencoder, classifier):
    app = fine(opened("compare", left="tiny", right="namer"))
    metrics, settings = (element.value for element in app.table)
    row = metrics[metrics["metric"] == "map_5nn"].iloc[0]
    values = [run.metrics["map_5nn"] for run in (autoencoder, classifier)]
    assert "**" in row[["left", "right"]].iloc[int(np.argmax(values))]
    rows = {name: (left, right) for name, left, right in settings.itertuples(index=False)}
    assert rows["epochs"] == ("8", "4") and rows["has decoder"] == ("yes", "no") and "batch" not in rows
    assert rows["objectives.classify"] == ("–", "1")


@pytest.mark.parametrize(
    "name, left, right, better",
    [("map_5nn", 0.9, 0.8, 0), ("map_5nn", 0.8, 0.9, 1), ("test_bce", 0.2, 0.1, 1), ("test_bce", 0.1, 0.2, 0)],
)
def test_the_better_value_is_marked(name, left, right, better):
    assert ["**" in text for text in compared(name, left, right)] == [better == 0, better == 1]


@pytest.mark.parametrize("left, right", [(None, 0.5), (0.5, 0.5), (0.50001, 0.5)])
def test_no_value_is_better_than_none_or_an_equal_one(left, right):
    assert not any("**" in text for text in compared("map_5nn", left, right))


def test_a_run_has_the_settings_of_itself(autoencoder):
    assert differing(autoencoder, autoencoder) == []


def test_one_run_alone_shows_two_splits_and_how_to_train_another(add, opened, autoencoder):
    add(autoencoder)
    app = fine(opened("compare"))
    assert "only one map yet" in app.info[0].value and "kernelviz train" in app.code[0].value
    assert [one["title"] for one in told(app)["maps"]] == ["test", "train"]


def test_one_split_alone_cannot_be_compared(add, opened, autoencoder):
    folder = add(autoencoder)
    load_map(autoencoder.folder).of_split("test").save(folder)
    app = fine(opened("compare"))
    assert "shows test images only" in words(app) and not maps(app)


def test_runs_without_a_common_split_cannot_be_compared(both, opened, no_runs):
    for name, split in {"tiny": "test", "namer": "train"}.items():
        load_map(no_runs / name).of_split(split).save(no_runs / name)
    app = fine(opened("compare", left="tiny", right="namer"))
    assert "no split in common" in words(app) and not maps(app)


def test_compare_needs_the_full_map_but_not_its_tables(both, opened):
    app = opened("compare", state={"canvas failed": "a reason"}, left="tiny", right="namer")
    assert "need the full map" in words(app) and not maps(app) and len(app.dataframe) == 2
