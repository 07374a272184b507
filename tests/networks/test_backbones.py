"""The ResNet, truncated networks, and checkpoints of networks trained elsewhere."""

import copy
import pickle
import zipfile
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import resnet18

from kernelviz.errors import UserError
from kernelviz.networks import Backbone, new_backbone
from kernelviz.networks.backbones import BACKBONES, normalised
from kernelviz.networks.checkpoints import load_weights, read_weights
from kernelviz.networks.resnet import Block, ResNet
from kernelviz.networks.truncated import truncated


@pytest.fixture
def images():
    return torch.randn(4, 3, 32, 32)


@pytest.fixture
def network(images):
    """A ResNet of 8 layers whose BatchNorm has seen something."""
    network = ResNet(n=1)
    network(images), network(2 * images + 1)
    return network.eval()


@pytest.mark.parametrize("n, parameters", [(3, 269_722), (5, 464_154), (9, 853_018)])
def test_the_network_has_as_many_weights_as_that_of_the_paper(n, parameters):
    network = ResNet(n)  # He et al. 2015, table 6: 0.27, 0.46 and 0.85 million
    assert sum(weight.numel() for weight in network.parameters()) == parameters
    layers = [part for part in network.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    assert len(layers) == 6 * n + 2


def test_the_names_are_those_of_the_published_weights():
    names = set(ResNet(5).state_dict())
    for name in ("conv1.weight", "bn1.running_var", "layer1.0.conv1.weight", "layer3.4.bn2.bias", "linear.bias"):
        assert name in names
    assert not [name for name in names if "shortcut" in name or "downsample" in name]


def test_a_block_adds_its_shortcut(images):
    block = Block(16, 32, stride=2).eval()
    for part in (block.conv1, block.conv2):
        nn.init.zeros_(part.weight)
    x = torch.rand(2, 16, 8, 8)
    out = block(x)  # the convolutions give nothing: what comes out is the shortcut
    torch.testing.assert_close(out[:, 8:24], x[:, :, ::2, ::2])
    assert not out[:, :8].any() and not out[:, 24:].any()


def test_truncated_after_a_stage_it_gives_the_stages_output(network, images):
    x = network.relu(network.bn1(network.conv1(images)))
    for depth, stage in [(1, None), (3, network.layer1), (5, network.layer2), (7, network.layer3)]:
        x = x if stage is None else stage(x)
        torch.testing.assert_close(truncated(network, depth)(images), x)
        if stage is not None:
            torch.testing.assert_close(truncated(network, f"layer{depth // 2}")(images), x)
    torch.testing.assert_close(network.linear(x.mean((2, 3))), network(images))


def test_half_a_block_is_its_first_convolution(network, images):
    shallow, block = truncated(network, 3)(images), network.layer2[0]
    wanted = torch.relu(block.bn1(block.conv1(shallow)))
    torch.testing.assert_close(truncated(network, 4)(images), wanted)


@pytest.mark.parametrize("depth, weights", [(1, 1), (2, 2), (11, 11), (21, 21), (31, 31)])
def test_as_many_layers_exist_as_asked_for_and_no_more(depth, weights):
    shallow = truncated(ResNet(5), depth)
    assert sum(isinstance(part, nn.Conv2d) for part in shallow.modules()) == weights
    assert not any(isinstance(part, nn.Linear) for part in shallow.modules())


def test_not_one_value_of_the_truncated_network_changes_while_the_head_learns(network, images):
    head = nn.Sequential(truncated(network, 5), nn.Flatten(), nn.Linear(32 * 16 * 16, 10)).train()
    before = {name: value.clone() for name, value in head[0].state_dict().items()}
    optimizer = torch.optim.Adam([weight for weight in head.parameters() if weight.requires_grad], lr=1e-3)
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.cross_entropy(head(images), torch.arange(4)).backward()
        optimizer.step()
    assert all(torch.equal(value, before[name]) for name, value in head[0].state_dict().items())
    assert len(before) > 10 and head[2].weight.grad.abs().sum() > 0


@pytest.mark.parametrize("depth", [0, 8, -1, "layer4", "linear", "conv"])
def test_a_depth_that_does_not_exist_is_said(depth, network):
    with pytest.raises(
        ValueError, match="1 to 7 layers" if isinstance(depth, int) else "at (one of )?conv1, bn1, relu, layer1"
    ):
        truncated(network, depth)


def test_torchvision_networks_are_truncated_by_the_names_of_their_modules():
    whole = resnet18(num_classes=5).eval()
    images = torch.randn(2, 3, 64, 64)
    shallow = truncated(whole, "layer3")
    x = images
    for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3"):
        x = getattr(whole, name)(x)
    torch.testing.assert_close(shallow(images), x)
    with pytest.raises(ValueError, match="name a module: conv1"):
        truncated(whole, 3)


def plain(weights, path):
    torch.save(weights, path)


def old_format(weights, path):
    torch.save(weights, path, _use_new_zipfile_serialization=False)


def wrapped(weights, path):
    torch.save({"epoch": 3, "state_dict": weights, "best_prec1": 0.9}, path)


def wrapped_twice(weights, path):
    torch.save({"model": {"net": weights}}, path)


def prefixed(weights, path):
    torch.save({"state_dict": {f"module.{name}": value for name, value in weights.items()}}, path)


def compiled(weights, path):
    save_file({f"_orig_mod.{name}": value for name, value in weights.items()}, path)


def without_counters(weights, path):
    torch.save({name: value for name, value in weights.items() if "num_batches" not in name}, path)


@pytest.mark.parametrize(
    "write", [save_file, plain, old_format, wrapped, wrapped_twice, prefixed, compiled, without_counters]
)
def test_weights_of_every_usual_kind_are_read(write, network, images, tmp_path):
    write(network.state_dict(), tmp_path / "weights")
    other = ResNet(n=1).eval()
    load_weights(other, tmp_path / "weights")
    torch.testing.assert_close(other(images), network(images))


def test_what_does_not_fit_is_named_and_the_network_stays_as_it_was(network, tmp_path):
    weights = network.state_dict()
    del weights["bn1.weight"]
    weights |= {"linear.weight": torch.zeros(7, 64), "extra": torch.zeros(1)}
    torch.save(weights, tmp_path / "weights.pt")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(ValueError) as said:
        load_weights(network, tmp_path / "weights.pt")
    for part in ("missing: bn1.weight", "network: extra", "linear.weight (7, 64) in place of (10, 64)"):
        assert part in str(said.value)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_weights_of_another_network_name_a_few_and_count_the_rest(network, tmp_path):
    torch.save(resnet18().state_dict(), tmp_path / "weights.pt")
    with pytest.raises(ValueError, match=r"and \d+ more"):
        load_weights(network, tmp_path / "weights.pt")


class Dangerous:
    def __reduce__(self):
        return Path.touch, (Path("danger"),)


@pytest.mark.parametrize(
    "content",
    [b"", b"no such thing", pickle.dumps({"a": Dangerous()}), b"PK\x03\x04 torn"],
    ids=["empty", "text", "code", "torn"],
)
def test_no_other_file_is_read_and_no_code_runs(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(ValueError, match="no safetensors file and no PyTorch file"):
        read_weights(tmp_path / "weights.pt")
    assert not (tmp_path / "danger").exists()


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, torch.zeros(3), {}], ids=str)
def test_a_file_without_weights_by_name_is_said_to_be_so(content, tmp_path):
    torch.save(content, tmp_path / "weights.pt")
    with pytest.raises(ValueError, match="holds no weights by name"):
        read_weights(tmp_path / "weights.pt")


