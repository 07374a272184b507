"""The command line is a contract: what goes to standard output, what to standard error, and the exit codes."""

import contextlib
import json
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from websockets.sync.client import connect

from kernelviz.disk import own_file, runs_folder
from kernelviz.evaluation.inference import decode_probes, embed
from kernelviz.layers import PercentileClip
from kernelviz.layers.probe import Probe
from kernelviz.paper.table2 import PAPER as TABLE2
from kernelviz.storage.store import claimed, load_run
from kernelviz.storage.weights import load_network
from kernelviz.tasks.recipes import RECIPES
from kernelviz.training.loop import Training
from kernelviz.ui.canvas import SCRIPTS, STAMP

ARRAYS = ("images", "labels")


@pytest.fixture
def in_library(autoencoder, classifier, bottom, library, monkeypatch):
    """The user's runs are "tiny", "namer" and "bottom", a backbone."""
    monkeypatch.setenv("KERNELVIZ_RUNS", str(library))


@pytest.fixture
def pictures(tmp_path, digits):
    """A folder with three digits as pictures, one in a folder below, and two files that are none."""
    folder = tmp_path / "pictures"
    (folder / "below").mkdir(parents=True)
    for name, pixels in zip(("a.png", "b.png", "below/c.png"), digits.test_images, strict=False):
        Image.fromarray(pixels.repeat(10, 0).repeat(10, 1)).save(folder / name)
    (folder / "notes.txt").write_text("no picture")
    (folder / "torn.png").write_bytes((folder / "a.png").read_bytes()[:100])
    return folder


def one_object(out):
    """The JSON object on standard output, which holds nothing else."""
    assert out.count("\n") == 1 and out.endswith("}\n")
    return json.loads(out, parse_constant=pytest.fail)  # NaN is no JSON


def one_line(errors):
    assert errors.count("\n") == 1, errors
    return errors.strip()


MISTAKES = {
    "unknown command": (["nosuch"], "No such command 'nosuch'"),
    "no recipe": (["train"], "recipe"),
    "unknown recipe": (["train", "nosuch"], "unknown recipe 'nosuch'; choose one of mnist-neighbours, .*digits-auto"),
    "no epochs": (["train", "digits-autoencoder", "--epochs", "0"], "'--epochs': .*greater than or equal to 1"),
    "more than all labels": (["train", "digits-autoencoder", "--labels", "1.5"], "'--labels': .*than or equal to 1"),
    "negative seed": (["train", "digits-autoencoder", "--seed", "-1"], "'--seed'"),
    "a seed beyond 64 bits": (["train", "digits-autoencoder", "--seed", str(10**30)], "'--seed'"),
    "a path as a name": (["train", "digits-autoencoder", "--name", "../x"], "'../x' is no name for a run"),
    "resume nothing": (["train", "digits-autoencoder", "--resume"], "there is no checkpoint at .*digits-autoencoder"),
    "unknown set": (["train", "digits-autoencoder", "--data", "nosuch"], "no image set '.*nosuch'; give one of digits"),
    "head without anything": (["train", "head"], "--backbone, --data missing: a head is trained"),
    "no head": (["train", "mnist-autoencoder", "--keep", "3"], "takes no backbone; choose one of"),
    "unknown backbone": (
        ["train", "head", "--backbone", "resnet19", "--keep", "3", "--data", "digits", "--weights", "x.pt"],
        "unknown backbone 'resnet19'; choose one of resnet18, .* any other of timm's networks",
    ),
    "no weights there": (
        ["train", "head", "--backbone", "resnet32", "--keep", "3", "--data", "digits", "--weights", "x.pt"],
        "no file of weights at .*x.pt",
    ),
    "code that is not there": (
        ["train", "head", "--backbone", "no.such:code", "--keep", "3", "--data", "digits", "--weights", "x.pt"],
        "'no.such:code' cannot be made",
    ),
    "a number of layers of another network": (
        ["train", "head", "--backbone", "resnet18", "--keep", "3", "--data", "digits", "--weights", "x.pt"],
        "only of a ResNet for 32 x 32 images can layers be counted; name a module",
    ),
    "no map to embed on": (["embed", "bottom", "."], "'bottom' is a classifier and has no map of images; choose"),
    "no map to probe": (["probe", "bottom", "--at", "0", "0", "--out", "x.png"], "'bottom' is a classifier"),
    "unknown run": (["embed", "nosuch", "."], "no run 'nosuch'; there is .*tiny"),
    "unknown run to evaluate": (["evaluate", "nosuch"], "no run 'nosuch'"),
    "a path as a run": (["evaluate", "../library/tiny"], "no run '../library/tiny'"),
    "unknown run to probe": (["probe", "nosuch", "--at", "0", "0", "--out", "x.png"], "no run 'nosuch'"),
    "half a position": (["probe", "tiny", "--at", "0"], "'--at' requires 2"),
    "no width": (["probe", "tiny", "--at", "0", "0", "--width", "0", "--out", "x.png"], "are above 0, not 0.0"),
    "no decoder": (["probe", "namer", "--at", "0", "0", "--out", "x.png"], "'namer' has no decoder"),
    "wrong ending": (["embed", "tiny", ".", "--out", "t.xlsx"], "can be written as .csv, .parquet, .json, .npz"),
    "titles of MovieLens": (["train", "ml1m-sparse-fc-1", "--titles", "t.csv"], "--titles is for recommenders of your"),
    "unknown figure": (["reproduce", "figure99"], "'figure99' is not one of"),
}  # fmt: skip


