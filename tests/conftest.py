"""What several test files share: folders of their own, two small networks trained by the real code, a full disk."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: small networks gain nothing from more

import contextlib
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

from kernelviz.data.batches import Jitter
from kernelviz.data.images import ARRAYS, load
from kernelviz.data.ratings import load_ratings
from kernelviz.networks import EmbeddingNetwork
from kernelviz.storage.record import FILE, read_run
from kernelviz.tasks.classifier import ClassifierRecipe
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.tasks.recipes import RATINGS, RECIPES
from kernelviz.training.finish import finish
from kernelviz.training.session import new_training

SMALL = {"encoder": (64, 64), "decoder": (64,), "grid": (20, 20)}
TINY = EmbeddingRecipe(data="digits", network=SMALL, epochs=8, batch=32, rate=5e-3, mixed=False)
NEAR = EmbeddingRecipe(
    data="digits",
    network=SMALL | {"width": 4.0, "sparsity": 0.5, "canonical": 0.4},
    objectives={"neighbours": 1.0, "reconstruct": 1.0},
    epochs=12,
    batch=128,
    rate=5e-3,
    mixed=False,
)
BOTTOM = ClassifierRecipe(
    data="coloured",
    makes="resnet32",
    epochs=2,
    batch=32,
    rate=0.05,
    optimizer="sgd",
    jitter=Jitter(pixels=1),
    mixed=False,
)
ON_BOTTOM = EmbeddingRecipe(
    data="coloured",
    backbone="resnet32",
    network={"encoder": (50,), "decoder": (), "grid": (15, 15)},
    objectives={"classify": 1.0},
    epochs=4,
    batch=64,
    mixed=False,
)
ADVICE = replace(
    RATINGS,
    network={"kind": "sparse-fc", "hidden": (6, 5)},
    l2=0.3,
    sparsity=0.01,
    epochs=3,
    validation=0.1,
)
NAMER = EmbeddingRecipe(
    data="digits", network=SMALL, objectives={"classify": 1.0}, epochs=4, batch=32, rate=5e-3, mixed=False
)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name != "test_pages.py")  # the longest file is not begun last


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """No test writes among the user's runs; data sets are only looked for where the caller says that they are."""
    monkeypatch.setenv("KERNELVIZ_RUNS", str(tmp_path / "runs"))
    if "KERNELVIZ_DATA" not in os.environ:
        monkeypatch.setenv("KERNELVIZ_DATA", str(tmp_path / "data"))


@pytest.fixture(autouse=True)
def seeded():
    """torch's own generator gives the same numbers in every test."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture(scope="session")
def digits():
    return load("digits")


@pytest.fixture(scope="session")
def tiny():
    """The recipe of `autoencoder`."""
    return TINY


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The folder in which the trained runs lie; only to be read."""
    return tmp_path_factory.mktemp("library")


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id):
    """The folder of what the processes that share the tests make once."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def trained(library, shared):
    """Makes a finished run of that name: its recipe and data, trained by the first process that asks."""

    def made(recipe, data, name):
        with FileLock(shared / f"{name}.lock"):
            if not (shared / name / FILE).exists():
                train(recipe, data, shared / name)
        shutil.copytree(shared / name, library / name)
        return read_run(library / name)

    return made


@pytest.fixture(scope="session")
def autoencoder(trained, digits):
    """A finished run of digits without labels, by the name "tiny"."""
    return trained(TINY, digits, "tiny")


@pytest.fixture(scope="session")
def classifier(trained, digits):
    """A finished run of digits with a class head and no decoder, by the name "namer"."""
    return trained(NAMER, digits, "namer")


@pytest.fixture(scope="session")
def neighbourly(trained, digits):
    """A finished run of digits that keeps neighbours together and decodes from coordinates, by the name "near"."""
    return trained(NEAR, digits, "near")


@pytest.fixture(scope="session")
def coloured(shared, digits):
    """The digits as an .npz of RGB images."""
    path = shared / "coloured.npz"
    arrays = {name: getattr(digits, name) for name in ARRAYS}
    rgb = {name: np.stack(3 * [array], -1) if "images" in name else array for name, array in arrays.items()}
    with FileLock(shared / "coloured.lock"):
        if not path.exists():
            np.savez(path, **rgb)
    return load(str(path))


@pytest.fixture(scope="session")
def bottom(trained, shared, coloured):
    """A finished run of a ResNet-32, which has no map, by the name "bottom"."""
    return trained(replace(BOTTOM, data=str(shared / "coloured.npz")), coloured, "bottom")


@pytest.fixture(scope="session")
def heads(trained, shared, coloured, bottom):
    """Finished runs on 11 and on 31 layers of "bottom", by the names "at11" and "at31"."""

    def run_at(depth):
        weights = str(shared / bottom.name / "weights.safetensors")
        recipe = replace(ON_BOTTOM, data=str(shared / "coloured.npz"), weights=weights, depth=depth)
        return trained(recipe, coloured, f"at{depth}")

    return [run_at(11), run_at(31)]


@pytest.fixture(scope="session")
def opinions(shared):
    """A table of ratings of 25 items by 40 users of two kinds: one likes the even items, the other the odd ones."""
    generator = np.random.default_rng(0)
    pairs = [(user, item) for user in range(40) for item in range(25) if generator.random() < 0.6]
    likes = [5 - 3 * ((user + item) % 2) - int(generator.random() < 0.3) for user, item in pairs]
    path = shared / "opinions.csv"
    rows = "".join(f"{user},{100 + item},{value}\n" for (user, item), value in zip(pairs, likes, strict=True))
    with FileLock(shared / "opinions.lock"):
        path.write_text("user,item,rating\n" + rows)
        return load_ratings(str(path))


@pytest.fixture(scope="session")
def recommender(trained, shared, opinions):
    """A finished run of a recommender, by the name "advice"."""
    return trained(replace(ADVICE, data=str(shared / "opinions.csv")), opinions, "advice")


def train(recipe, data, folder):
    folder.mkdir()
    training = new_training(recipe, data, 0, "cpu")
    for _ in training.run():
        pass
    finish(training, folder, "kernelviz train in a test")


@pytest.fixture
def dead_network():
    """A network of the size of "tiny" that gives no image coordinates."""
    network = EmbeddingNetwork((1, 8, 8), **SMALL).eval().requires_grad_(False)
    network.kernel_layer.alpha.zero_()
    return network


@pytest.fixture
def kernelviz(monkeypatch, capsys):
    """The command line in this process: words -> exit code, standard output, standard error."""
    from kernelviz.cli.main import main

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["kernelviz", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


@pytest.fixture
def photographs(tmp_path):
    """A folder of 36 colour pictures of several sizes in three class folders."""
    rng = np.random.default_rng(0)
    for number in range(36):
        kind = number % 3
        width, height = (90, 70) if number % 2 else (70, 120)
        pixels = rng.integers(0, 90, (height, width, 3), np.uint8)
        pixels[..., kind] += 150
        folder = tmp_path / "photographs" / ("blue", "green", "red")[2 - kind]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number:02d}.png")
    return tmp_path / "photographs"


@pytest.fixture
def tiny_recipe(monkeypatch, tiny):
    """Makes `kernelviz train tiny` possible."""
    monkeypatch.setitem(RECIPES, "tiny", tiny)


@pytest.fixture
def full_disk():
    """Inside `with full_disk():` no file can grow beyond a kilobyte: the system itself refuses."""
    resource = pytest.importorskip("resource", reason="needs the file size limit of Unix")

    @contextlib.contextmanager
    def limited():
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited
