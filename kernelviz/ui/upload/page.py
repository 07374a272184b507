"""Upload: the position of any picture on the map of a run."""

import io
from functools import partial
from typing import TYPE_CHECKING

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
from kernelviz.ui.shared.files import ALLOWED, ENDINGS, warn_of_a_full_disk, warn_of_rejected
from kernelviz.ui.shared.gallery import explain_missing_images
from kernelviz.ui.shared.labels import GRADES, grade_words, plain
from kernelviz.ui.shared.map_source import ImageMap
from kernelviz.ui.shared.plotly_fallback import SIMPLE_MAP, simple_map_instead
from kernelviz.ui.upload import export, uploads
from kernelviz.ui.upload.uploads import MAX_ARCHIVE_BYTES, Uploads

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

LABELS = {"digit": "Find the digit", "resize": "Whole picture", "crop": "Center crop"}
HELP = {
    "digit": "the ink is found, made bright on black, and centered",
    "resize": "the picture is stretched to the shape that the network takes",
    "crop": "the longer side is cut at both ends",
}
MOST_COLOURED = 2000  # rows of the table
GRADE_STYLES = {  # dark on light and so readable in both themes
    "usual": "",
    "unusual": "background-color: #ffe3c2; color: #5c2800",
    "novel": "background-color: #e6dcff; color: #38187d",
    "blank": "background-color: #dfe3e8; color: #2c333a",
}
COLUMNS = {
    "compared": st.column_config.TextColumn(
        "compared with the training images",
        help="Unusual: more so than 96 of 100 unseen images of the training set; unlike them: more so than 99",
    ),
    "reasons": st.column_config.TextColumn("because of", help="The signals that say so, the loudest first"),
    "confidence": st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100),
    "novelty": st.column_config.NumberColumn(
        format="%.1f %%", help="Share of the unseen images of the training set that are less unusual"
    ),
    "x": st.column_config.NumberColumn(format="%.2f"),
    "y": st.column_config.NumberColumn(format="%.2f"),
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
            address=f"kernelviz/uploads/{mine.token}",
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
    warn_of_a_full_disk()
    files = st.file_uploader(
        "Pictures",
        ENDINGS,
        accept_multiple_files=True,
        key=f"files-{mine.turn}",
        help=ALLOWED,
        max_upload_size=MAX_BYTES // 10**6,
    )
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
    key, digits = _key(run, preprocessing, mine, table), run.preprocess.name == "digit"
    counts = table["grade"].value_counts()
    unlike = [grade for grade in GRADES if grade != "usual" and grade in counts]
    said = [f"{counts[grade]:,} {grade_words(grade, digits).lower()}" for grade in unlike]
    st.header(" · ".join([f"{len(table):,} uploaded", *said]), anchor=False)
    chosen_rows = [table.index.get_loc(chosen)] if chosen in table.index else []
    st.dataframe(
        _shown(table, digits),
        hide_index=True,
        column_config=COLUMNS,
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
        "The uploads least like the training images come first. Choose a row, or a mark on the map, to see what the "
        "network sees. Marks: × like the training images, △ unusual, ◇ unlike the training images, ○ nothing found."
    )


def _remove(mine: Uploads, number: int | None = None) -> None:
    mine.remove(number)
    _choose(None)


def _shown(table: pd.DataFrame, digits: bool) -> "pd.DataFrame | Styler":
    """The table as the page shows it: how unusual an upload is comes before what is predicted."""
    novel = table["grade"] == "novel"
    nearest = table["prediction"].where(~novel, "nearest: " + table["prediction"].astype("string"))
    shown = pd.DataFrame(
        {
            "name": table["name"],
            "compared": [f"{GRADES[grade][0]} {grade_words(grade, digits)}" for grade in table["grade"]],
            "reasons": table["reasons"],
            "prediction": nearest,
            "confidence": 100 * table["confidence"].where(~novel),
            "novelty": table["novelty"],
            "x": table["x"],
            "y": table["y"],
        }
    )
    if len(shown) > MOST_COLOURED:
        return shown
    colours = [GRADE_STYLES[grade] for grade in table["grade"]]
    return shown.style.apply(lambda _: colours, subset=["compared"])


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
