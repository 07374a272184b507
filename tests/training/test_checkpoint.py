"""A training that was stopped, by Ctrl-C or by force, ends with the weights of one that never was."""

import json
import os
import signal
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from kernelviz.data.batches import Jitter
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.training import checkpoint, files
from kernelviz.training.loop import Training
from kernelviz.training.session import new_training

SMALL = {"encoder": (30, 40), "decoder": (30,), "grid": (12, 12)}
SHORT = EmbeddingRecipe(
    data="digits", network=SMALL, epochs=3, batch=256, rate=5e-3, jitter=Jitter(0.1)
)  # 5 steps an epoch
WEIGHTS = "weights.safetensors"


def stopped_at(step, images, folder, recipe=SHORT, seed=0):
    """A training saved in a folder after so many steps."""
    training = new_training(recipe, images, seed, "cpu")
    for progress in training.run():
        if progress.step == step:
            break
    folder.mkdir(exist_ok=True)
    checkpoint.save(training, folder)
    return training


def resumed(images, folder, recipe=SHORT, seed=0):
    training = new_training(recipe, images, seed, "cpu")
    checkpoint.resume(training, folder)
    return training


def finished(training):
    for _ in training.run():
        pass
    return training


def without_times(history):
    return [{key: row[key] for key in row if "second" not in key} for row in history]


@pytest.mark.parametrize("step", [1, 5, 7, 15])
def test_a_training_goes_on_to_bitwise_the_same_weights(tmp_path, digits, step):
    whole = finished(new_training(SHORT, digits, 0, "cpu"))
    stopped_at(step, digits, tmp_path)
    other = finished(resumed(digits, tmp_path))
    for one, two in zip(whole.network.state_dict().values(), other.network.state_dict().values(), strict=True):
        assert torch.equal(one, two)
    states = [training.optimizer.state_dict()["state"] for training in (whole, other)]
    assert states[0].keys() == states[1].keys()
    for at, one in states[0].items():
        assert all(torch.equal(one[key], states[1][at][key]) for key in ("step", "exp_avg", "exp_avg_sq"))
    assert without_times(whole.progress.history) == without_times(other.progress.history)
    assert whole.task.probe == other.task.probe


def test_the_history_lies_beside_the_checkpoint_for_others_to_read(tmp_path, digits):
    training = stopped_at(10, digits, tmp_path)
    assert json.loads((tmp_path / "history.json").read_text()) == training.progress.history
    assert [row["epoch"] for row in training.progress.history] == [1, 2]


@pytest.mark.parametrize("change", [{"seed": 1}, {"recipe": replace(SHORT, epochs=4)}], ids=["seed", "recipe"])
def test_another_seed_or_recipe_is_refused(tmp_path, digits, change):
    stopped_at(5, digits, tmp_path)
    with pytest.raises(ValueError, match="another recipe or seed"):
        resumed(digits, tmp_path, **change)


def rewritten(tmp_path, change, facts=None):
    """The checkpoint with its tensors changed by a function."""
    path = tmp_path / files.CHECKPOINT
    with checkpoint.safe_open(path, "pt") as file:
        record = file.metadata()
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, record if facts is None else facts)


U = "network.kernel_layer.u"
CORRUPTIONS = {
    "empty": lambda path: (path / files.CHECKPOINT).write_bytes(b""),
    "garbage": lambda path: (path / files.CHECKPOINT).write_bytes(b"\xff" * 1000),
    "truncated": lambda path: os.truncate(path / files.CHECKPOINT, 5000),
    "a tensor is missing": lambda path: rewritten(path, lambda tensors: tensors.pop(U)),
    "a tensor too many": lambda path: rewritten(path, lambda t: t.update({"network.extra": torch.zeros(1)})),
    "a tensor of another shape": lambda path: rewritten(path, lambda t: t.update({U: torch.zeros(3)})),
    "a tensor of no kind": lambda path: rewritten(path, lambda t: t.update({"optimizer.x": torch.zeros(1)})),
    "no record": lambda path: rewritten(path, lambda _: None, {}),
    "a record that is no JSON": lambda path: rewritten(path, lambda _: None, {"kernelviz": "{"}),
    "a record without progress": lambda path: rewritten(path, lambda _: None, {"kernelviz": "{}"}),
}


