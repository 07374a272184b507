"""The map that `kernelviz map` makes of small sets of grey images, beside others."""

import string
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType

import numpy as np
from jaxtyping import Int64, UInt8
from PIL import Image, ImageDraw, ImageFont
from sklearn.decomposition import PCA

from kernelviz.benchmarks.tools.peers import installed, pixels_of
from kernelviz.data.images import ImageSet, is_local, load
from kernelviz.data.named import SETS
from kernelviz.data.neighbours import oriented_gradients
from kernelviz.evaluation.inference import embed
from kernelviz.evaluation.metrics import knn_accuracy
from kernelviz.ingest.preprocessing import Preprocess, preprocess_image
from kernelviz.networks.devices import best_device
from kernelviz.tasks.choosing import grey_recipe
from kernelviz.training.session import new_training

TRAIN, TEST = 3000, 1000  # images of each set; the last sixth of the training images is the validation part
SIDE = 28  # pixels
GLYPHS = string.digits + string.ascii_uppercase
TEXTURES: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {  # of two coordinates and 6 numbers
    "stripes": lambda u, v, at: np.sin(u),
    "checks": lambda u, v, at: np.sin(u) * np.sin(v),
    "dots": lambda u, v, at: np.maximum(np.sin(u) + np.sin(v), 0.5),
    "rings": lambda u, v, at: np.sin(np.hypot(u, v)),
    "waves": lambda u, v, at: np.sin(u + 2 * np.sin(v / 2)),
    "steps": lambda u, v, at: u % (2 * np.pi),
    "blobs": lambda u, v, at: sum(np.sin(u * np.cos(one) + v * np.sin(one) + 9 * one) for one in at),
    "streaks": lambda u, v, at: sum(np.sin(u * (0.3 + one / 3) + 9 * one) for one in at),
}
Images = tuple[UInt8[np.ndarray, "n h w"], Int64[np.ndarray, " n"]]


def report(note: Callable[[str], None]) -> dict:
    """1-NN and 5-NN of each test part by pixels and by gradients, and on maps of these by openTSNE and ours."""
    tsne, rows = installed("openTSNE"), []
    for images in sets():
        labels, test_labels = (images.split(split)[1] for split in ("train", "test"))
        for name, (known, asked) in _ways(images, tsne, note):
            found = {f"{k}nn": knn_accuracy(known, labels, asked, test_labels, k) for k in (1, 5)}
            rows.append({"set": images.name, "images": len(labels), "by": name} | found)
    return {"rows": rows, "notes": ["One seed; the default settings of openTSNE."]}


def _ways(images: ImageSet, tsne: ModuleType, note: Callable[[str], None]) -> Iterator[tuple[str, tuple]]:
    """The training and the test images, as each of the ways sees them."""
    train, test = (images.split(split)[0] for split in ("train", "test"))
    components = PCA(50, random_state=0).fit(pixels_of(train))
    yield "50 principal components", tuple(components.transform(pixels_of(part)) for part in (train, test))
    train, test = oriented_gradients(train), oriented_gradients(test)
    yield "oriented gradients", (train, test)
    note(f"{images.name}: openTSNE")
    known = tsne.TSNE(random_state=0).fit(train)
    yield "openTSNE on these", (np.asarray(known), np.asarray(known.transform(test)))
    note(f"{images.name}: kernelviz map")
    yield "kernelviz map", _trained(images)


def _trained(images: ImageSet) -> tuple[np.ndarray, ...]:
    training = new_training(grey_recipe(len(images)), images, 0, best_device())
    for _ in training.run():
        pass
    network = training.network.eval()
    return tuple(embed(network, images.split(split)[0]).coordinates for split in ("train", "test"))


def sets() -> Iterator[ImageSet]:
    """Glyphs and textures made by code, the embedded digits, and CIFAR-10 in grey where it is on this machine."""
    grey = Preprocess("resize", SIDE, SIDE, 1)
    yield _set("glyphs", GLYPHS, grey, *glyphs(TRAIN + TEST, 0))
    yield _set("textures", list(TEXTURES), grey, *textures(TRAIN + TEST, 0))
    yield load("digits")
    if is_local("cifar10"):
        colour, labels = load("cifar10").split("train")  # none of its test images
        small = [preprocess_image(Image.fromarray(image), grey) for image in colour[: TRAIN + TEST]]
        yield _set("CIFAR-10, grey", SETS["cifar10"].classes, grey, np.stack(small), labels[: TRAIN + TEST])


def _set(name: str, classes: Sequence[str], preprocess: Preprocess, images: np.ndarray, labels: np.ndarray) -> ImageSet:
    return ImageSet(name, tuple(classes), preprocess, images[:TRAIN], labels[:TRAIN], images[TRAIN:], labels[TRAIN:])


def glyphs(n: int, seed: int) -> Images:
    """Digits and capital letters of one typeface, turned, sheared, stretched, shifted, thin or bold."""
    random = np.random.default_rng(seed)
    labels = random.integers(len(GLYPHS), size=n)
    return np.stack([_glyph(GLYPHS[label], random) for label in labels]), labels


def _glyph(letter: str, random: np.random.Generator) -> UInt8[np.ndarray, "h w"]:
    large = Image.new("L", (4 * SIDE, 4 * SIDE))
    middle, font = (2 * SIDE, 2 * SIDE), ImageFont.load_default(3 * SIDE)
    ImageDraw.Draw(large).text(middle, letter, 255, font, anchor="mm", stroke_width=int(random.integers(5)))
    angle, shear = random.uniform(-0.35, 0.35), random.uniform(-0.4, 0.4)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    back = turn @ [[1, shear], [0, 1]] @ np.diag(random.uniform(0.9, 1.5, 2))
    offset = middle - back @ (middle + 4 * random.uniform(-2, 2, 2))
    moved = large.transform(large.size, Image.Transform.AFFINE, np.column_stack([back, offset]).ravel().tolist())
    return np.asarray(moved.resize((SIDE, SIDE), Image.Resampling.BOX))


def textures(n: int, seed: int) -> Images:
    """Patterns of eight kinds, of any direction, offset, fineness and contrast, with noise."""
    random = np.random.default_rng(seed)
    labels = random.integers(len(TEXTURES), size=n)
    kinds = list(TEXTURES.values())
    return np.stack([_texture(kinds[label], random) for label in labels]), labels


def _texture(kind: Callable, random: np.random.Generator) -> UInt8[np.ndarray, "h w"]:
    x, y = np.mgrid[:SIDE, :SIDE] * random.uniform(0.5, 1.3)
    angle, offset = random.uniform(0, 2 * np.pi), random.uniform(-9, 9, 2)
    u, v = np.cos(angle) * x + np.sin(angle) * y + offset[0], np.cos(angle) * y - np.sin(angle) * x + offset[1]
    field = kind(u, v, random.uniform(0, 2 * np.pi, 6))
    field = (field - field.mean()) / field.std() * random.uniform(20, 60) + random.uniform(90, 160)
    return (field + random.normal(0, 8, field.shape)).clip(0, 255).astype(np.uint8)