def _in_itself(state):
    state["model"] = {"state_dict": state}
    return state


PLAIN = {"a.weight": torch.zeros(2, 3)}
HOSTILE = {  # files of weights, and what is left of them
    "a dictionary in itself": (_in_itself({}), "holds no weights by name"),
    "names that are numbers": ({1: torch.zeros(2), (2, 3): torch.zeros(2)}, "holds no weights by name"),
    "sparse": (PLAIN | {"b": torch.eye(3).to_sparse()}, ["a.weight"]),
    "nowhere": (PLAIN | {"b": torch.zeros(3, device="meta")}, ["a.weight"]),
    "complex": (PLAIN | {"b": torch.zeros(3, dtype=torch.complex64)}, ["a.weight"]),
    "nested": (PLAIN | {"b": torch.nested.nested_tensor([torch.zeros(3)])}, ["a.weight"]),
    "quantised": (PLAIN | {"b": torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.qint8)}, ["a.weight"]),
}


@pytest.mark.parametrize("content, left", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.filterwarnings("ignore")
def test_weights_that_are_none_are_left_out_or_told(content, left, tmp_path):
    torch.save(content, tmp_path / "w.pt")
    if isinstance(left, list):
        assert list(read_weights(tmp_path / "w.pt")) == left
        return
    with pytest.raises(UserError, match=left):
        read_weights(tmp_path / "w.pt")


def test_a_small_file_of_weights_does_not_unpack_to_a_large_one(tmp_path):
    torch.save({"a": torch.zeros(1_000_000)}, tmp_path / "w.pt")
    with zipfile.ZipFile(tmp_path / "w.pt") as sound, zipfile.ZipFile(tmp_path / "x.pt", "w", 8) as small:
        for name in sound.namelist():
            small.writestr(name, sound.read(name))
    with pytest.raises(UserError, match="it unpacks to more than its size"):
        read_weights(tmp_path / "x.pt")


def test_a_damaged_file_of_weights_is_told_or_opens(network, tmp_path):
    torch.save(network.state_dict(), tmp_path / "w.pt")
    sound, random, told = (tmp_path / "w.pt").read_bytes(), Random(0), 0
    for _ in range(100):
        data = bytearray(sound)
        for _ in range(random.choice((1, 5))):
            data[random.choice((random.randrange(len(data)), random.randrange(12_000)))] = random.randrange(256)
        (tmp_path / "w.pt").write_bytes(data[: random.choice((len(data), random.randrange(len(data))))])
        try:
            load_weights(copy.deepcopy(network), tmp_path / "w.pt")
        except UserError:
            told += 1
    assert told


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file of weights"):
        read_weights(tmp_path / "weights.pt")


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint of a ResNet-18 that has another head."""
    weights = resnet18(num_classes=3).state_dict()
    weights["fc.1.weight"] = weights.pop("fc.weight")
    path = tmp_path / "theirs.pt"
    torch.save({"model": weights}, path)
    return path, weights


def test_weights_beyond_the_depth_need_not_fit(checkpoint):
    path, weights = checkpoint
    whole = new_backbone("resnet18")
    part = truncated(whole, "layer2")
    before = {name: value.clone() for name, value in whole.state_dict().items()}
    load_weights(whole, path, part)
    after = whole.state_dict()
    assert torch.equal(after["layer2.1.conv2.weight"], weights["layer2.1.conv2.weight"])
    assert torch.equal(after["layer3.0.conv1.weight"], before["layer3.0.conv1.weight"])  # nobody asked for it
    with pytest.raises(ValueError, match="missing: fc.weight; not part of the network: fc.1.weight"):
        load_weights(whole, path)


def test_a_deeper_network_does_not_pass_for_a_shallower_one(tmp_path):
    torch.save(new_backbone("resnet34").state_dict(), tmp_path / "deep.pt")
    whole = new_backbone("resnet18")
    with pytest.raises(ValueError, match="not part of the network: layer1.2.conv1.weight"):
        load_weights(whole, tmp_path / "deep.pt", truncated(whole, "layer3"))


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_can_be_made_with_any_number_of_classes(name):
    network = new_backbone(name, classes=7).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 7)


def ours():
    """What a user's own code may return."""
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))


