"""Pictures with their features, and vectors, as a network learns from them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32, Int, Int64, UInt8

from kernelviz.data.pictures.content_cache import ContentCache
from kernelviz.data.pictures.reading import small_or_none
from kernelviz.ingest.files import RejectedFile
from kernelviz.ingest.preprocessing import Preprocess
from kernelviz.networks import Backbone
from kernelviz.sources.listing import SPLITS, Listing

AT_ONCE = 4096  # rows that are computed at a time


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Pictures with what a network is trained on: features, small images, labels, splits; or vectors (`vector_set`).

    The rows are in the order of a map: first those of "train", then "validation", then "test".

    Args:
        name, classes: name of the source and names of the classes; no classes where there are no labels.
        preprocess: how any picture becomes what the backbone takes.
        backbone: the network that the features are of; None where the items are vectors.
        features: of each picture and of each of its views; vectors are their own.
        images: small images that a decoder learns; or the vectors.
        labels: numbers of the classes; -1 is "no label".
        splits: number of the split of each.
        hashes: of the content of each.
        table: name and file of each, and the columns of the source's own table.
        unreadable: files of the listing that are no pictures, with the reason.
    """

    name: str
    classes: tuple[str, ...]
    preprocess: Preprocess
    backbone: Backbone | None
    features: Float[np.ndarray, "n views d"]
    images: UInt8[np.ndarray, "n h w 3"] | Float32[np.ndarray, "n 1 d"]
    labels: Int64[np.ndarray, " n"]
    splits: Int64[np.ndarray, " n"]
    hashes: list[bytes]
    table: pd.DataFrame
    unreadable: list[RejectedFile] = field(default_factory=list)

    unit = "pictures"
    has_pictures = True

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def facts(self) -> dict:
        """What run.json records of the set."""
        return {"name": self.name, "classes": list(self.classes), "preprocess": asdict(self.preprocess)}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of what the backbone takes."""
        return self.preprocess.channels, self.preprocess.height, self.preprocess.width

    @property
    def decoded_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the small images."""
        return 3, *self.images.shape[1:3]

    def split(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Small images and labels of "train", "validation" or "test"."""
        rows = self.rows(name)
        return self.images[rows], self.labels[rows]

    def rows(self, name: str) -> slice:
        """The rows of a split."""
        start, stop = np.searchsorted(self.splits, [SPLITS.index(name), SPLITS.index(name) + 1])
        return slice(int(start), int(stop))

    def small_pictures(self) -> Iterator[tuple[bytes, bytes]]:
        """The hash of the content of each, and its small picture, whole, as the bytes of a file."""
        return zip(self.hashes, ContentCache().small(self.hashes), strict=True)

    def where(self, chosen: Int[np.ndarray, " m"]) -> "PictureSet":
        """The pictures of some rows, in rising order."""
        return replace(
            self,
            features=self.features[chosen],
            images=self.images[chosen],
            labels=self.labels[chosen],
            splits=self.splits[chosen],
            hashes=[self.hashes[row] for row in chosen],
            table=self.table.iloc[chosen].reset_index(drop=True),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class VectorSet(PictureSet):
    """Vectors as a network is trained on them: features and what a decoder learns at once.

    Args:
        listing: the source, which has the pictures of the vectors, if any.
        listed: row in the listing of each.
    """

    listing: Listing
    listed: Int[np.ndarray, " n"]

    unit = "vectors"

    @property
    def has_pictures(self) -> bool:
        """Whether the source has a picture of each vector."""
        return self.listing.has_pictures

    @property
    def decoded_shape(self) -> tuple[int, int, int]:
        """That of a vector, which is what a decoder makes."""
        return self.image_shape

    def small_pictures(self) -> Iterator[tuple[bytes, bytes]]:
        """The hash of each vector and its small picture as the bytes of a file, empty where there is none."""
        for split in SPLITS:
            rows = self.rows(split)
            contents = self.listing.contents(self.listed[rows].tolist())
            for digest, (_, content) in zip(self.hashes[rows], contents, strict=True):
                yield digest, small_or_none(content)


def directions(features: Float[np.ndarray, "n views d"]) -> Float32[np.ndarray, "n d"]:
    """The mean direction of each picture's views, of length 1: the nearest by distance have the largest cosine."""
    out = np.empty((len(features), features.shape[2]), np.float32)
    for start in range(0, len(features), AT_ONCE):
        part = features[start : start + AT_ONCE].astype(np.float32)
        mean = (part / np.linalg.norm(part, axis=2, keepdims=True).clip(1e-9)).mean(1)
        out[start : start + AT_ONCE] = mean / np.linalg.norm(mean, axis=1, keepdims=True).clip(1e-9)
    return out
