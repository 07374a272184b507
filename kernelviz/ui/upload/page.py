"""Upload: the position of any picture on the map of a run."""

import io
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image, ImageOps

from kernelviz.data.images import load
from kernelviz.evaluation.novelty import doubtful_first
from kernelviz.ingest.image_file import MAX_BYTES
from kernelviz.ingest.preprocessing import alternatives
from kernelviz.plots.colours import UPLOADED
from kernelviz.plots.maps import map_figure, marked
from kernelviz.storage.record import EmbeddingRun
from kernelviz.tables import to_csv, to_json
from kernelviz.ui.canvas import canvas
from kernelviz.ui.canvas.messages import ChosenUpload, UploadsTold
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.files import ALLOWED, ENDINGS, warn_of_rejected
from kernelviz.ui.shared.gallery import explain_missing_images
from kernelviz.ui.shared.labels import plain
from kernelviz.ui.shared.map_source import ImageMap
from kernelviz.ui.shared.plotly_fallback import SIMPLE_MAP, simple_map_instead
from kernelviz.ui.upload import export, uploads
from kernelviz.ui.upload.uploads import MAX_ARCHIVE_BYTES, Uploads

LABELS = {"digit": "Find the digit", "resize": "Whole picture", "crop": "Center crop"}
HELP = {
    "digit": "the ink is found, made bright on black, and centered",
    "resize": "the picture is stretched to the shape that the network takes",
    "crop": "the longer side is cut at both ends",
}


def page(run: EmbeddingRun) -> None:
    """Show the page."""
    if run.is_of_vectors:
        _refuse(run)
        return
    mine = uploads.of_session()
    preprocessing = _preprocessing(run, mine)
    if simple_map_instead():
        _simple_map(run, preprocessing, mine)
    else:
        _map(run, preprocessing, mine)
    explain_missing_images(run)
    table, rejected = mine.projected(run, preprocessing)
    warn_of_rejected(rejected)
    if len(table):
        _table(run, preprocessing, mine, table)


def _refuse(run: EmbeddingRun) -> None:
    st.info(
        f"**{run.name}** is a map of vectors: a picture has no position on it. Make a vector of "
        f"{run.image_shape[2]:,} numbers of each picture, as it was done for this map, and place those:",
        icon=":material/data_array:",
    )
    st.code(f"kernelviz embed {run.name} vectors.npy", language="bash")


def _preprocessing(run: EmbeddingRun, mine: Uploads) -> str:
    """The chosen preprocessing, and a button for sample pictures while there are no uploads."""
    allowed, samples = alternatives(run.preprocess), run.preprocess.name == "digit"
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    preprocessing = row.segmented_control(
        "Preprocessing",
        list(allowed),
        default=run.preprocess.name,
        format_func=LABELS.get,
        required=True,
        key=f"preprocessing-{run.name}",
        help=f"{run.name} was trained with “{LABELS[run.preprocess.name]}”. "
        + " ".join(f"{LABELS[name]}: {HELP[name]}." for name in allowed),
    )
    if samples and not mine.total:
        row.button("Try it with handwritten digits", on_click=_add_samples, args=(mine,), icon=":material/draw:")
    return preprocessing


def _add_samples(mine: Uploads) -> None:
    """Upload ten handwritten digits, one of each class, each on a larger black sheet."""
    images, labels = load("digits").split("test")
    for label, at in enumerate(np.unique(labels, return_index=True)[1]):
        small = Image.fromarray(images[at]).resize((160, 160), Image.Resampling.BICUBIC)
        file = io.BytesIO()
        ImageOps.expand(small, 40).save(file, "PNG")
        mine.add([(f"digit {label}.png", file)])


def _map(run: EmbeddingRun, preprocessing: str, mine: Uploads) -> None:
    """Show the map, to which pictures can be uploaded."""
    heard = canvas(
        ImageMap(run),
        "test",
        f"upload-{run.name}",
        uploads=UploadsTold(
            address=f"/kernelviz/uploads/{mine.token}",
            preprocessing=preprocessing,
            revision=mine.turn,
            total=mine.total,
            chosen=_chosen(),
            digits=run.preprocess.name == "digit",
            allowed=ALLOWED,
            largest_file=MAX_BYTES,
            largest_archive=MAX_ARCHIVE_BYTES,
        ),
    )
    if heard.failed:
        simple_map_instead(heard.failed)
    if heard.chosen and heard.chosen.revision > _chosen().revision:
        st.session_state["chosen upload"] = heard.chosen
        st.session_state["upload table"] = heard.chosen.revision


