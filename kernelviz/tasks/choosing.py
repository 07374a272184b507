"""What to train on a source that nobody has chosen settings for: what was found, the recipe, the reason, the time."""

import io
import math
import os
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from kernelviz.data.batches import Jitter
from kernelviz.data.images import SETS
from kernelviz.data.named import SHAPES
from kernelviz.data.pictures import VECTOR_FILES
from kernelviz.errors import UserError
from kernelviz.ingest.files import RejectedFile, by_reason
from kernelviz.sources.listing import SPLITS, Listing
from kernelviz.storage.weights import pretrained_backbone
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.tasks.recipes import GREY, NEIGHBOURS, VECTORS, WIDE_AND_SOFT, changed_recipe

PIXELS, OF_VECTORS = "pixels", "vectors"
FEWEST_NUMBERS = 16  # of vectors that come beside pictures, unasked; a list of fewer numbers may be a box
SAMPLED = 60  # pictures whose headers are read to know their sizes
MANY = 20_000  # grey pictures that teach a network of pixels what edges are
SMALL = 64  # pixels: grey pictures that are no larger are compared by their edges
STEPS, EXAMPLES, EPOCHS = 900, 360_000, (30, 300)  # steps and pictures shown by which a map stands, within these epochs
LARGE_BATCH = 512
LONGEST_NAME = 60  # letters of a name that is made
NEIGHBOURS_BELOW = {5000: 15, 20_000: 10, math.inf: 5}  # of each picture, by how many pictures there are fewer than
PER_EXAMPLE = 6e-4  # seconds of one core for an example and its partner in one epoch of PHOTOS, on a slow machine


@dataclass(frozen=True)
class Sizes:
    """What the headers of some pictures say."""

    widths: tuple[int, int]
    heights: tuple[int, int]
    grey: bool

    @property
    def largest(self) -> int:
        """The longest side."""
        return max(*self.widths, *self.heights)


def sizes_of(listing: Listing) -> Sizes | None:
    """The sizes of a sample of the pictures; None where there are none to be read."""
    rows = np.unique(np.linspace(0, len(listing) - 1, min(SAMPLED, len(listing)), dtype=int)).tolist()
    found = []
    for _, content in listing.contents(rows):
        try:
            image = Image.fromarray(content) if isinstance(content, np.ndarray) else Image.open(io.BytesIO(content))
        except Exception:  # what it is that cannot be read is told when all of them are read
            continue
        found.append((*image.size, image.mode in ("1", "L", "LA", "I", "I;16", "F")))
    if not found:
        return None
    widths, heights, grey = zip(*found, strict=True)
    return Sizes((min(widths), max(widths)), (min(heights), max(heights)), all(grey))


def described(listing: Listing, sizes: Sizes | None) -> list[str]:
    """What was found, in a few lines."""
    d = None if listing.vectors is None else listing.vectors.shape[1]
    what = "pictures" if listing.has_pictures else f"vectors of {d:,} numbers"
    beside = f", with a vector of {d:,} numbers for each" if d and listing.has_pictures else ""
    lines = [f"{len(listing):,} {what} in {listing.name}{f', {_sizes(sizes)}' if sizes else ''}{beside}"]
    if listing.classes:
        labelled = int((listing.labels >= 0).sum())
        some = ", ".join(listing.classes[:6]) + (", …" if len(listing.classes) > 6 else "")
        of = "" if labelled == len(listing) else f" ({labelled:,} of them labelled)"
        lines.append(f"{len(listing.classes):,} classes{of}: {some}")
    named = Counter(SPLITS[split] for split in listing.splits.tolist() if split >= 0)
    if named:
        lines.append("split by the source: " + ", ".join(f"{n:,} {split}" for split, n in named.items()))
    if len(listing.table.columns):
        lines.append(f"columns: {', '.join(map(str, listing.table.columns))}")
    return [*lines, *listing.notes, *left_out(listing.rejected)]


def left_out(rejected: Sequence[RejectedFile]) -> list[str]:
    """The files that are left out, grouped by the reason: how many, an example, and why."""
    return [
        f"{len(names):,} {'file is' if len(names) == 1 else 'files are'} left out ({names[0]}"
        f"{', …' if len(names) > 1 else ''}): {reason}"
        for reason, names in by_reason(rejected).items()
    ]


def chosen_recipe(
    source: str, listing: Listing, sizes: Sizes | None, features: str | None, weights: str | None, labels: str | None
) -> tuple[EmbeddingRecipe, str]:
    """The recipe for a source, and the reason for it in a sentence.

    Args:
        source: as the user gave it.
        features: a backbone, PIXELS, OF_VECTORS, or None, which lets the source decide.
        weights: of the backbone.
        labels: the column of the labels, if the user named one.
    """
    if _is_of_vectors(listing, features):
        recipe = replace(VECTORS, data=_path(source), column=labels or "", **_length(len(listing)))
        others = "; --features pixels, or a network, compares the pictures" if listing.has_pictures else ""
        return recipe, f"neighbours by the cosine of the vectors{others}"
    small = sizes is not None and sizes.grey and sizes.largest <= SMALL
    if features == PIXELS or (features is None and small):
        why = "as asked" if features else f"the pictures are grey and have at most {SMALL} pixels a side"
        recipe = grey_recipe(len(listing))
        return replace(recipe, data=_path(source), column=labels or ""), f"neighbours by the edges in them: {why}"
    recipe = changed_recipe("photos", data=source, backbone=features, weights=weights)
    recipe = replace(recipe, column=labels or "", **_length(len(listing)))
    why = "as asked" if features else "they come with kernelviz and know ordinary photographs"
    return recipe, f"neighbours by the features of {recipe.backbone} at {recipe.pictures[1]} pixels: {why}"


