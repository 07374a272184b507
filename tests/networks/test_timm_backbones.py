"""Backbones of timm: by name, with their own preprocessing, one of them without any download."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_image

from kernelviz.errors import NotFound, UserError
from kernelviz.networks import new_backbone
from kernelviz.networks.backbones import MEAN, STD, normalised
from kernelviz.networks.checkpoints import read_weights
from kernelviz.networks.timm_backbones import LITE0, is_timm, packaged_weights, timm_file, timm_normalisation, timm_side
from kernelviz.networks.truncated import FEATURES, truncated
from kernelviz.storage import weights
from kernelviz.storage.weights import load_network, pretrained_backbone
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.training.finish import finish
from kernelviz.training.session import new_training


@pytest.fixture(scope="module")
def lite0():
    return pretrained_backbone(LITE0, "", FEATURES)


def test_the_packaged_weights_are_those_of_the_network(lite0):
    assert lite0.sha256.startswith("57934424") and lite0.layers == 49  # the hash stands in the name of the file
    assert (lite0.mean, lite0.std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    features = lite0.extractor(torch.rand(2, 3, 64, 64))
    assert features.shape == (2, 1280) and features.std() > 0.1


@pytest.mark.parametrize("picture, likeliest", [("china.jpg", 698), ("flower.jpg", 985)], ids=["palace", "daisy"])
def test_the_packaged_weights_name_what_is_in_a_photograph(picture, likeliest):
    network, found = new_backbone(LITE0), read_weights(packaged_weights(LITE0))
    network.load_state_dict(dict(zip(network.state_dict(), found.values(), strict=True)))
    image = ImageOps.fit(Image.fromarray(load_sample_image(picture)), (224, 224))
    shown = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 255
    assert network.eval()(normalised(shown, (0.5,) * 3, (0.5,) * 3)).argmax() == likeliest


def test_pixels_are_normalised_as_the_network_was_trained(lite0):
    images = torch.rand(2, 3, 64, 64)
    direct = lite0.module(2 * images - 1)
    torch.testing.assert_close(lite0.extractor(images), direct, rtol=1e-3, atol=1e-3)


def test_names_are_those_of_timm():
    assert is_timm("resnet18") and is_timm("vit_small_patch14_dinov2.lvd142m") and not is_timm("resnet19")
    assert timm_side("vit_small_patch14_dinov2.lvd142m") == 518 and timm_side(LITE0) == 224
    assert timm_normalisation(new_backbone("mobilenetv4_conv_small")) == (MEAN, STD)
    assert timm_normalisation(new_backbone("resnet32")) is None


def test_a_vision_transformer_without_its_classifier_gives_features():
    module = truncated(new_backbone("vit_tiny_patch16_224"), FEATURES)
    assert module(torch.rand(1, 3, 224, 224)).shape == (1, 192)


def test_weights_that_cannot_be_downloaded_say_how_to_bring_them(monkeypatch):
    def offline(*_, **__):
        raise RuntimeError("no net")

    monkeypatch.setattr(weights, "new_timm", offline)
    with pytest.raises(NotFound, match="mobilenetv3_small_050 cannot be downloaded .*--weights FILE, or take tf_eff"):
        pretrained_backbone("mobilenetv3_small_050", "", FEATURES)


@pytest.mark.parametrize("prefix", ["model.", "backbone.", "module.model.", "encoder.", "student.", "teacher."])
def test_the_prefixes_of_training_scripts_go(prefix, tmp_path):
    torch.save({f"{prefix}{name}": torch.ones(2) for name in ("a.weight", "b.bias")}, tmp_path / "w.pt")
    assert read_weights(tmp_path / "w.pt").keys() == {"a.weight", "b.bias"}


def test_of_a_student_and_a_teacher_the_teacher_is_read(tmp_path):
    torch.save({"student.a": torch.zeros(2), "teacher.a": torch.ones(2)}, tmp_path / "w.pt")
    assert read_weights(tmp_path / "w.pt")["a"].tolist() == [1, 1]


@pytest.mark.parametrize("factory", ["needy", "faulty"])
def test_what_a_factory_raises_is_one_line(factory):
    with pytest.raises(UserError, match=f"{factory}' cannot be made: \\w+Error: .*; a factory takes no arguments"):
        new_backbone(f"{__name__}:{factory}")


def needy(size):
    return torch.nn.Linear(size, size)


def faulty():
    raise KeyError("layers")


def test_neighbours_are_near_in_the_features(coloured, tmp_path, monkeypatch):
    few = replace(
        coloured,
        train_images=coloured.train_images[:240].repeat(4, 1).repeat(4, 2),
        train_labels=coloured.train_labels[:240],
        test_images=coloured.test_images[:40].repeat(4, 1).repeat(4, 2),
        test_labels=coloured.test_labels[:40],
        preprocess=replace(coloured.preprocess, height=32, width=32),
    )
    recipe = EmbeddingRecipe(
        data="few",
        backbone=LITE0,
        depth=FEATURES,
        network={"encoder": (50,), "decoder": (), "grid": (12, 12)},
        objectives={"neighbours": 1.0},
        neighbours=5,
        epochs=2,
        batch=64,
        mixed=False,
    )
    training = new_training(recipe, few, 0, "cpu")
    features = training.task.cache.flatten(1).numpy()
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    nearest = np.argsort(-(unit @ unit.T), axis=1, kind="stable")
    own = [set(nearest[row][nearest[row] != row][:5]) for row in (0, 17, 150)]
    assert [set(training.task.train.graph[row].tolist()) for row in (0, 17, 150)] == own
    for _ in training.run():
        pass
    folder = tmp_path / "photos"
    folder.mkdir()
    run = finish(training, folder, "by a test")
    assert run.backbone["mean"] == (0.5, 0.5, 0.5) and not run.has_decoder
    assert not (folder / "backbone.safetensors").exists()  # the installed package has it
    assert load_network(run).backbone[0].mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("depth, blocks", [("blocks.3", 4), ("blocks", 12)])
def test_a_vision_transformer_halts_within_its_encoder(depth, blocks):
    network = new_backbone("vit_tiny_patch16_224").eval()
    images = torch.rand(1, 3, 224, 224)
    part = truncated(network, depth)
    x = network._pos_embed(network.patch_embed(images))
    for block in network.blocks[:blocks]:
        x = block(x)
    torch.testing.assert_close(part(images), x)
    assert f"halted.network.blocks.{blocks}.norm1.weight" not in part.layers.state_dict()


def test_the_file_of_published_weights_is_named(monkeypatch):
    assert timm_file("mobilenetv3_small_050").endswith(
        "timm/mobilenetv3_small_050.lamb_in1k/resolve/main/model.safetensors"
    )
    monkeypatch.setattr(weights, "new_timm", needy)
    with pytest.raises(NotFound, match="bring https://huggingface.co/timm/.* and give --weights FILE"):
        pretrained_backbone("mobilenetv3_small_050", "", FEATURES)
