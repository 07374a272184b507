"""A network with a map in use: images or vectors in, coordinates out, and with a decoder the way back."""

import html
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32, UInt8
from numpy.typing import ArrayLike
from PIL import Image

from kernelviz.api.loaded_run import LoadedRun
from kernelviz.errors import UserError
from kernelviz.evaluation.inference import coordinates_of, decode_probes
from kernelviz.evaluation.novelty import Projection, fitting_vectors, project
from kernelviz.ingest.files import Picture, RejectedFile, contents_of_paths, ingest
from kernelviz.ingest.preprocessing import preprocess_image
from kernelviz.layers.probe import Probe
from kernelviz.plots.colours import COLOURINGS, UNKNOWN, class_colours, rgb
from kernelviz.plots.images import data_url, dots
from kernelviz.storage.calibration import Calibration, load_calibration
from kernelviz.storage.embedding_map import SPLITS, EmbeddingMap, load_map
from kernelviz.storage.item_table import map_table
from kernelviz.storage.record import EmbeddingRun

THUMBNAIL = 280  # pixels: side of the map that a notebook shows of a run


@dataclass(frozen=True, eq=False)
class Embedding:
    """Images on a map.

    Attributes:
        names: paths of the images, or their numbers.
        coordinates: (x, y) of each on the map [n, 2]; NaN where an image has none.
        activations: the clipped kernel layer [n, units], rows of the grid from the bottom.
        probabilities: of each class [n, classes]; without a class head, no columns.
        prediction: name of the class of each image: of the class head, else of the nearest known images; None where
            there is none.
        confidence: probability of the prediction, or its share of the votes [n].
        novelty: how unlike the training images each image is, 0 to 100 [n]: how many percent of the unseen images of
            the same kind are less unusual. Above 96 it is unusual, above 99 unlike them.
        grade: the same in words for each image: "usual", "unusual", "novel" or "blank" (nothing in it).
        rejected: files that cannot be read, with the reason.
        table: all of it but the arrays, a row for each image.
    """

    names: list[str]
    coordinates: Float[np.ndarray, "n 2"]
    activations: Float[np.ndarray, "n units"]
    probabilities: Float[np.ndarray, "n classes"]
    table: pd.DataFrame
    rejected: tuple[RejectedFile, ...] = ()

    @property
    def prediction(self) -> list[str | None]:
        """Name of the class of each image."""
        return self.table["prediction"].tolist()

    @property
    def confidence(self) -> Float[np.ndarray, " n"]:
        """Of each prediction."""
        return self.table["confidence"].to_numpy()

    @property
    def novelty(self) -> Float[np.ndarray, " n"]:
        """How unlike the training images each image is."""
        return self.table["novelty"].to_numpy()

    @property
    def grade(self) -> list[str]:
        """How each image compares with the training images; the table's `reasons` name the signals that say so."""
        return self.table["grade"].tolist()

    def __len__(self) -> int:
        return len(self.names)

    def _repr_html_(self) -> str:
        return self.table.to_html(max_rows=20, float_format="{:.3f}".format)