@pytest.mark.parametrize("words, said", MISTAKES.values(), ids=MISTAKES)
def test_the_users_mistake_is_one_line_and_exit_code_2(kernelviz, in_library, monkeypatch, tmp_path, words, said):
    monkeypatch.chdir(tmp_path)
    if words[0] == "train":
        monkeypatch.setenv("KERNELVIZ_RUNS", str(tmp_path / "runs"))
    code, out, errors = kernelviz(*words)
    assert (code, out) == (2, "")
    assert re.search(said, errors)
    last = errors.splitlines()[-1] if words[0] == "train" else one_line(errors)  # a progress bar may stand before it
    assert last.startswith("kernelviz: ")
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != ".locks"] == []


def test_run_as_a_module_it_says_the_same(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["kernelviz", "train", "nosuch"])
    monkeypatch.delitem(sys.modules, "kernelviz.cli", raising=False)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("kernelviz.cli", run_name="__main__")
    assert ended.value.code == 2
    assert one_line(capsys.readouterr().err).startswith("kernelviz: unknown recipe 'nosuch'")


def test_our_own_fault_is_not_blamed_on_the_user(kernelviz, in_library, monkeypatch):
    def fault(*_):
        np.zeros(3).reshape(2)  # a ValueError from below

    monkeypatch.setattr("kernelviz.evaluation.metrics.map_metrics", fault)
    with pytest.raises(ValueError, match="cannot reshape"):
        kernelviz("evaluate", "tiny")


def test_a_value_error_that_our_own_code_raises_is_our_fault_too(kernelviz, in_library, monkeypatch):
    commands = sys.modules["kernelviz.cli.main"]  # the package has the function of that name
    monkeypatch.setattr(commands, "print_metrics", lambda _: PercentileClip(sparsity=2.0))
    with pytest.raises(ValueError, match="lambda is at least 0 and below 1"):
        kernelviz("evaluate", "tiny")


def test_a_run_without_what_is_usual_is_given_it(kernelviz, tiny_recipe):
    kernelviz("train", "tiny", "--epochs", 1, "--name", "mine")
    folder = load_run("mine").folder
    before = (folder / "novelty.safetensors").read_bytes()
    (folder / "novelty.safetensors").unlink()
    assert kernelviz("evaluate", "mine", "--calibrate")[0] == 0
    assert (folder / "novelty.safetensors").read_bytes() == before
    code, _, errors = kernelviz("evaluate", "mnist-grids", "--calibrate")
    assert code == 2 and "has no map of images" in errors


