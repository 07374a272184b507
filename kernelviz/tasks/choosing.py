"""What to train on a source that nobody has chosen settings for: what was found, the recipe, the reason, the time."""

import io
import math
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image

from kernelviz.data.picture_set import VECTOR_FILES
from kernelviz.errors import UserError
from kernelviz.ingest.files import RejectedFile, by_reason
from kernelviz.sources.listing import SPLITS, Listing
from kernelviz.storage.weights import pretrained_backbone
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.tasks.recipes import NEIGHBOURS, VECTORS, changed_recipe

PIXELS, OF_VECTORS = "pixels", "vectors"
FEWEST_NUMBERS = 16  # of vectors that come beside pictures, unasked; a list of fewer numbers may be a box
SAMPLED = 60  # pictures whose headers are read to know their sizes
SMALL = 64  # pixels: grey pictures that are no larger are compared by their edges
STEPS, EXAMPLES, EPOCHS = 900, 360_000, (30, 300)  # steps and pictures shown by which a map stands, within these epochs
LARGE_BATCH = 512
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
        return replace(NEIGHBOURS, data=_path(source), column=labels or ""), f"neighbours by the edges in them: {why}"
    recipe = changed_recipe("photos", data=source, backbone=features, weights=weights)
    recipe = replace(recipe, column=labels or "", **_length(len(listing)))
    why = "as asked" if features else "they come with kernelviz and know ordinary photographs"
    return recipe, f"neighbours by the features of {recipe.backbone} at {recipe.pictures[1]} pixels: {why}"


def expected_seconds(recipe: EmbeddingRecipe, n: int) -> float:
    """About how long a training on the features of n pictures, or on n vectors, takes on this machine.

    None of the features is known before.
    """
    cores = os.cpu_count() or 1
    if not recipe.backbone:
        return n * recipe.epochs * PER_EXAMPLE / cores
    side = recipe.pictures[1]
    extractor = pretrained_backbone(recipe.backbone, recipe.weights, recipe.depth).extractor
    with torch.inference_mode():
        extractor(torch.zeros(2, 3, side, side))
        started = time.perf_counter()
        extractor(torch.zeros(2, 3, side, side))
    a_picture = recipe.views * (time.perf_counter() - started) / 2
    return n * a_picture / max(1, cores / 2) + n * recipe.epochs * PER_EXAMPLE / cores


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
