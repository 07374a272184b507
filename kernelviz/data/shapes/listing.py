"""The pictures of the set "shapes" as a listing: what each shows follows from its number."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from kernelviz.data.named import SHAPES
from kernelviz.data.shapes.paint import BACKGROUNDS, Scene, Thing, paint
from kernelviz.sources.listing import Listing

HUES = {  # the mean of each class, in degrees
    "balloon": 25,
    "boat": 210,
    "butterfly": 260,
    "doughnut": 325,
    "fish": 180,
    "flower": 300,
    "heart": 350,
    "mug": 225,
    "mushroom": 5,
    "star": 50,
    "tree": 130,
    "umbrella": 280,
}
CLASSES = tuple(HUES)
SPREAD = 40  # degrees: standard deviation of a hue within a class
PICTURES = 1800
VERSION = 1  # of the pictures; after a change of them, what was made of the former ones is made again
RATIOS = (0.5625, 2 / 3, 0.75, 0.8, 1.0)  # shorter side of a picture by its longer one
SIZES, TURN = (0.55, 0.8), 20  # diameters as shares of the shorter side; degrees to either side
FLAT, COMPANIONS = 0.5, 0.4  # shares of the pictures whose shape has one colour, that show a second, smaller shape
FIRST_DAY = np.datetime64("2026-01-01")


def scene_of(number: int) -> Scene:
    """What the picture of a number shows; the same for ever."""
    random = np.random.default_rng([VERSION, number])
    longer = int(random.integers(160, 321))
    sides = (longer, round(longer * RATIOS[random.integers(len(RATIOS))]))
    width, height = sides if random.random() < 0.5 else sides[::-1]
    shape = CLASSES[number % len(CLASSES)]
    thing = Thing(
        shape=shape,
        hue=random.normal(HUES[shape], SPREAD) % 360,
        size=random.uniform(*SIZES),
        turn=random.uniform(-TURN, TURN),
        across=random.uniform(0.47, 0.53),
        down=random.uniform(0.47, 0.53),
        flat=random.random() < FLAT,
    )
    companion = _companion(thing, width, height, random)
    return Scene(
        width=width,
        height=height,
        things=(companion, thing) if random.random() < COMPANIONS else (thing,),
        behind=thing.hue + random.uniform(140, 220),
        background=BACKGROUNDS[random.integers(len(BACKGROUNDS))],
        slant=random.uniform(0, 180),
        light=random.uniform(0.8, 0.9),
        shadow=(random.uniform(0.04, 0.16), random.uniform(0.08, 0.2)),
    )


def _companion(thing: Thing, width: int, height: int, random: np.random.Generator) -> Thing:
    """A smaller shape beside another one, along the longer side of the picture."""
    beside = 0.5 + random.choice([-1, 1]) * random.uniform(0.26, 0.36)
    near = random.uniform(0.3, 0.7)
    across, down = (beside, near) if width >= height else (near, beside)
    return replace(
        thing,
        shape=CLASSES[random.integers(len(CLASSES))],
        hue=thing.hue + random.uniform(-60, 60),
        size=thing.size * random.uniform(0.55, 0.8),
        turn=random.uniform(-TURN, TURN),
        across=across,
        down=down,
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
    main = [scene.things[-1] for scene in scenes]
    return pd.DataFrame(
        {
            "hue": [round(thing.hue, 1) for thing in main],
            "size": [round(thing.size, 3) for thing in main],
            "turn": [round(thing.turn, 1) for thing in main],
            "background": [scene.background for scene in scenes],
            "made": FIRST_DAY + days.astype("timedelta64[D]"),
        }
    )