def test_train_prints_one_json_object_and_leaves_a_run(kernelviz, tiny_recipe, tmp_path):
    code, out, errors = kernelviz("train", "tiny", "--epochs", 1, "--name", "mine", "--seed", 3, "--json")
    assert code == 0 and "epoch 1/1" in errors
    found = one_object(out)
    run = load_run("mine")
    assert found == {"run": "mine", "folder": str(tmp_path / "runs" / "mine"), "metrics": run.metrics}
    files = {"run.json", "weights.safetensors", "map.parquet", "novelty.safetensors", "epochs.safetensors"}
    assert {path.name for path in run.folder.iterdir()} == files
    assert run.seed == 3 and run.recipe["epochs"] == 1
    assert run.made_by["command"] == "kernelviz train tiny --epochs 1 --name mine --seed 3 --json"
    before = {path: path.read_bytes() for path in run.folder.iterdir()}
    for words in ([], ["--resume"]):
        code, _, errors = kernelviz("train", "tiny", "--name", "mine", *words)
        assert code == 2 and "there is a finished run in" in one_line(errors)
    assert {path: path.read_bytes() for path in run.folder.iterdir()} == before


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_run_of_the_users_own_images_is_evaluated_from_anywhere(
    kernelviz, tiny_recipe, digits, tmp_path, monkeypatch, kind
):
    (tmp_path / "mine").mkdir()
    for at, (pixels, label) in enumerate(zip(digits.train_images[:60], digits.train_labels, strict=False)):
        (tmp_path / "mine" / str(label)).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "mine" / str(label) / f"{at}.png")
    arrays = {f"{part}_{what}": getattr(digits, f"{part}_{what}") for part in ("train", "test") for what in ARRAYS}
    np.savez(tmp_path / "mine.npz", **arrays)
    monkeypatch.chdir(tmp_path)
    assert kernelviz("train", "tiny", "--epochs", 1, "--data", {"folder": "mine", "file": "mine.npz"}[kind])[0] == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, out, errors = kernelviz("evaluate", "tiny", "--json")
    assert code == 0, errors
    assert one_object(out)["test_bce"] == pytest.approx(load_run("tiny").metrics["test_bce"], rel=1e-5)


@pytest.fixture
def stopped(kernelviz, tiny_recipe, monkeypatch, tmp_path):
    """The folder of a training of two epochs that was stopped in the second."""

    def step(training, original=Training._step):
        if training.progress.step == 50:
            signal.raise_signal(signal.SIGINT)
        return original(training)

    with monkeypatch.context() as patched:
        patched.setattr(Training, "_step", step)
        assert kernelviz("train", "tiny", "--epochs", 2)[0] == 130
    return tmp_path / "runs" / "tiny"


def test_a_stopped_training_is_not_overwritten(kernelviz, stopped):
    before = (stopped / "checkpoint.safetensors").read_bytes()
    code, _, errors = kernelviz("train", "tiny", "--epochs", 2)
    assert code == 2 and "there is a stopped training in" in one_line(errors)
    assert (stopped / "checkpoint.safetensors").read_bytes() == before


def test_a_name_that_another_process_trains_is_told(kernelviz, tiny_recipe):
    with claimed("tiny"):
        code, _, errors = kernelviz("train", "tiny", "--epochs", 1)
    assert code == 2 and "another process trains or changes tiny" in one_line(errors)
    assert not (runs_folder() / "tiny" / "run.json").exists()


@pytest.mark.parametrize("words", [["--epochs", 3], ["--epochs", 2, "--seed", 1]], ids=["recipe", "seed"])
def test_another_recipe_or_seed_does_not_resume(kernelviz, stopped, words):
    code, out, errors = kernelviz("train", "tiny", *words, "--resume")
    assert (code, out) == (2, "")
    assert "belongs to another recipe or seed. Train without --resume" in errors.splitlines()[-1]


def test_a_corrupted_checkpoint_does_not_resume(kernelviz, stopped):
    (stopped / "checkpoint.safetensors").write_bytes(b"torn")
    code, out, errors = kernelviz("train", "tiny", "--epochs", 2, "--resume")
    assert (code, out) == (2, "")
    assert re.match("kernelviz: cannot resume from .*checkpoint.safetensors", errors.splitlines()[-1])