def no_network():
    return "a text"


@pytest.mark.parametrize(
    "name, said",
    [
        ("resnet19", "unknown backbone 'resnet19'; choose one of resnet18"),
        ("no.such.module:factory", "cannot be made: ModuleNotFoundError: No module named"),
        (f"{__name__}:missing", "cannot be made"),
        (f"{__name__}:no_network", "returns a str; a factory returns a torch.nn.Module"),
        (":factory", "unknown backbone"),
    ],
)
def test_what_is_no_backbone_is_said(name, said):
    with pytest.raises(ValueError, match=said):
        new_backbone(name)


def test_a_network_of_ones_own_is_made_by_its_factory():
    assert isinstance(new_backbone(f"{__name__}:ours"), nn.Sequential)


def test_pixels_are_normalised_channel_by_channel():
    out = normalised(torch.full((2, 3, 1, 1), 0.5))
    wanted = [(0.5 - mean) / std for mean, std in [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)]]
    torch.testing.assert_close(out[1].flatten(), torch.tensor(wanted))


def test_a_backbone_takes_pixels_and_knows_how_many_layers_it_has(network, images):
    part = truncated(network, 5)
    backbone = Backbone("resnet32", 5, "0" * 64, part)
    assert backbone.layers == 5
    torch.testing.assert_close(backbone.extractor(images), part(normalised(images)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("depth", ["layer1.0", "layer2"])
def test_a_module_of_a_module_may_be_named(depth, images):
    deep = ResNet(n=2).eval()
    x = deep.relu(deep.bn1(deep.conv1(images)))
    wanted = deep.layer1[0](x) if depth == "layer1.0" else deep.layer2(deep.layer1(x))
    torch.testing.assert_close(truncated(deep, depth)(images), wanted)


class Tokens(nn.Module):
    """A small transformer as users write them: a class token between its modules, blocks in a list, two heads."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True) for _ in range(3))
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 2)

    def tokens(self, x, blocks):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
        for block in self.blocks[:blocks]:
            x = block(x)
        return x

    def forward(self, x):
        return self.head(self.norm(self.tokens(x, 3))[:, 0])


def test_a_transformer_of_ones_own_is_truncated_as_it_runs(images):
    network = Tokens().eval()
    part = truncated(network, "blocks.1")
    torch.testing.assert_close(part(images), network.tokens(images, 2))
    names = {name for name, _ in part.layers.named_parameters()}
    assert "halted.network.token" in names and not [name for name in names if "blocks.2" in name or "head" in name]
    features = truncated(network, "features")
    torch.testing.assert_close(features(images), network.norm(network.tokens(images, 3))[:, 0])
    assert not [name for name, _ in features.named_parameters() if "head" in name]
    with torch.no_grad():
        network.token.fill_(3.0)  # the weights are shared with the whole network
    torch.testing.assert_close(part(images), network.tokens(images, 2))


def test_the_weights_of_a_transformer_are_read_up_to_the_depth(tmp_path, images):
    theirs = Tokens().eval()
    state = {name: value for name, value in theirs.state_dict().items() if not name.startswith("head")}
    torch.save(state, tmp_path / "w.pt")
    whole = Tokens().eval()
    part = truncated(whole, "blocks.0")
    load_weights(whole, tmp_path / "w.pt", part)
    torch.testing.assert_close(part(images), theirs.tokens(images, 1))
    again = truncated(Tokens(), "blocks.0")
    again.layers.load_state_dict(part.layers.state_dict(), strict=True)
    torch.testing.assert_close(again(images), part(images))


def test_trials_teach_batch_normalisation_nothing():
    network = resnet18().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    truncated(network, "layer1.0.conv1")
    assert network.bn1.training and all(torch.equal(value, before[n]) for n, value in network.state_dict().items())


def test_a_copy_of_a_halted_network_halts_too(images):
    part = truncated(Tokens(), "blocks.1")
    torch.testing.assert_close(copy.deepcopy(part)(images), part(images))


@pytest.mark.parametrize(
    "depth, said", [("blocks", "no features at 'blocks'"), ("head", "'head' is the whole network")]
)
def test_a_depth_without_features_names_those_that_have(depth, said):
    with pytest.raises(ValueError, match=f"{said}; truncate it at one of patches, blocks.0 to blocks.2, norm"):
        truncated(Tokens(), depth)


def test_images_that_a_backbone_cannot_take_are_said_before_any_training():
    part = truncated(nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 4), nn.ReLU(), nn.Linear(4, 2)), "2")
    backbone = Backbone("own:net", "2", "0" * 64, part)
    assert backbone.shape_of_features((3, 8, 8)) == (4,)
    with pytest.raises(ValueError, match="own:net truncated at '2' fails on images of 3 x 9 x 9: .*--depth: 0, 1, 2$"):
        backbone.shape_of_features((3, 9, 9))


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_rgb_go_into_any_backbone(channels):
    part = truncated(nn.Sequential(nn.Conv2d(channels, 2, 1), nn.ReLU(), nn.Linear(1, 1)), "1")
    backbone = Backbone("own:net", "1", "0" * 64, part)
    for own in (1, 3):
        assert backbone.extractor(torch.rand(2, own, 5, 5)).shape == (2, 2, 5, 5)
    grey = torch.rand(2, 1, 5, 5)
    torch.testing.assert_close(backbone.extractor(grey), backbone.extractor(grey.expand(-1, 3, -1, -1)))


def test_a_factory_that_ends_the_program_is_told():
    with pytest.raises(ValueError, match="ends' cannot be made: SystemExit: 3; a factory"):
        new_backbone(f"{__name__}:ends")


def ends():
    raise SystemExit(3)


def saved(content, tmp_path):
    torch.save(content, tmp_path / "w.pt")
    return tmp_path / "w.pt"


PLAIN, AVERAGED = {"a.weight": torch.zeros(2)}, {"a.weight": torch.ones(2)}


@pytest.mark.parametrize("key", ["state_dict_ema", "model_ema", "ema", "ema_model", "shadow"])
def test_of_averaged_weights_the_plain_ones_are_taken_unless_they_are_chosen(key, tmp_path):
    path = saved({"model": PLAIN, key: AVERAGED, "epoch": 3}, tmp_path)
    with pytest.warns(UserWarning, match=f"averaged weights beside the plain ones, which are taken.*w.pt#{key}' takes"):
        assert read_weights(path)["a.weight"].tolist() == [0, 0]
    assert read_weights(Path(f"{path}#{key}"))["a.weight"].tolist() == [1, 1]
    path = saved({key: AVERAGED}, tmp_path)
    assert read_weights(path)["a.weight"].tolist() == [1, 1]


def test_averages_under_a_prefix_are_told_too(tmp_path):
    flat = {f"model.{n}": value for n, value in PLAIN.items()} | {f"model_ema.{n}": v for n, v in AVERAGED.items()}
    save_file(flat, tmp_path / "w.safetensors")
    with pytest.warns(UserWarning, match="model_ema"):
        assert read_weights(tmp_path / "w.safetensors")["a.weight"].tolist() == [0, 0]
    assert read_weights(Path(f"{tmp_path}/w.safetensors#model_ema"))["a.weight"].tolist() == [1, 1]


def test_an_unknown_key_names_those_that_there_are(tmp_path):
    path = saved({"model": PLAIN, "ema": AVERAGED, "epoch": 3}, tmp_path)
    with pytest.raises(ValueError, match="no weights under 'emma'; choose one of model, ema"):
        read_weights(Path(f"{path}#emma"))
    with pytest.raises(FileNotFoundError, match="no file of weights at .*nowhere.pt"):
        read_weights(tmp_path / "nowhere.pt#ema")
    path.rename(tmp_path / "w#1.pt")
    assert read_weights(tmp_path / "w#1.pt#ema")["a.weight"].tolist() == [1, 1]


def test_of_a_student_and_a_teacher_side_by_side_the_teachers_backbone_is_read(tmp_path, network, images):
    def dino(state):
        heads = {"module.head.mlp.0.weight": torch.zeros(3)}
        return {f"module.backbone.{name}": value for name, value in state.items()} | heads

    theirs = {name: value for name, value in network.state_dict().items() if not name.startswith("linear")}
    student = dino({name: torch.zeros_like(value) for name, value in theirs.items()})
    path = saved({"student": student, "teacher": dino(theirs), "optimizer": {"state": {}}, "epoch": 1}, tmp_path)
    other = ResNet(n=1).eval()
    part = truncated(other, "layer2")
    load_weights(other, path, part)
    torch.testing.assert_close(part(images), truncated(network, "layer2")(images))


@pytest.mark.parametrize("prefix", ["teacher.backbone.", "module.teacher.backbone.", "student.module.encoder."])
def test_prefixes_come_one_after_another(prefix, tmp_path):
    path = saved({f"{prefix}{name}": value for name, value in PLAIN.items()}, tmp_path)
    assert read_weights(path).keys() == PLAIN.keys()
