"""The backbone of a map: found by its hash, beside the map, in a checkpoint, or not at all."""

import shutil
import sys
from dataclasses import replace
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torch import nn

from kernelviz.disk import runs_folder
from kernelviz.evaluation.inference import embed
from kernelviz.networks import new_backbone
from kernelviz.storage import weights
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.record import BrokenRun, read_run
from kernelviz.storage.weights import load_network, own_weights, pretrained_backbone, save_backbone
from kernelviz.tasks.recipes import changed_recipe


@pytest.fixture
def put():
    """Put a copy of a run among the user's runs."""

    def put(run, name=None):
        return read_run(shutil.copytree(run.folder, runs_folder() / (name or run.name)))

    return put


def test_a_head_lies_beside_its_backbone_and_embeds_as_it_did(heads, coloured):
    for head in heads:
        assert {"backbone.safetensors", "weights.safetensors"} <= {path.name for path in head.folder.iterdir()}
        network = load_network(head)
        assert not any(name.startswith("backbone.") for name in own_weights(network))
        when_trained = load_map(head.folder).of_split("test").coordinates[:50]
        now = embed(network, coloured.test_images[:50]).coordinates
        np.testing.assert_allclose(now, when_trained, atol=1e-5 * head.extent)
        assert network.arguments["backbone"] == head.backbone


def test_the_truncated_network_is_that_of_the_backbone_and_did_not_learn(heads, bottom):
    whole = load_network(bottom).state_dict()
    for name, value in load_network(heads[1]).backbone[1].layers[3].state_dict().items():  # the first block
        assert torch.equal(value, whole[f"layer1.0.{name}"])


def test_a_head_finds_its_backbone_among_the_runs_by_its_hash(put, heads, bottom, coloured):
    head = put(heads[0])
    expected = embed(load_network(head), coloured.test_images[:20]).coordinates
    (head.folder / "backbone.safetensors").unlink()
    with pytest.raises(BrokenRun, match="needs a resnet32 whose weights are gone"):
        load_network(head)
    put(bottom, "elsewhere")
    assert (embed(load_network(head), coloured.test_images[:20]).coordinates == expected).all()


def test_a_backbone_that_is_a_run_is_not_written_again(put, heads, bottom, tmp_path):
    backbone = pretrained_backbone("resnet32", str(bottom.folder / "weights.safetensors"), 11)
    save_backbone(backbone, tmp_path)
    assert (tmp_path / "backbone.safetensors").exists()
    put(bottom)
    (tmp_path / "other").mkdir()
    save_backbone(backbone, tmp_path / "other")
    assert not list((tmp_path / "other").iterdir())


def test_a_backbone_comes_from_a_run_by_default_by_name_or_from_a_file(put, bottom, tmp_path):
    own = put(bottom, "cifar10-resnet32")
    by_default, by_name = (
        pretrained_backbone("resnet32", "", 11),
        pretrained_backbone("resnet32", "cifar10-resnet32", 11),
    )
    by_file = pretrained_backbone("resnet32", str(own.folder / "weights.safetensors"), 11)
    assert by_default.facts == by_name.facts == by_file.facts
    assert by_default.facts["sha256"] == own.weights_sha256
    with pytest.raises(ValueError, match="'cifar10-resnet32' is a resnet32, not a resnet18"):
        pretrained_backbone("resnet18", "cifar10-resnet32", "layer1")
    with pytest.raises(FileNotFoundError, match="no file of weights"):
        pretrained_backbone("resnet32", str(tmp_path / "nowhere.pt"), 11)


def test_published_weights_are_fetched_once_or_it_is_said_where_they_belong(monkeypatch, tmp_path):
    asked = []

    def fetch(address, folder, **how):
        assert how == {"check_hash": True, "weights_only": True}
        asked.append(address)
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(new_backbone("resnet18").state_dict(), folder / address.rsplit("/", 1)[1])

    monkeypatch.setenv("KERNELVIZ_DATA", str(tmp_path))
    monkeypatch.setattr(weights, "load_state_dict_from_url", fetch)
    assert pretrained_backbone("resnet18", "", "layer1").layers == 5
    assert "resnet18-" in asked[0]

    def refuse(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr(weights, "load_state_dict_from_url", refuse)
    with pytest.raises(FileNotFoundError, match="resnet34 cannot be downloaded .*no network.*; give --weights FILE"):
        pretrained_backbone("resnet34", "", "layer1")
    with pytest.raises(ValueError, match="has no published weights"):
        pretrained_backbone("package.module:factory", "", "layer1")


def factory():
    """A network of the user's own."""
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 10))


def test_code_of_others_runs_only_where_it_is_named(put, heads, monkeypatch):
    code = f"{__name__}:factory"
    facts = {"network": code, "kept": "1", "layers": 1, "sha256": "0" * 64}
    head = put(heads[0])
    head = replace(head, network={"name": "embedding", "arguments": head.arguments | {"backbone": facts}})
    made = factory
    monkeypatch.setattr(sys.modules[__name__], "factory", lambda: pytest.fail("it ran"))
    with pytest.raises(BrokenRun, match=f"if you trust it, start kernelviz with KERNELVIZ_CODE={code}"):
        load_network(head)
    monkeypatch.setenv("KERNELVIZ_CODE", f"other.module:make,{code}")
    monkeypatch.setattr(sys.modules[__name__], "factory", made)
    with pytest.raises(BrokenRun, match="do not load"):  # it is made, but these are not its weights
        load_network(head)


@pytest.mark.parametrize(
    "changed", [{"network": "resnet19"}, {"kept": 99}, {"kept": "layer9"}, {"network": "resnet18"}]
)
def test_a_record_that_does_not_fit_its_backbone_is_a_broken_run(changed, put, heads):
    head = put(heads[0])
    arguments = head.arguments | {"backbone": head.backbone | changed}
    with pytest.raises(BrokenRun):
        load_network(replace(head, network={"name": "embedding", "arguments": arguments}))


def test_weights_under_a_key_have_a_hash_of_their_own(tmp_path):
    network = new_backbone("resnet32")
    averaged = {name: torch.zeros_like(value) for name, value in network.state_dict().items()}
    torch.save({"model": network.state_dict(), "ema": averaged}, tmp_path / "w.pt")
    with pytest.warns(UserWarning, match="averaged"):
        plain = pretrained_backbone("resnet32", str(tmp_path / "w.pt"), 1)
    chosen = pretrained_backbone("resnet32", f"{tmp_path / 'w.pt'}#ema", 1)
    assert plain.sha256 != chosen.sha256 and not chosen.module.state_dict()["layers.0.weight"].any()


def test_a_classifiers_run_is_a_backbone_by_its_name(put, bottom, heads):
    put(bottom), put(heads[0])
    recipe = changed_recipe("head", backbone="bottom", data="cifar10", depth=11)
    assert (recipe.backbone, recipe.weights, recipe.pictures) == ("resnet32", "bottom", ("crop", 32, 32, 3))
    assert pretrained_backbone(recipe.backbone, recipe.weights, 11).sha256 == bottom.weights_sha256
    with pytest.raises(ValueError, match="'at11' is no classifier .it is of the kind embedding"):
        changed_recipe("head", backbone="at11", data="cifar10")
    with pytest.raises(ValueError, match="mnist-grids' is a network of kernel grids, which cannot be truncated"):
        changed_recipe("head", backbone="mnist-grids", data="cifar10")