class LoadedMap(LoadedRun):
    """A network with a map: images in, coordinates out, and with a decoder the way back."""

    record: EmbeddingRun

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; none where the training images have no labels."""
        return self.record.classes

    @cached_property
    def points(self) -> EmbeddingMap:
        """The images that the map is made of, as arrays."""
        return load_map(self.record.folder)

    @cached_property
    def calibration(self) -> Calibration | None:
        """What is usual for its images; None where that was not measured (`kernelviz evaluate RUN --calibrate`)."""
        return load_calibration(self.record.folder)

    @property
    def map(self) -> pd.DataFrame:
        """The images that the map is made of, a row for each: split, index in it, x, y, label, prediction, confidence
        and error of the decoded image; of a run with a table also the name, the file and the user's own columns."""
        return map_table(self.points, self.classes, self.record.folder)

    def embed(self, images: np.ndarray | Iterable | Path | Image.Image) -> Embedding:
        """Where images or vectors lie on the map, each by one forward pass.

        Args:
            images: uint8 array [n, h, w] or [n, h, w, 3], or any number of arrays [h, w(, 3)], Pillow images or paths
                (of pictures, folders or .zip archives). Arrays of the network's own shape are taken as they are; all
                others are preprocessed as the training images were. On a map of vectors, an array [n, d].

        Files that cannot be read are listed in `rejected`. Raises UserError where nothing is left, or for arrays of
        another kind.
        """
        names, pixels, rejected = self._inputs(images)
        projection = project(self.network, self.points, pixels, self.calibration)
        return _embedding(names, projection, self.points, self.classes, tuple(rejected))

    def transform(self, images: np.ndarray | Iterable | Path | Image.Image) -> Float[np.ndarray, "n 2"]:
        """The coordinates of images, as scikit-learn's transformers have it: those of `embed`, and nothing else.

        >>> import kernelviz, numpy
        >>> kernelviz.load("digits-neighbours").transform(numpy.zeros((3, 20, 20), numpy.uint8)).shape
        (3, 2)
        """
        _, pixels, _ = self._inputs(images)
        return coordinates_of(self.network, pixels)

    def decode(
        self, coordinates: ArrayLike, width: float | None = None
    ) -> UInt8[np.ndarray, "n h w *c"] | Float32[np.ndarray, "n d"]:
        """The images at some coordinates [n, 2]: uint8 [n, h, w], or [n, h, w, 3] for RGB; or the vectors [n, d].

        `width` is that of the probe, in the units of the map; None: the run's own. Raises UserError for a run without a
        decoder, and for coordinates that are not finite.
        """
        if not self.record.has_decoder:
            raise UserError(f"the run {self.name!r} has no decoder; choose one that was trained to reconstruct")
        centers = np.atleast_2d(np.asarray(coordinates, np.float32))
        if centers.ndim != 2 or centers.shape[1] != 2 or not np.isfinite(centers).all():
            raise UserError(f"coordinates have the shape [n, 2] and are finite, not {np.shape(coordinates)}")
        shape = self.record.probe | ({} if width is None else {"width": width})
        return decode_probes(self.network, centers, Probe(**shape))

    def inverse_transform(self, coordinates: ArrayLike) -> UInt8[np.ndarray, "n h w *c"] | Float32[np.ndarray, "n d"]:
        """The images or vectors at some coordinates, as scikit-learn's transformers have it: `decode(coordinates)`."""
        return self.decode(coordinates)

    def widget(
        self,
        split: str | None = None,
        colour: str = "label",
        view: str = "dots",
        probe: bool = False,
        height: int = 460,
    ) -> "kernelviz.ui.notebook.widget.MapWidget":
        """The map as a widget for Jupyter, marimo, VS Code and others: the canvas of the dashboard in a cell.

        Lasso some points, and `widget.selection` has their rows in `map`; with a decoder, an image is decoded under the
        pointer. Raises a UserError without anywidget, which the extra "notebook" brings.

        Args:
            split: "train", "validation" or "test"; None: the test images, if there are any.
            colour: one of `kernelviz.plots.colours.COLOURINGS`, or a column of the run's own table.
            view: "dots" or "images".
            probe: whether a probe is dragged over the map, and what it decodes stands beside it.
            height: of the map, in CSS pixels.
        """
        if not importlib.util.find_spec("anywidget"):
            raise UserError('the widget needs anywidget: pip install "kernelviz[notebook]"')
        if probe and not self.record.has_decoder:
            raise UserError(
                f"the run {self.name!r} has no decoder to probe; choose one that was trained to reconstruct"
            )
        from kernelviz.ui.notebook.widget import MapWidget

        shown = {"colour": colour, "view": view, "height": height} | ({"split": split} if split else {})
        return MapWidget(self.record, probe=probe, **shown)

    def plot(self, split: str = "test", colour: str = "label") -> "plotly.graph_objects.Figure":
        """The map of a split as a Plotly figure.

        Args:
            split: "train", "validation" or "test".
            colour: one of `kernelviz.plots.colours.COLOURINGS`: "label", "prediction", "right or wrong", ...
        """
        from kernelviz.plots.maps import map_figure  # plotly takes a second to import

        if split not in SPLITS or colour not in COLOURINGS:
            raise UserError(
                f"a map is plotted for {', '.join(SPLITS)}, coloured by {', '.join(COLOURINGS)}, not for {split!r} by "
                f"{colour!r}"
            )
        figure = map_figure(self.points.of_split(split), self.record.extent, self.classes, colour)
        return figure.update_layout(width=620, height=620)

    def figure(self, path: str | Path, what: str = "map", **look) -> Path:
        """Write a figure for print, with embedded fonts, or an animation; returns its path. Needs `kernelviz[figures]`.

        Args:
            path: ending .pdf, .svg or .png; of an animation .gif or .webp.
            what: "map" (Figure 5), "decoded" (Figure 6), "depth" (Figure 7); or an animation, "path" or "film".
            look: fields of `kernelviz.export.figures.Look`: width="8.5cm", dpi=300, split="test", colour="label", ...
        """
        from kernelviz.export.figures import Look, figure

        return figure(self.record, what, Path(path), Look(**look))

    def _inputs(
        self, images: np.ndarray | Iterable | Path | Image.Image
    ) -> tuple[list[str], UInt8[np.ndarray, "n h w *c"] | Float32[np.ndarray, "n 1 d"], list[RejectedFile]]:
        """Names of images or vectors, the same as the network takes them, and the files that cannot be read."""
        if self.record.is_of_vectors:
            vectors = fitting_vectors(self.network, np.asarray(images))
            return [str(number) for number in range(len(vectors))], vectors, []
        pictures, rejected = self._ingested(images)
        if not pictures:
            reasons = "; ".join(f"{one.name}: {one.reason}" for one in rejected[:3])
            raise UserError(f"there is no image to embed{f' ({reasons})' if reasons else ''}")
        return [picture.name for picture in pictures], np.stack([picture.pixels for picture in pictures]), rejected

    def _ingested(self, images: np.ndarray | Iterable | Path | Image.Image) -> tuple[list[Picture], list[RejectedFile]]:
        """Images as the network takes them, in order."""
        if isinstance(images, str | Path | Image.Image):
            images = [images]
        pictures: list[Picture] = []
        rejected: list[RejectedFile] = []
        for number, image in enumerate(images):
            if isinstance(image, str | Path):
                for one in ingest(contents_of_paths([Path(image).expanduser()]), self.record.preprocess):
                    (pictures if isinstance(one, Picture) else rejected).append(one)
            else:
                pictures.append(Picture(str(number), self._pixels(image)))
        return pictures, rejected

    def _pixels(self, image: object) -> UInt8[np.ndarray, "h w *c"]:
        channels, height, width = self.record.image_shape
        own = (height, width) if channels == 1 else (height, width, channels)
        if isinstance(image, np.ndarray):
            if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
                raise UserError(
                    f"an image is a uint8 array [h, w] or [h, w, 3], not {image.dtype} {list(image.shape)}; scale it "
                    "to 0 to 255, or give a Pillow image"
                )
            if image.shape == own:
                return image
            image = Image.fromarray(image)
        if not isinstance(image, Image.Image):
            raise UserError(f"an image is a uint8 array, a Pillow image or a path, not {type(image).__name__}")
        flat = image if image.mode in ("L", "RGB") else image.convert("RGB")
        return preprocess_image(flat, self.record.preprocess)

    def _repr_html_(self) -> str:
        test = self.points.of_split("test")
        test = test.where(test.placed)
        colours = np.array([rgb(one) for one in [*class_colours(len(self.classes)), UNKNOWN]], np.uint8)
        picture = dots(test.coordinates, colours[test.label], self.record.extent, THUMBNAIL, 2)
        address = data_url(Image.fromarray(picture))
        return (
            f'<div style="display: flex; gap: 1em"><img alt="map of {html.escape(self.name)}" src="{address}">'
            f"<div>{super()._repr_html_()}</div></div>"
        )


def _embedding(
    names: list[str],
    projection: Projection,
    points: EmbeddingMap,
    classes: tuple[str, ...],
    rejected: tuple[RejectedFile, ...],
) -> Embedding:
    table = projection.table(names, points, classes)
    embedded = projection.embedded
    return Embedding(names, embedded.coordinates, embedded.activation, embedded.probabilities, table, rejected)
