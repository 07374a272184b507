"""Which devices there are, what is computed on a GPU, and that nobody waits for it on the way."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from kernelviz.errors import UserError
from kernelviz.evaluation.inference import (
    PART,
    at_a_time,
    decode,
    decode_probes,
    embed,
    embed_rows,
    make_map,
    rows_at_a_time,
)
from kernelviz.evaluation.stage_statistics import stage_statistics
from kernelviz.layers.probe import Probe
from kernelviz.networks.devices import VARIABLE, best_device, device_of, devices, mixed_precision, use_device
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network
from tests.fake_gpu import GPU, fake_gpu


@pytest.fixture
def machine(monkeypatch):
    """Says which GPUs the machine has."""

    def has(cuda=0, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    monkeypatch.setenv(VARIABLE, "auto")
    return has


@pytest.mark.parametrize(
    "gpus, there",
    [
        ({}, ["cpu"]),
        ({"mps": True}, ["mps", "cpu"]),
        ({"cuda": 2}, ["cuda", "cuda:0", "cuda:1", "cpu"]),
    ],
    ids=str,
)
def test_the_fastest_device_is_the_best(machine, gpus, there):
    machine(**gpus)
    assert devices() == there and best_device() == there[0]


def test_a_device_is_named_by_the_caller_or_by_the_variable(machine):
    machine(cuda=2)
    assert use_device("cpu") == best_device() == best_device("auto") == "cpu"
    assert best_device("cuda:1") == "cuda:1"


def test_a_device_that_is_not_there_is_refused_with_those_that_are(machine, monkeypatch):
    machine(mps=True)
    with pytest.raises(UserError, match="no device 'cuda' on this machine; choose auto, mps, cpu"):
        use_device("cuda")
    monkeypatch.setenv(VARIABLE, "tpu")
    with pytest.raises(UserError, match="no device 'tpu'"):
        best_device()


def test_processes_of_one_machine_have_a_gpu_each(machine, monkeypatch):
    machine(cuda=2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert best_device() == "cuda:1" and best_device("cpu") == "cpu"
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(UserError, match="no device 'cuda:2'"):
        best_device()


def test_apples_gpus_compute_in_float32(machine):
    with mixed_precision(True, "mps"):
        assert not torch.is_autocast_enabled("mps")


def test_the_command_line_refuses_a_device_that_is_not_there(machine, kernelviz):
    machine()
    code, _, said = kernelviz("embed", "digits-neighbours", "none.png", "--device", "mps")
    assert code == 2 and "no device 'mps' on this machine; choose auto, cpu" in " ".join(said.split())


@pytest.fixture
def network():
    return load_network(load_run("digits-neighbours"), GPU)


def test_images_are_embedded_and_decoded_on_the_gpu_without_waiting(network, digits):
    with fake_gpu() as copies:
        images = digits.test_images[:200]
        found = embed(network, images)
        assert copies.read == 6  # the fields of `Embedded`, once each
        assert decode(network, torch.from_numpy(found.activation)).shape == (200, 8, 8)
        assert decode_probes(network, np.zeros((3, 2), np.float32), Probe(1.0, 1.0)).shape == (3, 8, 8)
        few = replace(digits, train_images=images[:20], train_labels=digits.test_labels[:20])
        assert len(make_map(network, few)) == 20 + len(digits.test_labels)


def test_pictures_go_through_a_backbone_on_the_gpu():
    network, pictures = load_network(load_run("cifar10-resnet32-kept11"), GPU), np.zeros((70, 32, 32, 3), np.uint8)
    with fake_gpu() as copies:
        found = embed(network, pictures)
        assert found.probabilities.shape == (70, 10) and copies.read == 6
        stage_statistics(network, pictures)


def test_the_features_of_a_set_go_to_the_gpu_in_half_precision(network):
    with fake_gpu():
        assert len(embed_rows(network, np.zeros((3, 64), np.float16)).coordinates) == 3


def test_on_a_gpu_more_images_pass_together_and_always_as_many(network):
    seen = []
    network.encoder.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    with fake_gpu():
        assert device_of(network).type == GPU
        for n in (1, 1500):
            embed(network, np.zeros((n, 8, 8), np.uint8))
    assert seen == 3 * [16 * PART]


@pytest.mark.parametrize("gigabytes, rows", [(80, 1024), (8, 1024), (4, 512), (1, 128), (0.1, 64)])
def test_fewer_images_pass_through_a_small_gpu(monkeypatch, gigabytes, rows):
    properties = SimpleNamespace(total_memory=gigabytes * 1e9)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    gpu = torch.device("cuda:0")
    assert rows_at_a_time(gpu) == at_a_time((28, 28), gpu) == rows
    assert at_a_time((512, 512), gpu) == max(1, rows // 128)
    assert rows_at_a_time(torch.device("cpu")) == 64
