"""Contents -> small pictures and features of the backbone: on every core a thread decodes and computes, for itself."""

import io
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import torch
from PIL import Image

from kernelviz.data.batches import pixels
from kernelviz.data.pictures.views import views_of
from kernelviz.data.splits import content_hash, is_held_out
from kernelviz.ingest.files import Content, torch_on_all_cores
from kernelviz.ingest.image_file import UnreadableImage, frames, open_image
from kernelviz.ingest.preprocessing import Preprocess, preprocess_image
from kernelviz.networks import Backbone
from kernelviz.networks.devices import mixed_precision
from kernelviz.networks.onnx_features import faster
from kernelviz.sources.listing import Listing

SMALL_SIDE = 256  # pixels along the longer side of a small picture
LOSSLESS = 64  # pixels: a picture that is no larger loses nothing
QUALITY = 75  # of larger ones, as JPEG
ON_CPU, ON_GPU = 8, 64  # pictures that a thread takes through the backbone at a time
MANY = 500  # pictures, of which torch takes some ten seconds for the features


@dataclass(eq=False)
class Read:
    """What was made of a content, or the reason why it is no picture; no features where these are known already."""

    row: int
    digest: bytes | None = None
    pages: int = 1
    reason: str | None = None
    small: bytes = b""
    pixels: np.ndarray | None = None
    features: np.ndarray | None = None


@dataclass(frozen=True)
class Reader:
    """Reads some contents and computes their features, in any thread; what is held out has no views beside itself.

    Args:
        shares: of validation and test, which say what is held out.
        have: the contents of which small picture and features are known.
    """

    extractor: torch.nn.Module
    preprocess: Preprocess
    views: int
    shares: tuple[float, float]
    device: str
    have: set[bytes]

    def __call__(self, contents: list[tuple[int, int, Content]]) -> list[Read]:
        """One result for each content, in order; a content comes with its row and the split that its source names."""
        results = [self.decode(row, content) for row, _, content in contents]
        fresh: dict[bool, dict[bytes, Read]] = {True: {}, False: {}}
        for one, (_, given, _) in zip(results, contents, strict=True):
            if one.pixels is not None:
                fresh[is_held_out(one.digest, given, *self.shares)][one.digest] = one
        for held_out, ones in fresh.items():
            if ones:
                self.compute(list(ones.values()), 1 if held_out else self.views)
        for one in results:
            one.pixels = None
        return results

    def decode(self, row: int, content: Content) -> Read:
        try:
            if isinstance(content, UnreadableImage):
                raise content
            digest = content_hash(content)
            if digest in self.have:
                return Read(row, digest)
            image = opened(content, self._enough)
            pages = frames(content) if isinstance(content, bytes) else 1
            return Read(row, digest, pages, None, small_picture(image), preprocess_image(image, self.preprocess))
        except UnreadableImage as error:
            return Read(row, reason=str(error))

    @property
    def _enough(self) -> tuple[int, int]:
        return tuple(max(SMALL_SIDE, side) for side in (self.preprocess.width, self.preprocess.height))

    @torch.inference_mode()
    def compute(self, fresh: list[Read], views: int) -> None:
        hashes = [one.digest for one in fresh]
        shown = pixels(np.stack([one.pixels for one in fresh]), self.device)
        with mixed_precision(True, self.device):
            features = [self.extractor(view).float().flatten(1) for view in views_of(shown, hashes, views)]
        for one, vectors in zip(fresh, torch.stack(features, 1).half().cpu().numpy(), strict=True):
            one.features = vectors


def read_all(listing: Listing, rows: Sequence[int], reader: Reader) -> Iterator[Read]:
    """The results of some rows, in order: on every core a thread decodes and computes, for itself.

    One thread of the processor that takes a few pictures at a time through the whole network computes the most: the
    layers' outputs stay in its cache.
    """
    batch, given = ON_CPU if reader.device == "cpu" else ON_GPU, listing.splits
    contents = ((row, int(given[row]), one) for row, (_, one) in zip(rows, listing.contents(rows), strict=True))
    parts = iter(lambda: list(islice(contents, batch)), [])
    yield from chain.from_iterable(torch_on_all_cores(reader, parts))


def extractor_for(n: int, backbone: Backbone, preprocess: Preprocess, device: str) -> torch.nn.Module:
    """What computes the features of n pictures the fastest: many pay for the export to ONNX Runtime.

    It computes in float32, so that torch stays where a processor multiplies in bfloat16.
    """
    if device != "cpu" or n < MANY or not isinstance(mixed_precision(True, device), nullcontext):
        return backbone.extractor.to(device)
    return faster(backbone.extractor, (preprocess.channels, preprocess.height, preprocess.width))


def small_picture(image: Image.Image) -> bytes:
    """A picture, whole, of at most SMALL_SIDE pixels along its longer side, as the bytes of a file."""
    file = io.BytesIO()
    if max(image.size) <= LOSSLESS:
        image.save(file, "PNG")
    else:
        if max(image.size) > SMALL_SIDE:
            image = image.copy()
            image.thumbnail((SMALL_SIDE, SMALL_SIDE), Image.Resampling.HAMMING, reducing_gap=2.0)
        image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def small_or_none(content: Content) -> bytes:
    """The small picture of a content; empty where it is no picture."""
    try:
        if isinstance(content, UnreadableImage):
            raise content
        return small_picture(opened(content, (SMALL_SIDE, SMALL_SIDE)))
    except UnreadableImage:
        return b""


def opened(content: bytes | np.ndarray, enough: tuple[int, int]) -> Image.Image:
    return Image.fromarray(content) if isinstance(content, np.ndarray) else open_image(content, enough)