@pytest.mark.parametrize("corrupt", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_a_corrupted_checkpoint_is_an_error_with_its_path_and_what_to_do(tmp_path, digits, corrupt):
    stopped_at(2, digits, tmp_path)
    corrupt(tmp_path)
    with pytest.raises(ValueError, match="(?s)cannot resume from .*checkpoint.safetensors: .*without --resume"):
        resumed(digits, tmp_path)


def test_without_a_checkpoint_there_is_nothing_to_resume(tmp_path, digits):
    with pytest.raises(ValueError, match="there is no checkpoint at .*; train without --resume"):
        resumed(digits, tmp_path)


def test_a_full_disk_leaves_the_last_checkpoint_as_it_was(tmp_path, digits, full_disk):
    stopped_at(5, digits, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    training = resumed(digits, tmp_path)
    next(training.run())
    with (
        full_disk(),
        pytest.raises(OSError, match="cannot be written to .*too large.*; free space .* `kernelviz resume"),
    ):
        checkpoint.save(training, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert resumed(digits, tmp_path).progress.step == 5


@pytest.mark.parametrize("resuming", [True, False])
def test_a_finished_run_is_never_overwritten(tmp_path, resuming):
    (tmp_path / "run.json").touch()
    with pytest.raises(ValueError, match="a finished run in .*; give another --name"):
        files.refuse_to_overwrite(tmp_path, resuming)


def test_a_stopped_training_is_only_overwritten_by_its_resumption(tmp_path):
    (tmp_path / files.CHECKPOINT).touch()
    files.refuse_to_overwrite(tmp_path, resumed=True)
    with pytest.raises(ValueError, match="a stopped training in .*; resume it with --resume"):
        files.refuse_to_overwrite(tmp_path, resumed=False)


def test_an_empty_folder_is_free(tmp_path):
    files.refuse_to_overwrite(tmp_path, resumed=False)


def interrupting(step):
    """Training._step, with a Ctrl-C in the middle of that step."""
    original = Training._step

    def interrupted(training):
        if training.progress.step == step:
            signal.raise_signal(signal.SIGINT)
        return original(training)

    return interrupted


def test_ctrl_c_in_the_middle_of_an_epoch_loses_nothing(tmp_path, kernelviz, tiny_recipe, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Training, "_step", interrupting(57))  # the 18th of the 40 steps of the second epoch
        code, out, errors = kernelviz("train", "tiny", "--epochs", 2, "--name", "stopped")
    assert (code, out) == (130, "")
    assert "stopped at step 58 of 80; go on with `kernelviz resume stopped`" in errors.splitlines()
    assert kernelviz("resume", "stopped")[0] == 0
    assert kernelviz("train", "tiny", "--epochs", 2, "--name", "whole")[0] == 0
    stopped, whole = (tmp_path / "runs" / name / WEIGHTS for name in ("stopped", "whole"))
    assert stopped.read_bytes() == whole.read_bytes()


def test_ctrl_c_before_the_first_step_stops_there(tmp_path, kernelviz, tiny_recipe, monkeypatch):
    def task(recipe, data, seed, device, report):
        report(1)
        signal.raise_signal(signal.SIGINT)
        report(2)
        raise AssertionError("it goes on")

    monkeypatch.setattr(EmbeddingRecipe, "task", task)
    code, _, errors = kernelviz("train", "tiny", "--name", "stopped")
    assert code == 130 and errors.splitlines()[-1] == "stopped before the first step of stopped"
    assert not (tmp_path / "runs" / "stopped").exists()


def test_ctrl_c_twice_is_two_times_resumed(kernelviz, tiny_recipe, monkeypatch):
    monkeypatch.setattr(Training, "_step", interrupting(3))
    assert kernelviz("train", "tiny", "--epochs", 3)[0] == 130
    monkeypatch.setattr(Training, "_step", interrupting(7))
    code, _, errors = kernelviz("resume", "tiny")
    assert code == 130 and "go on with `kernelviz resume tiny`\n" in errors
