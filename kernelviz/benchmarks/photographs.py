"""A folder of photographs to a map: decoding and features, alone and together, and the whole map twice."""

import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from kernelviz.benchmarks.million import peak_gb
from kernelviz.data.pictures.reading import Read, Reader, extractor_for, read_all
from kernelviz.data.shapes import shapes_listing
from kernelviz.ingest.preprocessing import Preprocess
from kernelviz.networks.devices import best_device
from kernelviz.sources.listing import Listing
from kernelviz.sources.reading import read_source
from kernelviz.storage.weights import pretrained_backbone
from kernelviz.tasks.choosing import chosen_recipe, sizes_of
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.training.session import Watcher, train_run

PICTURES, SCENES, SIDE = 2000, 120, 500  # pictures, how many of them differ, pixels along the longer side


def report(note: Callable[[str], None]) -> dict:
    """Pictures a second and seconds, in folders that are removed again."""
    with tempfile.TemporaryDirectory() as folder, elsewhere(Path(folder)):
        source = Path(folder) / "photographs"
        note("writing pictures")
        source.mkdir()
        write_photographs(source)
        listing = read_source(source)
        recipe, _ = chosen_recipe(str(source), listing, sizes_of(listing), None, None, None)
        rows = [*_rates(listing, recipe, note), *(_whole(recipe, name, note) for name in ("first", "second"))]
    notes = ["together: as a share of the slower of the two alone. peak_GB is the memory of the whole process."]
    return {"rows": rows, "notes": notes}


def _rates(listing: Listing, recipe: EmbeddingRecipe, note: Callable[[str], None]) -> list[dict]:
    preprocess, device = Preprocess(*recipe.pictures), best_device()
    backbone = pretrained_backbone(recipe.backbone, recipe.weights, recipe.depth)
    extractor = extractor_for(len(listing), backbone, preprocess, device)
    shown = np.random.default_rng(0).integers(0, 255, (preprocess.height, preprocess.width, 3), np.uint8)

    class Undecoded(Reader):
        def decode(self, row: int, content):
            return Read(row, row.to_bytes(16, "big"), pixels=shown)

    class Uncomputed(Reader):
        def compute(self, fresh, views):
            pass

    shares = (recipe.validation, recipe.test)
    rates = {}
    for what, kind in {"decoding": Uncomputed, "features": Undecoded, "together": Reader}.items():
        reader = kind(extractor, preprocess, recipe.views, shares, device, set())
        started = time.perf_counter()
        for done, _ in enumerate(read_all(listing, range(len(listing)), reader)):
            if done % 100 == 0:
                note(f"{what}: {done:,} of {len(listing):,}")
        rates[what] = len(listing) / (time.perf_counter() - started)
    share = rates["together"] / min(rates["decoding"], rates["features"])
    return [_row(f"{what}, pictures a second", rate) for what, rate in rates.items()] + [_row("together, share", share)]


def _whole(recipe: EmbeddingRecipe, name: str, note: Callable[[str], None]) -> dict:
    started = time.perf_counter()
    watcher = Watcher(
        loading=lambda share, said: note(said),
        step=lambda training: note(f"{name} training: step {training.progress.step:,} of {training.steps:,}"),
    )
    train_run(recipe, name, 0, False, "kernelviz bench photographs", watcher)
    return _row(f"{name} training, seconds from files to the finished map", time.perf_counter() - started)


def _row(what: str, value: float) -> dict:
    return {"what": what, "pictures": PICTURES, "value": value, "peak_GB": peak_gb()}


def write_photographs(folder: Path) -> None:
    """Write JPEG files of a grainy scene each, no two of them equal."""
    random = np.random.default_rng(0)
    scenes = []
    for pixels in shapes_listing(SCENES).read(range(SCENES)):
        image = Image.fromarray(pixels).resize((SIDE, SIDE * 3 // 4)).filter(ImageFilter.GaussianBlur(2))
        grain = random.normal(0, 12, (image.height, image.width, 1))
        file = io.BytesIO()
        Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
        scenes.append(file.getvalue())
    for number in range(PICTURES):
        scene = scenes[number % SCENES]
        comment = f"picture {number:06d}".encode()
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        (folder / f"{number:06d}.jpg").write_bytes(scene[:2] + segment + scene[2:])


@contextmanager
def elsewhere(folder: Path) -> Iterator[None]:
    """Runs and data lie in a folder of their own."""
    own = {"KERNELVIZ_RUNS": str(folder / "runs"), "KERNELVIZ_DATA": str(folder / "data")}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ.update({name: value} if value is not None else {})
