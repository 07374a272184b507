"""The maps of a training's epochs: where some of its images lay after each, kept with the run as epochs.safetensors."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8, UInt16
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from kernelviz.disk import replacing
from kernelviz.storage.embedding_map import SPLITS, EmbeddingMap
from kernelviz.storage.record import BrokenRun

FILE = "epochs.safetensors"
MOST_POINTS, MOST_FRAMES = 2000, 60  # with two bytes a coordinate: half a megabyte
NOWHERE = 65535  # of an image without coordinates
LARGEST = 50_000_000  # bytes of a file that is read


@dataclass(frozen=True, eq=False)
class EpochMaps:
    """Some images of one split at several times of a training, the frames.

    Args:
        split, classes, extent: which images they are, the names of their labels, and half the side of the map.
        total: epochs of the whole training.
        index, labels: of each image in its split, and -1 for no label.
        epochs: when each frame was made, in epochs since the start.
        at: coordinates from -extent to extent as 0 to 65534.
        decoded: what was decoded at the same few coordinates in each frame; None without a decoder.
    """

    split: str
    classes: tuple[str, ...]
    extent: float
    total: int
    index: Int[np.ndarray, " n"]
    labels: Int[np.ndarray, " n"]
    epochs: Float32[np.ndarray, " frames"]
    at: UInt16[np.ndarray, "frames n 2"]
    decoded: UInt8[np.ndarray, "frames places h w *c"] | None = None

    def __len__(self) -> int:
        return len(self.epochs)

    def coordinates(self, frame: int) -> Float[np.ndarray, "n 2"]:
        """Where the images are in a frame; NaN where they have no coordinates."""
        found = self.at[frame].astype(np.float32) / (NOWHERE - 1) * 2 * self.extent - self.extent
        found[(self.at[frame] == NOWHERE).any(1)] = np.nan
        return found

    def points(self, frame: int) -> EmbeddingMap:
        """The images in a frame as a map without predictions."""
        n = len(self.labels)
        nothing, at = np.full(n, np.nan, np.float32), self.coordinates(frame)
        return EmbeddingMap(
            index=self.index,
            split=np.full(n, SPLITS.index(self.split), np.uint8),
            x=at[:, 0],
            y=at[:, 1],
            label=self.labels,
            prediction=np.full(n, -1, np.int16),
            confidence=nothing,
            error=nothing,
            clarity=nothing,
        )

    def until(self, epoch: float) -> "EpochMaps":
        """The frames up to an epoch, which a training that is resumed from there makes again."""
        return self._of(self.epochs <= epoch)

    def added(
        self, epoch: float, coordinates: Float[np.ndarray, "n 2"], decoded: UInt8[np.ndarray, "places h w *c"] | None
    ) -> "EpochMaps":
        """With one frame more; of too many, one between its closest neighbours is left out: they stay evenly apart."""
        closest = 1 + np.argmin(self.epochs[2:] - self.epochs[:-2]) if len(self) == MOST_FRAMES else -1
        kept = self._of(np.arange(len(self)) != closest)
        scaled = np.clip((coordinates + self.extent) / (2 * self.extent), 0, 1) * (NOWHERE - 1)
        at = np.where(np.isfinite(coordinates).all(1)[:, None], np.nan_to_num(scaled).round(), NOWHERE)
        return EpochMaps(
            **self._facts,
            index=self.index,
            labels=self.labels,
            epochs=np.append(kept.epochs, np.float32(epoch)),
            at=np.concatenate([kept.at, at.astype(np.uint16)[None]]),
            decoded=None if decoded is None else _joined(kept.decoded, decoded),
        )

    def save(self, folder: Path) -> None:
        """Write epochs.safetensors."""
        arrays = {"index": self.index, "labels": self.labels, "epochs": self.epochs, "at": self.at}
        arrays |= {} if self.decoded is None else {"decoded": self.decoded}
        arrays = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
        with replacing(folder / FILE) as partial:
            save_file(arrays, partial, {"epochs": json.dumps(self._facts)})

    @property
    def _facts(self) -> dict:
        return {"split": self.split, "classes": self.classes, "extent": self.extent, "total": self.total}

    def _of(self, frames: np.ndarray) -> "EpochMaps":
        decoded = None if self.decoded is None else self.decoded[frames]
        rest = {"index": self.index, "labels": self.labels}
        return EpochMaps(**self._facts, **rest, epochs=self.epochs[frames], at=self.at[frames], decoded=decoded)


def _joined(before: np.ndarray | None, decoded: np.ndarray) -> np.ndarray:
    return decoded[None] if before is None else np.concatenate([before, decoded[None]])


def no_frames(
    split: str, classes: tuple[str, ...], extent: float, total: int, labels: Int[np.ndarray, " n"]
) -> EpochMaps:
    """The first images of a split before a training, at most MOST_POINTS of them."""
    n = min(len(labels), MOST_POINTS)
    empty = {"epochs": np.zeros(0, np.float32), "at": np.zeros((0, n, 2), np.uint16)}
    return EpochMaps(split, classes, extent, total, np.arange(n, dtype=np.int32), labels[:n].astype(np.int16), **empty)


def load_epochs(folder: Path) -> EpochMaps | None:
    """The maps of a training's epochs in a folder; None where there are none. A BrokenRun says what is wrong."""
    path = folder / FILE
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it has {path.stat().st_size / 1e6:.0f} MB, allowed are {LARGEST / 1e6:.0f} MB")
        with safe_open(path, "np") as file:
            facts = json.loads(file.metadata()["epochs"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        classes = tuple(map(str, facts["classes"]))
        found = EpochMaps(str(facts["split"]), classes, float(facts["extent"]), int(facts["total"]), **arrays)
        _check(found)
        return found
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise BrokenRun(f"{path} has no maps of epochs ({error}); delete it, nothing else needs it") from None


def _check(maps: EpochMaps) -> None:
    """A ValueError where the arrays do not belong together."""
    frames, n = len(maps.epochs), len(maps.index)
    shapes = [maps.epochs.shape == (frames,), maps.labels.shape == maps.index.shape == (n,)]
    shapes += [maps.at.shape == (frames, n, 2), maps.at.dtype == np.uint16, maps.epochs.dtype == np.float32]
    shapes += [maps.index.dtype == np.int32, maps.labels.dtype == np.int16, maps.split in SPLITS]
    shapes += [np.isfinite(maps.epochs).all(), (np.diff(maps.epochs) > 0).all(), maps.total > 0]
    if maps.decoded is not None:
        shapes += [maps.decoded.dtype == np.uint8, maps.decoded.ndim >= 4, maps.decoded.shape[4:] in ((), (3,))]
        shapes += [len(maps.decoded) == frames, 0 not in maps.decoded.shape[1:]]
    known = range(-1, max(1, len(maps.classes)))
    inside = not n or (maps.index.min() >= 0 and maps.labels.min() in known and maps.labels.max() in known)
    if not (all(shapes) and inside and maps.extent > 0 and np.isfinite(maps.extent)):
        raise ValueError("its arrays do not belong together")