def _simple_map(run: EmbeddingRun, preprocessing: str, mine: Uploads) -> None:
    """Show the map as a Plotly chart, with Streamlit's own chooser of files."""
    files = st.file_uploader("Pictures", ENDINGS, accept_multiple_files=True, key=f"files-{mine.turn}", help=ALLOWED)
    known = st.session_state.setdefault(f"added-{mine.turn}", set())
    mine.add((file.name, file) for file in files if file.file_id not in known)
    known.update(file.file_id for file in files)
    done, bar = 0, st.progress(0.0)
    while done < mine.total:
        done, _, _ = mine.project(run, preprocessing, seconds=0.5)
        bar.progress(done / mine.total, f"{done:,} of {mine.total:,} placed")
    bar.empty()
    table, _ = mine.projected(run, preprocessing)
    figure = map_figure(caches.points_of(run).of_split("test"), run.extent, run.classes, "label")
    if len(table):
        on_map = table[table["x"].notna()]
        names = [plain(name) for name in on_map["name"]]
        marked(figure.update_traces(marker_opacity=0.35), on_map[["x", "y"]].to_numpy(), names, UPLOADED)
    with st.container(key="map"):
        st.plotly_chart(figure, key="upload-map", height="stretch", config=SIMPLE_MAP, alt="Map with uploads")


def _chosen() -> ChosenUpload:
    """The chosen upload, which the session stores; the map and the table change it."""
    return st.session_state.get("chosen upload", ChosenUpload())


def _choose(number: int | None) -> None:
    """Choose an upload beside the map, or none."""
    st.session_state["chosen upload"] = ChosenUpload(_chosen().revision + 1, number)


def _choose_in_table(key: str, numbers: list[int]) -> None:
    """Choose the upload whose row was clicked."""
    for row in st.session_state[key].selection.rows:
        _choose(int(numbers[row]))


def _key(run: EmbeddingRun, preprocessing: str, mine: Uploads, table: pd.DataFrame) -> str:
    """A key for the table, which changes when its rows change or the map chooses one of them."""
    chosen = st.session_state.get("upload table", 0)  # the revision of what the map has chosen last
    return f"table-{run.name}-{preprocessing}-{mine.turn}-{len(table)}-{chosen}"


def _table(run: EmbeddingRun, preprocessing: str, mine: Uploads, table: pd.DataFrame) -> None:
    """Show the table of the uploads, with the buttons that export and remove them."""
    table, chosen = doubtful_first(table), _chosen().number
    novel = int(table["novel"].sum())
    unlike = f" · {novel:,} unlike the training images" if novel else ""
    st.subheader(f"{len(table):,} uploaded{unlike}", anchor=False)
    number, key = st.column_config.NumberColumn, _key(run, preprocessing, mine, table)
    chosen_rows = [table.index.get_loc(chosen)] if chosen in table.index else []
    st.dataframe(
        table,
        hide_index=True,
        column_order=["name", "prediction", "confidence", "novel", *_measures(table), "x", "y"],
        column_config={
            "confidence": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
            "novel": st.column_config.CheckboxColumn(
                help="Farther from the training images, or decoded worse, than 99 of 100 test images; or no position"
            ),
            "distance_percentile": number(
                "distance", format="%.1f", help="How many of 100 test images lie nearer to the training images"
            ),
            "error_percentile": number(
                "decoding error", format="%.1f", help="How many of 100 test images are decoded better"
            ),
            "x": number(format="%.2f"),
            "y": number(format="%.2f"),
        },
        on_select=partial(_choose_in_table, key, table.index.tolist()),
        selection_mode="single-row",
        selection_default={"selection": {"rows": chosen_rows}},
        key=key,
        placeholder="–",
    )
    with st.container(horizontal=True):
        _exports(run, mine, table)
        st.space("stretch")
        if chosen in table.index:
            st.button("Remove the chosen one", on_click=_remove, args=(mine, chosen), icon=":material/delete:")
        st.button("Remove all", on_click=_remove, args=(mine,), icon=":material/delete_sweep:")
    st.caption(
        "The most doubtful uploads come first. Choose a row, or a mark on the map, to see what the network sees."
    )


def _remove(mine: Uploads, number: int | None = None) -> None:
    mine.remove(number)
    _choose(None)


def _measures(table: pd.DataFrame) -> list[str]:
    """The columns that say how unlike the training images an upload is; errors only where there is a decoder."""
    return ["distance_percentile", *(["error_percentile"] if table["error_percentile"].notna().any() else [])]


def _exports(run: EmbeddingRun, mine: Uploads, table: pd.DataFrame) -> None:
    """Show a download button for each format."""
    name, icon = f"{run.name}_uploads", ":material/download:"
    for kind, mime, data in (
        ("CSV", "text/csv", lambda: to_csv(table)),
        ("Parquet", "application/vnd.apache.parquet", lambda: table.to_parquet(index=False)),
        ("JSON", "application/json", lambda: to_json(table)),
        ("PNG", "image/png", lambda: export.map_png(run, table)),
        ("HTML", "text/html", lambda: export.html_page(run, mine, table)),
    ):
        st.download_button(kind, data, f"{name}.{kind.lower()}", mime, on_click="ignore", icon=icon)