def test_runs_cannot_be_written_below_a_file(kernelviz, tiny_recipe, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERNELVIZ_RUNS", str(tmp_path / "file" / "runs"))
    code, _, errors = kernelviz("train", "tiny")
    assert code == 2 and "set KERNELVIZ_RUNS to another folder" in one_line(errors)


def test_a_disk_that_fills_up_in_the_training_says_so(kernelviz, tiny_recipe, full_disk, tmp_path):
    with full_disk():
        code, out, errors = kernelviz("train", "tiny", "--epochs", 1)
    assert (code, out) == (2, "")
    assert re.search("checkpoint of . MB cannot be written to .*free space there", errors.splitlines()[-1])
    assert not (tmp_path / "runs" / "tiny").exists()


def test_a_loss_that_is_not_finite_stops_in_one_line(kernelviz, tiny_recipe, monkeypatch):
    monkeypatch.setattr("kernelviz.training.loop.one_cycle", lambda *_: float("nan"))
    code, out, errors = kernelviz("train", "tiny", "--epochs", 1)
    assert (code, out) == (2, "")
    assert "the loss became nan in epoch 1, step 2 of 40; there was no checkpoint yet" in errors.splitlines()[-1]


def test_embed_names_the_bad_files_and_embeds_the_others(kernelviz, in_library, pictures):
    code, out, errors = kernelviz("embed", "tiny", pictures, pictures / "gone.png", "--json")
    assert code == 0
    found = one_object(out)
    assert [row["name"] for row in found["images"]] == [str(pictures / n) for n in ("a.png", "b.png", "below/c.png")]
    bad = [str(pictures / name) for name in ("notes.txt", "torn.png", "gone.png")]
    assert [row["name"] for row in found["refused"]] == bad
    lines = errors.splitlines()[-3:]
    assert [line.split(": ")[0] for line in lines] == bad and all(line.split(": ")[1] for line in lines)


def test_embed_as_csv_on_standard_output_and_in_a_file_is_the_same_table(kernelviz, in_library, pictures, tmp_path):
    code, out, _ = kernelviz("embed", "tiny", pictures / "a.png", pictures / "b.png")
    assert code == 0
    (tmp_path / "printed.csv").write_text(out)
    code, out, _ = kernelviz("embed", "tiny", pictures / "a.png", pictures / "b.png", "--out", tmp_path / "file.csv")
    assert (code, out) == (0, "")
    printed, written = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("printed", "file"))
    pd.testing.assert_frame_equal(printed, written)
    assert len(printed) == 2 and printed["x"].notna().all()


def test_embed_gives_the_coordinates_of_the_library(kernelviz, in_library, autoencoder, digits, tmp_path):
    picture = digits.test_images[:1]
    frame = np.pad(picture[0].repeat(40, 0).repeat(40, 1), 40)
    Image.fromarray(frame).save(tmp_path / "digit.png")
    from kernelviz.ingest.files import preprocess_image

    with Image.open(tmp_path / "digit.png") as image:
        pixels = preprocess_image(image, autoencoder.preprocess)
    expected = embed(load_network(autoencoder), pixels[None]).coordinates[0]
    _, out, _ = kernelviz("embed", "tiny", tmp_path / "digit.png", "--json")
    row = one_object(out)["images"][0]
    assert [row["x"], row["y"]] == pytest.approx(expected.tolist(), abs=1e-5)


@pytest.mark.parametrize("content", ["nothing", "no picture", "no file"])
def test_embed_with_nothing_to_read_is_a_mistake(kernelviz, in_library, tmp_path, content):
    folder = tmp_path / "folder"
    folder.mkdir()
    if content == "no picture":
        (folder / "a.txt").write_text("a")
    code, out, errors = kernelviz(
        "embed", "tiny", folder / "gone" if content == "no file" else folder, "--out", tmp_path / "t.csv"
    )
    assert (code, out) == (2, "")
    said = "no picture was found there" if content == "nothing" else "none of the 1 files could be read"
    assert errors.splitlines()[-1] == f"kernelviz: {said}"
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.parametrize("name", ["tiny", "namer"])
def test_evaluate_measures_what_the_run_recorded(kernelviz, in_library, name):
    code, out, _ = kernelviz("evaluate", name, "--json")
    assert code == 0
    found, recorded = one_object(out), load_run(name).metrics
    assert found.keys() == recorded.keys()
    del found["seconds_per_10000"], recorded["seconds_per_10000"]
    assert found == pytest.approx(recorded, rel=1e-5)


def test_evaluate_without_json_is_a_table_with_the_meaning(kernelviz, in_library):
    code, out, _ = kernelviz("evaluate", "tiny")
    assert code == 0 and "map_5nn" in out and "vote" in out


@pytest.mark.parametrize("words, width", [([], None), (["--width", "0.3"], 0.3)])
def test_probe_writes_the_decoded_image(kernelviz, in_library, autoencoder, tmp_path, words, width):
    path = tmp_path / "decoded.png"
    code, out, errors = kernelviz("probe", "tiny", "--at", "-1.5", "0.5", *words, "--out", path)
    assert (code, out, errors) == (0, "", "")
    default = Probe(**autoencoder.probe)
    probe = Probe(width or default.width, default.amplitude)
    with Image.open(path) as image:
        assert image.format == "PNG"
        decoded = np.asarray(image)
    np.testing.assert_array_equal(decoded, decode_probes(load_network(autoencoder), np.array([[-1.5, 0.5]]), probe)[0])


