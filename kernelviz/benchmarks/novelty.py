"""Pictures that no network of ours was trained on, and how many of them each run says so of, beside its test images."""

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from kernelviz.data.images import data_folder, is_local
from kernelviz.data.named import SHAPES
from kernelviz.evaluation.calibrating import embedded_rows, held_out
from kernelviz.evaluation.novelty import SIGNALS, UNUSUAL, Projection, project, project_embedded
from kernelviz.ingest.preprocessing import preprocess_image
from kernelviz.storage.calibration import load_calibration
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import of_kind, readable_runs
from kernelviz.storage.weights import load_network
from kernelviz.tasks.embedding import load_data

PHOTOS = "photos"  # folder in the data folder: more photographs, if any
CROPS = 40  # of each photograph, from a fifth of its shorter side up to all of it
LETTERS = "AEFHKMNPRVWXYadefhkmnrtwxy"  # those that hardly anyone reads as a digit
SIZES = (24, 48, 96)  # pixels of the letters, on a sheet of SIDE
SIDE = 160  # pixels
EACH = 40  # noisy pictures, and stripes, of each kind


def report(note: Callable[[str], None]) -> dict:
    """Of each run with a calibration, the share of novel pictures and of test images that are called unusual."""
    runs = [run for run in of_kind(readable_runs()[0], EmbeddingRun) if not run.is_of_vectors and _is_here(run)]
    kinds = pictures(np.random.default_rng(0))
    rows = []
    for run in runs:
        note(run.name)
        rows.append(_row(run, kinds))
    n = {kind: len(some) for kind, some in kinds.items()}
    counts = ", ".join(f"{number} {kind}" for kind, number in n.items())
    return {
        "rows": rows,
        "notes": [
            f"In percent, of {counts}. The last columns: all of them by one signal alone, at the same threshold."
        ],
    }


def _is_here(run: EmbeddingRun) -> bool:
    source = run.recipe["data"]
    return load_calibration(run.folder) is not None and (source == SHAPES or is_local(source))


def _row(run: EmbeddingRun, kinds: dict[str, list[Image.Image]]) -> dict:
    network, points, calibration = load_network(run), load_map(run.folder), load_calibration(run.folder)
    found = {}
    for kind, some in kinds.items():
        pixels = np.stack(
            [preprocess_image(one if one.mode == "L" else one.convert("RGB"), run.preprocess) for one in some]
        )
        found[kind] = project(network, points, pixels, calibration)
    images = load_data(run)
    split, rows = held_out(images)
    tested = np.arange(len(images.split("test")[0]))
    tested = np.setdiff1d(tested, rows) if split == "test" else tested
    embedded, shown = embedded_rows(network, images, "test", tested)
    usual = project_embedded(network, points, embedded, shown, calibration)
    by_kind = {kind: _share(one.novelty) for kind, one in found.items()}
    everything = np.concatenate([one.novelty for one in found.values()])
    alone = {name: _alone(signal, found) for signal, name in SIGNALS.items()}
    return {"run": run.name, **by_kind, "all": _share(everything), "test images": _share(usual.novelty), **alone}


def _alone(signal: str, found: dict[str, Projection]) -> str:
    values = np.concatenate([one.percentile(signal) for one in found.values()])
    return _share(values) if np.isfinite(values).any() else "–"


def _share(percentiles: np.ndarray) -> str:
    return f"{100 * (percentiles > UNUSUAL).mean():.1f}"


def pictures(random: np.random.Generator) -> dict[str, list[Image.Image]]:
    """Pictures by what they are: photographs and crops of them, letters, noise, stripes, and plain ones."""
    return {
        "photographs": [*_crops(random)],
        "letters": [*_letters(random)],
        "noise": [*_noise(random)],
        "stripes": [*_stripes(random)],
        "plain": [Image.new("RGB", (SIDE, SIDE), colour) for colour in PLAIN],
    }


PLAIN = ("black", "#202020", "#606060", "#808080", "#c0c0c0", "white", "red", "green", "blue", "yellow")


def photographs() -> list[Image.Image]:
    """Those that scikit-learn has, and those in the data folder."""
    from sklearn.datasets import load_sample_images  # slow to import, and needed only here

    own = sorted(path for path in (data_folder() / PHOTOS).glob("*") if path.suffix in (".jpg", ".png"))
    return [
        *map(Image.fromarray, load_sample_images().images),
        *(Image.open(path).convert("RGB") for path in own),
    ]


def _crops(random: np.random.Generator) -> Iterator[Image.Image]:
    for photo in photographs():
        yield photo
        for _ in range(CROPS):
            side = int(min(photo.size) * random.uniform(0.2, 1))
            left, top = (int(random.integers(0, length - side + 1)) for length in photo.size)
            yield photo.crop((left, top, left + side, top + side))


def _letters(random: np.random.Generator) -> Iterator[Image.Image]:
    for size in SIZES:
        font = ImageFont.load_default(size)
        for letter in LETTERS:
            for paper, ink in ((255, 20), (0, 235)):
                sheet = Image.new("L", (SIDE, SIDE), paper)
                at = SIDE / 2 + random.normal(0, 6, 2)
                ImageDraw.Draw(sheet).text(tuple(at), letter, ink, font, anchor="mm")
                yield sheet


def _noise(random: np.random.Generator) -> Iterator[Image.Image]:
    shape = (SIDE, SIDE, 3)
    for _ in range(EACH):
        uniform = random.integers(0, 256, shape)
        normal = random.normal(128, random.uniform(10, 60), shape)
        specks = np.repeat(255 * (random.random((SIDE, SIDE, 1)) < random.uniform(0.01, 0.5)), 3, 2)
        blocks = np.kron(random.integers(0, 256, (16, 16, 3)), np.ones((10, 10, 1)))
        yield from map(_image, (uniform, normal, specks, blocks))
        yield _image(uniform).filter(ImageFilter.GaussianBlur(random.uniform(1, 8)))


def _stripes(random: np.random.Generator) -> Iterator[Image.Image]:
    down, across = np.mgrid[:SIDE, :SIDE]
    for _ in range(EACH):
        turn, period = random.uniform(0, np.pi), random.uniform(4, 40)
        wave = np.sin(2 * np.pi * (np.cos(turn) * across + np.sin(turn) * down) / period)
        checks = np.sign(np.sin(2 * np.pi * across / period) * np.sin(2 * np.pi * down / period))
        for pattern in (wave, np.sign(wave), checks):
            yield _image(np.repeat(127.5 + 127.5 * pattern[..., None], 3, 2))


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
