"""What a visitor reads on each page, on small runs: the numbers of the run, and the choices that there are."""

import base64
import json
import re

import numpy as np
import pytest
from test_pages import captions, fine, maps, uploaded, words, written

from kernelviz.evaluation.quality import MEANING
from kernelviz.layers.spectra import effective_rank, singular_values
from kernelviz.paper import EXPERIMENTS
from kernelviz.plots.colours import COLOURINGS
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.items import load_items
from kernelviz.storage.weights import load_network


def numbers(text):
    """The numbers of a text, in their order."""
    return [float(found.replace(",", "")) for found in re.findall(r"-?\d[\d,]*(?:\.\d+)?", text)]


def only(texts, part):
    """The one text that has a part."""
    (found,) = [text for text in texts if part in text]
    return found


def only_table(app, column):
    (found,) = [element.value for element in app.dataframe if column in element.value]
    return found


def values(elements):
    return [element.value for element in elements]


def tabs(app):
    return [tab.label for tab in app.tabs]


def numbers_of(sent):
    """An array as Plotly sends it."""
    return np.frombuffer(base64.b64decode(sent["bdata"]), sent["dtype"]).tolist() if "bdata" in sent else sent


def charts(app):
    """The traces of every chart."""
    return [json.loads(element.proto.spec)["data"] for element in app.get("plotly_chart")]


def test_explore_shows_the_map_its_images_and_the_metrics_of_the_run(add, opened, autoencoder, classifier):
    add(autoencoder), add(classifier)
    app = fine(opened(run="tiny"))
    points = load_map(autoencoder.folder).of_split("test")
    assert app.selectbox(key="run").options == ["namer", "tiny"] and app.selectbox(key="run").value == "tiny"
    assert app.selectbox(key="colour").options == [*COLOURINGS]
    split = app.selectbox(key="split")
    assert (split.options, split.value) == (["train", "validation", "test"], "test")
    assert app.segmented_control(key="view").options == ["dots", "images"]
    assert numbers(only(values(app.caption), "Each dot is one of"))[0] == len(points) == 297
    rows, columns = autoencoder.grid
    described = app.caption[0].help
    assert app.title[0].value == "A map of 297 test digits"
    assert f"{rows} × {columns}" in described and f"{autoencoder.recipe['epochs']} epochs" in described
    assert tabs(app) == ["Quality", "Training"]
    table = app.table[0].value
    names = [name for name in MEANING if name in autoencoder.metrics]
    assert table.iloc[:, 0].tolist() == names and {"map_1nn", "map_5nn", "trustworthiness"} <= {*names}
    assert table.iloc[:, 1].astype(float).tolist() == pytest.approx([autoencoder.metrics[name] for name in names], 1e-3)
    assert not app.code and not charts(app)
    app = fine(opened(run="tiny", state={"about": "Training"}))
    assert autoencoder.made_by["command"] in values(app.code)
    (history,) = charts(app)
    losses = [row["loss"] for row in autoencoder.history]
    assert numbers_of(history[0]["x"]) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert numbers_of(history[0]["y"]) == pytest.approx(losses)


def test_probe_says_where_it_stands_and_how_far_the_decoded_image_lies_from_there(add, opened, autoencoder):
    from kernelviz.evaluation.inference import decode_probes, embed
    from kernelviz.layers.probe import Probe

    add(autoencoder)
    app = fine(opened("probe", x="0.5", y="-1.25"))
    network = load_network(autoencoder)
    there = np.array([[0.5, -1.25]])
    back = embed(network, decode_probes(network, there, Probe(**autoencoder.probe))).coordinates - there
    step = 2 * autoencoder.extent / (autoencoder.grid[0] - 1)  # 20 units along each side
    said = only(values(app.caption), "Embedded again")
    assert numbers(said) == pytest.approx([0.5, -1.25, np.linalg.norm(back) / step], abs=0.006)


def test_depth_has_a_row_and_a_map_for_each_depth(add, opened, heads):
    for head in heads:
        add(head)
    app = fine(opened("depth"))
    assert app.get("button_group")[0].proto.label == "Depths"
    assert [option.content for option in app.get("button_group")[0].proto.options] == ["11 layers", "31 layers"]
    table = only_table(app, "depth")
    assert table["depth"].tolist() == ["11 layers", "31 layers"]
    for column, metric in {"accuracy": "test_accuracy", "1-NN": "map_1nn", "5-NN": "map_5nn"}.items():
        assert table[column].tolist() == [head.metrics[metric] for head in heads]
    (told,) = maps(app)
    assert [one["title"] for one in told["maps"]] == ["11 layers", "31 layers"] and told["total"] == 297
    assert numbers(only(values(app.caption), "at every depth"))[0] == 297
    assert tabs(app) == ["Images", "Confusions", "Every depth"]
    (confusions,) = charts(app)
    cells = next(trace for trace in confusions if trace.get("text"))
    points = load_map(heads[1].folder).of_split("test")  # the deepest at first
    wanted = {(b, a): sum((points.label == a) & (points.prediction == b)) for a in range(10) for b in range(10)}
    places = zip(numbers_of(cells["x"]), numbers_of(cells["y"]), strict=True)
    assert dict(zip(places, [int(text or 0) for text in cells["text"]], strict=True)) == wanted


