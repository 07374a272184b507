"""The pictures of the set "shapes" as a listing: what each shows follows from its number."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from kernelviz.data.named import SHAPES
from kernelviz.data.shapes.outlines import OUTLINES
from kernelviz.data.shapes.paint import BACKGROUNDS, Scene, paint
from kernelviz.sources.listing import Listing

CLASSES = tuple(OUTLINES)
PICTURES = 2400
VERSION = 1  # of the pictures; after a change of them, what was made of the former ones is made again
RATIOS = (0.5625, 2 / 3, 0.75, 0.8, 1.0)  # shorter side of a picture by its longer one
FIRST_DAY = np.datetime64("2026-01-01")


def scene_of(number: int) -> Scene:
    """What the picture of a number shows; the same for ever."""
    random = np.random.default_rng([VERSION, number])
    longer = int(random.integers(160, 321))
    sides = (longer, round(longer * RATIOS[random.integers(len(RATIOS))]))
    width, height = sides if random.random() < 0.5 else sides[::-1]
    hue = random.uniform(0, 360)
    return Scene(
        shape=CLASSES[number % len(CLASSES)],
        width=width,
        height=height,
        hue=hue,
        behind=hue + random.uniform(120, 240),
        size=random.uniform(0.5, 0.9),
        turn=random.uniform(-30, 30),
        across=random.uniform(0.43, 0.57),
        down=random.uniform(0.43, 0.57),
        background=BACKGROUNDS[random.integers(len(BACKGROUNDS))],
        slant=random.uniform(0, 180),
        light=random.uniform(0.8, 0.9),
        shadow=(random.uniform(0.04, 0.16), random.uniform(0.08, 0.2)),
    )


def shapes_listing(pictures: int = PICTURES) -> Listing:
    """The pictures of that many numbers; one is painted when it is read."""
    numbers = range(pictures)
    labels = np.arange(pictures) % len(CLASSES)
    return Listing(
        name=SHAPES,
        names=[f"{CLASSES[number % len(CLASSES)]}/{number // len(CLASSES):04d}" for number in numbers],
        stamps=[f"{SHAPES} {VERSION} {number}" for number in numbers],
        read=_painted,
        files=[None] * pictures,
        classes=CLASSES,
        labels=labels,
        splits=np.full(pictures, -1),
        table=_table([scene_of(number) for number in numbers]),
    )


def _painted(rows: Sequence[int]) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    return (paint(scene_of(row)) for row in rows)


def _table(scenes: list[Scene]) -> pd.DataFrame:
    """What is known of the pictures beside their class; their days go through 2026."""
    days = np.arange(len(scenes)) * 365 // max(1, len(scenes))
    return pd.DataFrame(
        {
            "hue": [round(scene.hue, 1) for scene in scenes],
            "size": [round(scene.size, 3) for scene in scenes],
            "turn": [round(scene.turn, 1) for scene in scenes],
            "background": [scene.background for scene in scenes],
            "made": FIRST_DAY + days.astype("timedelta64[D]"),
        }
    )