def test_probe_into_a_folder_that_is_not_there(kernelviz, in_library, tmp_path):
    code, _, errors = kernelviz("probe", "tiny", "--at", "0", "0", "--out", tmp_path / "gone" / "x.png")
    assert code == 2 and "gone" in one_line(errors)


def test_runs_lists_every_run_and_what_is_wrong_with_the_others(kernelviz, autoencoder, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("mine", "broken"):
        shutil.copytree(autoencoder.folder, tmp_path / "runs" / name)
    (tmp_path / "runs" / "broken" / "run.json").write_text("{")
    code, out, errors = kernelviz("runs", "--json")
    assert (code, errors) == (0, "")
    found = one_object(out)
    (row,) = [row for row in found["runs"] if row["name"] == "mine"]
    assert row["metrics"] == autoencoder.metrics and row["data"] == "digits"
    assert row["folder"] == str(tmp_path / "runs" / "mine")
    assert len(found["broken"]) == 1 and "broken" in found["broken"][0]
    code, out, errors = kernelviz("runs")
    assert code == 0 and "mine" in out and "not the record of a run" in errors
    assert "cifar10-resnet32-kept11 " in out, "a name is cut"
    assert "…" not in out and "accuracy" in out and max(map(len, out.splitlines())) <= 80


def test_without_any_word_the_help_is_shown(kernelviz):
    code, out, errors = kernelviz()
    assert code == 2 and "train" in out and "embed" in out and errors == ""


def answer(port):
    """What the dashboard says of its health; None where nothing listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as reply:
            return reply.read().decode()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


@pytest.fixture
def dashboard():
    """Start a dashboard by the words of a command, with a port at their end; its process and port once it answers."""
    processes = []

    def start(*words):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = os.environ | {"STREAMLIT_SERVER_HEADLESS": "true"}
        process = subprocess.Popen(
            [sys.executable, "-m", *words, str(port)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        processes.append(process)
        deadline = time.monotonic() + 60
        while (said := answer(port)) != "ok":
            assert process.poll() is None and time.monotonic() < deadline, said
            time.sleep(0.2)
        return process, port

    yield start
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what a failure left behind
        process.wait()


APP = ("kernelviz.cli", "app", "--port")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=lambda stop: stop.name)
def test_app_serves_the_dashboard_and_ends_with_it_though_a_page_is_open(stop, dashboard):
    process, port = dashboard(*APP)
    with connect(f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"]):
        process.send_signal(stop)  # to this process alone, as a supervisor does
        process.wait(timeout=20)
    assert answer(port) is None  # no child goes on serving


@pytest.mark.parametrize(
    "words", [APP, ("streamlit", "run", str(own_file("app.py")), "--server.port")], ids=["app", "run"]
)
def test_both_commands_to_start_serve_the_routes_of_the_canvas(words, dashboard):
    _, port = dashboard(*words)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/kernelviz/canvas/{STAMP}/main.mjs", timeout=20) as reply:
        assert reply.read() == SCRIPTS["main.mjs"]


def test_a_port_in_use_is_a_clear_error(kernelviz):
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        code, _, errors = kernelviz("app", "--port", port)
    assert code == 2 and f"127.0.0.1:{port} cannot be served" in errors and "--port" in errors


def test_a_share_of_the_labels_is_a_matter_of_the_command_line(kernelviz, monkeypatch, tiny):
    recipe = replace(tiny, objectives={"reconstruct": 1.0, "supervised_neighbours": 0.3})
    monkeypatch.setitem(RECIPES, "some", recipe)
    code, _, _ = kernelviz("train", "some", "--epochs", 1, "--labels", 0.1)
    run = load_run("some")
    assert code == 0 and run.recipe["labels"] == 0.1
    assert run.metrics["map_5nn"] > 0.2  # which is measured with all labels


@pytest.fixture
def classes(tmp_path, coloured):
    """A folder with two classes of twelve pictures each, of another size than any network takes."""
    for label in (3, 7):
        (tmp_path / "classes" / str(label)).mkdir(parents=True)
        for at in np.flatnonzero(coloured.train_labels == label)[:12]:
            picture = Image.fromarray(coloured.train_images[at].repeat(5, 0).repeat(6, 1))
            picture.save(tmp_path / "classes" / str(label) / f"{at}.png")
    return tmp_path / "classes"


def test_a_head_on_ones_own_network_and_images(kernelviz, bottom, classes, tmp_path, monkeypatch):
    weights = shutil.copy(bottom.folder / "weights.safetensors", tmp_path / "theirs.safetensors")
    monkeypatch.chdir(tmp_path)
    on = ("--backbone", "resnet32", "--weights", "theirs.safetensors", "--keep", "5", "--data", classes)
    code, out, _ = kernelviz("train", "head", *on, "--name", "mine", "--epochs", 2, "--json")
    run = load_run("mine")
    assert code == 0 and one_object(out)["metrics"].keys() >= {"test_accuracy"}
    assert run.backbone["layers"] == 5 and run.recipe["weights"] == str(weights) and run.classes == ("3", "7")
    assert (run.preprocess.name, run.preprocess.height, run.preprocess.channels) == ("crop", 32, 3)
    weights.unlink()  # its backbone is stored beside it
    coordinates = {}
    for at in range(2):
        code, out, _ = kernelviz("embed", "mine", classes / "3", "--json")
        coordinates[at] = [(row["x"], row["y"]) for row in one_object(out)["images"]]
    assert code == 0 and len(coordinates[0]) == 12 and coordinates[0] == coordinates[1]
    code, out, _ = kernelviz("evaluate", "mine", "--json")
    assert one_object(out)["test_accuracy"] == run.metrics["test_accuracy"]


def factory():
    """A network of the user's own, by its modules."""
    torch.manual_seed(0)
    parts = {
        "first": torch.nn.Conv2d(3, 4, 3, stride=8),
        "second": torch.nn.Conv2d(4, 2, 3),
        "last": torch.nn.Flatten(),
    }
    return torch.nn.Sequential(OrderedDict(parts))


def test_a_head_on_a_network_of_ones_own_code(kernelviz, classes, tmp_path, monkeypatch):
    torch.save(factory().state_dict(), tmp_path / "own.pt")
    code = f"{__name__}:factory"
    on = ("--backbone", code, "--weights", tmp_path / "own.pt", "--keep", "first", "--data", classes)
    assert kernelviz("train", "head", *on, "--name", "own", "--epochs", 1)[0] == 0
    assert load_run("own").backbone | {"sha256": ""} == {"network": code, "kept": "first", "layers": 1, "sha256": ""}
    code, _, errors = kernelviz("embed", "own", classes)
    assert code == 2 and "if you trust it, start kernelviz with KERNELVIZ_CODE=" in errors
    monkeypatch.setenv("KERNELVIZ_CODE", f"{__name__}:factory")
    assert kernelviz("embed", "own", classes)[0] == 0


def test_a_backbone_is_measured_and_listed(kernelviz, in_library, bottom, coloured):
    code, out, _ = kernelviz("evaluate", "bottom", "--json")
    assert code == 0 and one_object(out) == bottom.metrics
    code, out, _ = kernelviz("runs")
    assert code == 0 and "bottom" in out and "coloured" in out


@pytest.fixture
def shipped_depths(monkeypatch):
    """Where the shipped runs of the ResNet are not there yet, the tests that need them say so."""
    names = [run["run"] for run in TABLE2]
    missing = [name for name in names if not own_file("pretrained", name, "run.json").exists()]
    assert not missing, f"shipped runs are missing: {missing}"


def test_table_2_sets_our_accuracies_beside_the_papers(kernelviz, shipped_depths):
    code, out, _ = kernelviz("reproduce", "table2", "--json")
    rows = one_object(out)["rows"]
    assert code == 0 and [row["paper"] for row in rows] == ["92.3 %", "92.6 %", "90.5 %", "82.3 %"]
    for row, run in zip(rows, TABLE2, strict=True):
        accuracy = load_run(run["run"]).metrics["test_accuracy"]
        assert float(row["ours"].removesuffix(" %")) == pytest.approx(100 * accuracy, abs=1e-2)
    assert [row["verdict"] for row in rows] == ["agrees", "agrees", "below", "better"]


def test_figure_7_renders_the_three_maps(kernelviz, shipped_depths, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = kernelviz("reproduce", "figure7", "--json")
    report = one_object(out)
    picture = np.asarray(Image.open(report["figure"]))
    assert code == 0 and picture.shape == (1000, 3000, 3)
    assert all((panel < 250).any(2).mean() > 0.01 for panel in np.split(picture, 3, axis=1))
    nearest = [float(row["ours"].split()[0]) for row in report["rows"] if row["what"].endswith("5-NN on the map")]
    assert nearest == sorted(nearest, reverse=True)  # the shallower the network, the more classes overlap