def test_upload_has_a_row_for_each_picture_and_names_what_it_did_not_take(add, opened, autoencoder, no_runs):
    add(autoencoder)
    app = fine(opened("upload", uploaded(("three.png", written(3)), ("one.png", written(1)), ("torn.png", b"no"))))
    assert values(app.header)[0].startswith("2 uploaded")
    table = only_table(app, "prediction")
    assert sorted(table["name"]) == ["one.png", "three.png"]
    assert np.isfinite(table[["x", "y"]].to_numpy()).all() and table["confidence"].dropna().between(0, 100).all()
    assert "torn.png" in words(app) and "one.png" not in words(app)
    (told,) = maps(app)
    assert (told["uploads"]["total"], told["uploads"]["preprocessing"]) == (3, autoencoder.preprocess.name)
    assert [element.proto.label for element in app.get("download_button")] == ["CSV", "Parquet", "JSON", "PNG", "HTML"]
    assert [button.label for button in app.button] == ["Remove all"]


def test_kernels_says_how_large_the_layer_of_the_run_is_and_of_what_rank(add, opened, autoencoder):
    add(autoencoder)
    app = fine(opened("kernels"))
    assert tabs(app) == ["On the plane", "In tiny", "Spectra", "Receptive fields"]
    assert [metric.value for metric in app.metric] == [f"{2 * (64 + 400):,}", f"{64 * 400:,}"]
    below = 64 * 400 / (64 + 400)  # 55.2
    assert f"= {below:.0f}." in only(values(app.caption), "Locations need fewer")
    rank = effective_rank(singular_values(load_network(autoencoder).kernel_layer))
    assert numbers(only(values(app.caption), "Singular values of"))[:2] == [rank, 64]
    assert numbers(captions(app)[0])[:2] == [64, 400]
    app.slider(key="dim").set_value(100).run()
    assert app.metric[0].value == f"{100 * (64 + 400):,}"
    spaces = [text for text in values(app.markdown) if "feature space is" in text]
    assert len(spaces) == 3 and "d* = 2" in spaces[0] and "d* = 6" in spaces[1] and "infinite" in spaces[2]
    app.slider(key="gram-dim").set_value(3).run()
    assert "d* = 10" in only(values(app.markdown), "**Polynomial**")  # (3 + 1) (3 + 2) / 2


def test_recommend_lists_every_item_with_its_mean_and_the_metrics_of_the_run(add, opened, autoencoder, recommender):
    add(autoencoder), add(recommender)
    app = fine(opened("recommend", {"rare-advice": True}))
    described = app.caption[0].help
    metrics = recommender.metrics
    assert numbers(described)[-2:] == pytest.approx([metrics["test_rmse"], metrics["new_rmse"]], abs=6e-4)
    assert "hidden units 6, 5" in described
    items = load_items(recommender.folder)
    table = only_table(app, "predicted")
    order = [int(title.removeprefix("no. ")) - 100 for title in table["title"]]
    assert sorted(order) == [*range(25)]
    assert table["mean"].tolist() == pytest.approx(items.mean[order].tolist())
    assert table["ratings"].tolist() == items.count[order].tolist()
    assert tabs(app) == ["Recommendations", "Map", "Inside the network"]
    inside = only_table(app, "meaning")
    assert {"test_rmse", "new_rmse"} <= {*inside.iloc[:, 0]}
    assert f"{metrics['test_rmse']:.4g}" in inside["value"].tolist()


def test_results_has_a_part_for_each_figure_and_table_with_rows_or_the_command(add, opened, autoencoder):
    add(autoencoder)
    app = fine(opened("results"))
    heads = values(app.header)
    assert [head.split(".")[0].lower().replace(" ", "") for head in heads] == [*EXPERIMENTS]
    tables = [table.value for table in app.dataframe if "verdict" in table.value]
    assert len(tables) + len(app.info) == len(EXPERIMENTS) == 9
    for table in tables:
        assert table.columns.tolist() == ["what", "paper", "ours", "verdict"] and len(table) > 0
    for code in app.code:
        assert all(line.startswith("kernelviz ") for line in code.value.splitlines())
