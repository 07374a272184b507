"""Upload: any picture in, its place on the map out."""

import numpy as np
import streamlit as st
import torch
from PIL import Image, ImageOps

from kernelviz.data.images import load
from kernelviz.data.intake import FORMATS, MAX_BYTES, MAX_FILES, Picture, Rejected, prepare, take
from kernelviz.figures import UPLOADED, map_figure, marked
from kernelviz.inference import draw
from kernelviz.landings import Landings, land
from kernelviz.maps import EmbeddingMap
from kernelviz.networks import EmbeddingNetwork
from kernelviz.pictures import bump_picture, enlarged
from kernelviz.runs import Run
from kernelviz.ui import loaders
from kernelviz.ui.canvas import canvas, mark
from kernelviz.ui.decoding import network_of
from kernelviz.ui.simple import SIMPLE_MAP, simple_map_instead
from kernelviz.ui.uploads import ENDINGS, say_rejected
from kernelviz.ui.wording import class_names, plain

DETAILED = 20  # pictures shown one by one


def page(run: Run) -> None:
    """The whole page."""
    pictures, rejected = _taken(run)
    say_rejected(rejected)
    if not pictures:
        return
    network, points = network_of(run), loaders.points_of(run)
    landings = land(network, points, np.stack([picture.pixels for picture in pictures]))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _map(run, points, pictures, landings)
    with right:
        _table(run, points, pictures, landings)
    st.subheader("One by one")
    for at in range(min(len(pictures), DETAILED)):
        _detail(run, network, points, pictures, landings, at)
    if len(pictures) > DETAILED:
        st.caption(f"The first {DETAILED} of {len(pictures)}; all of them are in the table.")


def _taken(run: Run) -> tuple[list[Picture], list[Rejected]]:
    """The uploaded pictures, or the samples; with neither, what to do."""
    files = st.file_uploader(
        f"Pictures to place on the map of {run.name}",
        accept_multiple_files=True,
        type=ENDINGS,
        key="files",
        help=f"{', '.join(FORMATS)}, or a .zip of them; up to {MAX_FILES} files of {MAX_BYTES // 10**6} MB",
    )
    if files:
        return take(((file.name, file.getvalue()) for file in files), run.preprocess)
    digits = run.preprocess.name == "digit"
    st.info(
        f"Drop pictures above: scans, screenshots, photographs{' of digits on paper' if digits else ''}. Each gets its "
        "place by one forward pass; the map does not change.",
        icon=":material/add_photo_alternate:",
    )
    samples = digits and st.toggle("Try it with handwritten digits that come along", key="samples", bind="query-params")
    return (_samples(run), []) if samples else ([], [])


def _samples(run: Run) -> list[Picture]:
    """Embedded digits, one of each class, each on a larger black sheet."""
    images, labels = load("digits").split("test")
    _, first = np.unique(labels, return_index=True)
    sheets = [
        ImageOps.expand(Image.fromarray(images[at]).resize((160, 160), Image.Resampling.BICUBIC), 40) for at in first
    ]
    return [
        Picture(f"digit {labels[at]}", drawn, prepare(drawn, run.preprocess), "")
        for at, drawn in zip(first, sheets, strict=True)
    ]


def _map(run: Run, points: EmbeddingMap, pictures: list[Picture], landings: Landings) -> None:
    placed = np.flatnonzero(np.isfinite(landings.embedded.places).all(1))
    names = [plain(pictures[at].name) for at in placed]
    places = landings.embedded.places[placed]
    if simple_map_instead():
        figure = map_figure(points.of_split("test"), run.arguments["extent"], run.classes, "label")
        marked(figure.update_traces(marker_opacity=0.35), places, names, UPLOADED)
        with st.container(key="map"):
            st.plotly_chart(figure, key="upload-map", height="stretch", config=SIMPLE_MAP, alt="Map with uploads")
        return
    marks = [mark(place, name, pictures[at].pixels) for place, name, at in zip(places, names, placed, strict=True)]
    heard = canvas(run, "test", f"upload-{run.name}", marks=marks)
    if heard.failed:
        simple_map_instead(heard.failed)
    st.caption(f"{len(marks)} uploaded among the test images. Point at one, or tap it, to see which it is.")


def _table(run: Run, points: EmbeddingMap, pictures: list[Picture], landings: Landings) -> None:
    table = landings.table([picture.name for picture in pictures], points, run.classes)
    number = st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        column_order=["name", "prediction", "confidence", "foreign", "nearest_distance", "x", "y"],
        column_config={
            "confidence": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
            "foreign": st.column_config.CheckboxColumn(
                help="farther from every known image than 99 of 100 test images"
            ),
            "nearest_distance": number("distance", format="%.3f", help="to the nearest known image"),
            "x": number(format="%.2f"),
            "y": number(format="%.2f"),
        },
    )
    st.download_button(
        "Table as CSV", table.to_csv(index=False), f"{run.name}_places.csv", "text/csv", icon=":material/download:"
    )
    foreign = int(landings.foreign.sum())
    if foreign:
        st.warning(
            f"{foreign} of {len(table)} lie farther from every known image than 99 of 100 test images do: the network "
            "may never have seen anything like them.",
            icon=":material/travel_explore:",
        )


def _detail(
    run: Run, network: EmbeddingNetwork, points: EmbeddingMap, pictures: list[Picture], landings: Landings, at: int
) -> None:
    picture = pictures[at]
    with st.container(border=True):
        st.markdown(_verdict(run, picture, landings, at))
        with st.container(horizontal=True):
            st.image(picture.original, caption="Original", width=140)
            st.image(enlarged(picture.pixels, 140), caption="What the network saw", width=140)
            activation = landings.embedded.activation[at]
            st.image(
                enlarged(bump_picture(activation, *run.arguments["grid"]), 140), caption="Bump on the grid", width=140
            )
            if network.decoder:
                image = draw(network, network.code(torch.from_numpy(activation[None])))[0]
                st.image(enlarged(image, 140), caption="Reconstruction", width=140)
            with st.container(width=330):
                _nearest(run, points, landings, at)


def _nearest(run: Run, points: EmbeddingMap, landings: Landings, at: int) -> None:
    """The nearest known images; without a place there are none."""
    if np.isnan(landings.distance[at]):
        return
    rows = points.where(landings.nearest[at])
    images = loaders.pictures_at(run, rows)
    named = [class_names(run.classes)[label] for label in rows.label]
    if images is None:
        st.caption("Nearest known images: " + ", ".join(named))
        return
    st.image(
        [enlarged(image, 60) for image in images],
        caption=named,
        width=60,
    )
    st.caption("Nearest known images" + ("" if loaders.images_of(run) else ", drawn by the decoder"))


def _verdict(run: Run, picture: Picture, landings: Landings, at: int) -> str:
    x, y = landings.embedded.places[at]
    if np.isnan(x):
        return f"**{plain(picture.name)}** has no place: its activation is zero everywhere."
    prediction = landings.prediction[at]
    says = (
        f"taken for **{plain(run.classes[prediction])}** ({landings.confidence[at]:.0%})"
        if prediction >= 0
        else "placed"
    )
    warning = " :material/travel_explore: foreign to this map" if landings.foreign[at] else ""
    return f"**{plain(picture.name)}** {says} at ({x:.2f}, {y:.2f}){warning}"
