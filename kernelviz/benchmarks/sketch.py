"""Digits as they are sketched on a pad: the accuracy of the classifier, beside that on MNIST's own images."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFilter

from kernelviz.data.images import load
from kernelviz.evaluation.inference import embed
from kernelviz.ingest.preprocessing import preprocess_image
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network

RUN = "mnist-classifier"
SIDE, PEN = 280, 18  # pixels: of the pad and of its pen
BLUR = 4.0  # pixels
EACH = 20  # sketches of each digit, made of strokes
STROKES = (  # corners of the strokes of each digit, x to the right and y down, in a square of side 1
    [[(0.5, 0.1), (0.25, 0.3), (0.25, 0.7), (0.5, 0.9), (0.75, 0.7), (0.75, 0.3), (0.5, 0.1)]],
    [[(0.5, 0.1), (0.5, 0.9)]],
    [[(0.25, 0.3), (0.4, 0.12), (0.65, 0.15), (0.72, 0.35), (0.5, 0.6), (0.25, 0.88), (0.8, 0.88)]],
    [[(0.28, 0.15), (0.65, 0.15), (0.7, 0.32), (0.45, 0.47), (0.7, 0.6), (0.7, 0.8), (0.45, 0.9), (0.25, 0.8)]],
    [[(0.3, 0.1), (0.22, 0.55), (0.8, 0.55)], [(0.68, 0.25), (0.64, 0.92)]],
    [[(0.75, 0.12), (0.32, 0.12), (0.28, 0.45), (0.6, 0.45), (0.74, 0.65), (0.6, 0.87), (0.25, 0.87)]],
    [[(0.65, 0.1), (0.38, 0.4), (0.28, 0.7), (0.45, 0.9), (0.68, 0.8), (0.68, 0.62), (0.45, 0.55), (0.3, 0.68)]],
    [[(0.22, 0.12), (0.78, 0.12), (0.55, 0.5), (0.45, 0.9)]],
    [
        [(0.7, 0.22), (0.45, 0.1), (0.3, 0.27), (0.68, 0.62), (0.68, 0.82), (0.48, 0.92), (0.3, 0.8)]
        + [(0.35, 0.6), (0.68, 0.35), (0.7, 0.22)]
    ],
    [[(0.72, 0.3), (0.52, 0.12), (0.32, 0.28), (0.45, 0.48), (0.7, 0.4), (0.72, 0.25), (0.66, 0.92)]],
)


def report(note: Callable[[str], None]) -> dict:
    """Accuracies of the classifier on MNIST's test images, on these as sketches, and on strokes."""
    run = load_run(RUN)
    network = load_network(run)

    def accuracy(pixels: np.ndarray, labels: np.ndarray) -> float:
        return float((embed(network, pixels).probabilities.argmax(1) == labels).mean())

    def preprocessed(pictures: Iterator[Image.Image], n: int) -> UInt8[np.ndarray, "n h w"]:
        out = []
        for picture in pictures:
            out.append(preprocess_image(picture, run.preprocess))
            if len(out) % 100 == 0:
                note(f"{len(out):,} of {n:,} sketches")
        return np.stack(out)

    images, labels = load("mnist").split("test")
    again = preprocessed(map(sketch_of, images), len(images))
    classes = np.repeat(np.arange(10), EACH)
    strokes = preprocessed(sketches(np.random.default_rng(0)), len(classes))
    rows = [
        {"digits": "MNIST, test images", "images": len(images), "accuracy": accuracy(images, labels)},
        {"digits": "MNIST, test images as sketches", "images": len(images), "accuracy": accuracy(again, labels)},
        {"digits": "strokes made by code", "images": len(classes), "accuracy": accuracy(strokes, classes)},
    ]
    return {
        "rows": rows,
        "notes": [f"Dark on light paper, {SIDE} x {SIDE} pixels; images as sketches blurred by {BLUR:g} pixels."],
    }


def sketch_of(image: UInt8[np.ndarray, "28 28"]) -> Image.Image:
    """A digit of MNIST, dark on a light sheet of the size of the pad, blurred."""
    large = Image.fromarray(255 - image).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return large.filter(ImageFilter.GaussianBlur(BLUR))


def sketches(random: np.random.Generator) -> Iterator[Image.Image]:
    """EACH sketches of every digit, made of strokes: turned, slanted, stretched and unsteady, anywhere on the pad."""
    for strokes in STROKES:
        for _ in range(EACH):
            yield _sketch(strokes, random)


def _sketch(strokes: list[list[tuple[float, float]]], random: np.random.Generator) -> Image.Image:
    turn, slant = random.normal(0, 0.08), random.normal(0, 0.12)
    size = SIDE * random.uniform(0.45, 0.8) * np.array([random.uniform(0.8, 1.1), 1.0])
    matrix = np.array([[np.cos(turn), np.sin(turn) - slant], [-np.sin(turn), np.cos(turn)]])
    middle = SIDE / 2 + random.normal(0, 12, 2)
    sheet = Image.new("L", (SIDE, SIDE), 255)
    draw, pen = ImageDraw.Draw(sheet), int(random.integers(PEN - 6, PEN + 7))
    for stroke in strokes:
        corners = np.array(stroke) - 0.5 + random.normal(0, 0.02, (len(stroke), 2))
        points = [tuple(point) for point in (_rounded(corners) @ matrix.T) * size + middle]
        draw.line(points, 20, pen, joint="curve")
        for x, y in points:
            draw.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), 20)
    return sheet


def _rounded(corners: np.ndarray) -> np.ndarray:
    """The line with its corners cut twice (Chaikin)."""
    for _ in range(2):
        before, after = corners[:-1], corners[1:]
        cut = np.stack([0.75 * before + 0.25 * after, 0.25 * before + 0.75 * after], 1).reshape(-1, 2)
        corners = np.concatenate([corners[:1], cut, corners[-1:]])
    return corners