def grey_recipe(n: int) -> EmbeddingRecipe:
    """The recipe of neighbours by edges for n pictures: few of them are shown more often."""
    return NEIGHBOURS if n >= MANY else replace(GREY, epochs=int(np.clip(EXAMPLES / max(1, n), *EPOCHS)))


def aims_for(recipe: EmbeddingRecipe, labelled: bool) -> list[str]:
    """What a recipe for a source may aim at, its own aim first."""
    return ["alike", *(["labelled", "classes"] if labelled else []), *([] if recipe.views else ["decoded"])]


def aimed(recipe: EmbeddingRecipe, aim: str) -> EmbeddingRecipe:
    """A recipe of neighbours with one of the aims of `aims_for`.

    "alike": neighbours lie together. "labelled": those of one class, too. "classes": the classes are separated, and
    nothing else counts. "decoded": each activation holds what its image looks like, the autoencoder of the paper.
    """
    if aim == "labelled":
        return replace(recipe, objectives=recipe.objectives | {"supervised_neighbours": 0.3})
    if aim == "classes":
        return replace(recipe, objectives={"classify": 1.0, "reconstruct": 1.0}, smoothing=0.1)
    if aim == "decoded":
        of_neighbours = {*WIDE_AND_SOFT, "gradients", "unit_features"}
        network = {name: value for name, value in recipe.network.items() if name not in of_neighbours}
        return replace(recipe, objectives={"reconstruct": 1.0}, network=network, jitter=Jitter())
    return recipe


def expected_seconds(recipe: EmbeddingRecipe, n: int, a_picture: float | None = None) -> float:
    """About how long a training on n images or vectors takes on this machine, where none of its features is known.

    Args:
        a_picture: seconds for the features of a picture; None: they are measured.
    """
    a_picture = seconds_of_features(recipe) if a_picture is None else a_picture
    return n * a_picture + n * recipe.epochs * PER_EXAMPLE / (os.cpu_count() or 1)


def seconds_of_features(recipe: EmbeddingRecipe) -> float:
    """Seconds that this machine needs for the features of a picture, with its views; 0 where there are none."""
    if not recipe.backbone:
        return 0.0
    side = recipe.pictures[1]
    extractor = pretrained_backbone(recipe.backbone, recipe.weights, recipe.depth).extractor
    with torch.inference_mode():
        extractor(torch.zeros(2, 3, side, side))
        started = time.perf_counter()
        extractor(torch.zeros(2, 3, side, side))
    return max(1, recipe.views) * (time.perf_counter() - started) / 2 / max(1, (os.cpu_count() or 1) / 2)


def in_words(seconds: float) -> str:
    """A time in words, no finer than it is known: "5 seconds", "12 minutes", "3 hours"."""
    if seconds < 90:
        return f"{max(5, round(seconds, -1)):.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 2 * 3600 else f"{seconds / 3600:.0f} hours"


def name_of(source: str) -> str:
    """The name of a run for a source that has none: letters, digits, dots and dashes of its own name."""
    own = source if source in (*SETS, SHAPES) else Path(source).expanduser().resolve().stem
    name = re.sub("[^A-Za-z0-9._-]+", "-", own).strip("-._")[:LONGEST_NAME]
    if not name:
        raise UserError(f"{source!r} has no letters to name a run by; give --name")
    return name


def _is_of_vectors(listing: Listing, features: str | None) -> bool:
    """Whether the vectors of a source are what a map of it is made of; a UserError where that cannot be."""
    if listing.vectors is None and features == OF_VECTORS:
        raise UserError(f"{listing.name} has no vectors; {VECTOR_FILES}")
    if not listing.has_pictures and features not in (None, OF_VECTORS):
        raise UserError(f"{listing.name} has vectors and no pictures, whose --features {features} could be")
    known = listing.vectors is not None and (not listing.has_pictures or listing.vectors.shape[1] >= FEWEST_NUMBERS)
    return features == OF_VECTORS or (features is None and known)


def _length(n: int) -> dict[str, int]:
    """Batch, epochs and neighbours for n pictures: few pictures are shown more often, and need more neighbours."""
    batch = min(LARGE_BATCH, max(64, 2 ** round(math.log2(max(1, n / 8)))))
    neighbours = next(k for below, k in NEIGHBOURS_BELOW.items() if n < below)
    return {"batch": batch, "epochs": int(np.clip(min(STEPS * batch, EXAMPLES) / n, *EPOCHS)), "neighbours": neighbours}


def _sizes(sizes: Sizes) -> str:
    (narrow, wide), (low, high) = sizes.widths, sizes.heights
    colour = "grey" if sizes.grey else "colour"
    if (narrow, low) == (wide, high):
        return f"{wide} x {high} pixels, {colour}"
    return f"from {narrow} x {low} to {wide} x {high} pixels, {colour}"


def _path(source: str) -> str:
    return changed_recipe("mnist-neighbours", data=source).data
