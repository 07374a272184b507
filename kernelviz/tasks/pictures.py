"""Pictures of any number and size for a training on the features of a frozen backbone, or vectors for one on them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kernelviz.data.images import SETS
from kernelviz.data.listings import listing_of
from kernelviz.data.pictures import PictureSet, prepare, vector_set
from kernelviz.ingest.files import warn_of_rejected
from kernelviz.ingest.preprocessing import Preprocess
from kernelviz.networks.devices import best_device
from kernelviz.storage.item_table import save_item_table
from kernelviz.storage.thumbnails import save_thumbnails
from kernelviz.storage.weights import pretrained_backbone


def load_pictures(recipe: Mapping[str, Any], progress: Callable[[float, str], None] | None = None) -> PictureSet:
    """The pictures of a recipe, as plain values, with the features of its backbone; without one, its vectors."""
    listing = listing_of(recipe["data"], recipe["column"], progress)
    if not recipe["backbone"]:
        return vector_set(listing, validation=recipe["validation"], test=recipe["test"])
    pictures = prepare(
        listing,
        pretrained_backbone(recipe["backbone"], recipe["weights"], recipe["depth"]),
        Preprocess(*recipe["pictures"]),
        decoded=recipe["decoded"],
        views=recipe["views"],
        validation=recipe["validation"],
        test=recipe["test"],
        device=best_device(),
        progress=progress,
    )
    warn_of_rejected(pictures.unreadable)
    return pictures


def save_pictures(pictures: PictureSet, folder: Path) -> None:
    """Write what a run keeps of its pictures; of a named set nothing, for it is had by its name."""
    if pictures.name not in SETS:
        if pictures.has_pictures:
            save_thumbnails(folder, pictures.small_pictures())
        save_item_table(folder, pictures.table)
