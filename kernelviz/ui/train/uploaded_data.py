"""Uploads to train on: stored in the data folder by their content, so that a training can be resumed."""

import hashlib
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable
from io import IOBase
from pathlib import Path, PurePosixPath

import streamlit as st

from kernelviz.disk import data_folder, scratch
from kernelviz.errors import UserError
from kernelviz.ingest.archives import MAX_MEMBERS, MAX_UNPACKED, is_hidden, list_zip
from kernelviz.ingest.files import RejectedFile
from kernelviz.ingest.image_file import MAX_BYTES, UnreadableImage, check_header, check_size
from kernelviz.sources.arrow_files import table_file
from kernelviz.sources.reading import read_source
from kernelviz.sources.rows import columns_of
from kernelviz.text import shown
from kernelviz.ui.shared.files import ENDINGS, warn_of_a_full_disk, warn_of_rejected
from kernelviz.ui.shared.labels import message

WHOLE = (".zip", ".npy", ".npz", ".parquet")  # endings of files that are a source by themselves
MAX_WHOLE = 500_000_000  # bytes of such a file
SPARE = 200_000_000  # bytes that stay free on the disk
PICTURES = "pictures.zip"
FOLDER = "uploads"  # in the data folder
BLOCK = 1 << 20

Progress = Callable[[float, str], None]


def uploaded_data() -> str | None:
    """Show the upload of data, and return the path under which it is stored; None where there is none yet."""
    kinds = ("Files", "A folder")
    kind = st.segmented_control("What to upload", kinds, default=kinds[0], required=True, key="upload kind")
    warn_of_a_full_disk()
    files = st.file_uploader(
        f"Pictures of up to {MAX_BYTES // 10**6} MB each; or one .zip of them, or vectors as .npy, .npz or .parquet, "
        f"of up to {MAX_WHOLE // 10**6} MB",
        [*ENDINGS, *(ending[1:] for ending in WHOLE[1:])],
        accept_multiple_files="directory" if kind == kinds[1] else True,
        max_upload_size=MAX_WHOLE // 10**6,
        key=f"data upload {kind}",
    )
    if not files:
        return None
    mark = tuple(file.file_id for file in files)
    known = st.session_state.get("stored upload")
    if not known or known[0] != mark or (known[1] and not Path(known[1]).is_file()):
        with st.empty():
            bar = st.progress(0.0, "Storing the upload …")
            known = (mark, *_stored(files, bar.progress))
            st.empty()
        st.session_state["stored upload"] = known
    _, path, rejected, error = known
    warn_of_rejected(rejected)
    if error:
        st.error(message(error), icon=":material/block:")
    return path


def _stored(files: list, progress: Progress) -> tuple[str | None, list[RejectedFile], str]:
    """Path, rejected files, and why there is no path."""
    try:
        path, rejected = store([(file.name, file) for file in files], progress)
        return str(path), rejected, ""
    except UserError as error:
        return None, [], str(error)
    except OSError as error:
        return None, [], f"The upload cannot be stored ({error.strerror}); free space on the server."


def store(files: list[tuple[str, IOBase]], progress: Progress) -> tuple[Path, list[RejectedFile]]:
    """Store files in a folder named by their content; returns the path to train on, and what was rejected.

    One .zip or file of vectors stays as it is; pictures become one .zip. A UserError says why nothing is stored.
    """
    folder = data_folder() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    _check_space(folder, sum(_size(file) for _, file in files))
    with scratch(data_folder()) as beside:
        if len(files) == 1 and _ending(files[0][0]) in WHOLE:
            (name, file), rejected = files[0], []
            made = beside / safe_name(name)
            digest = _copied(name, file, made, progress)
            _check(name, made)
        else:
            made = beside / PICTURES
            digest, rejected = _packed(files, made, progress)
        target = folder / digest[:16] / made.name
        if not target.is_file():
            target.parent.mkdir(exist_ok=True)
            made.replace(target)
    return target, rejected


def safe_name(name: str) -> str:
    """A name for a file on this machine: letters, digits, dots and dashes of the name that a browser gave."""
    path = PurePosixPath(name.replace("\\", "/"))
    stem = re.sub("[^A-Za-z0-9_-]+", "-", path.name[: -len(path.suffix) or None]).strip("-")[:64] or "data"
    return stem + path.suffix.lower()


def _copied(name: str, file: IOBase, target: Path, progress: Progress) -> str:
    """Copy a file; returns the hash of its content."""
    size, done, digest = _size(file), 0, hashlib.sha256()
    if size > MAX_WHOLE:
        raise UserError(f"{shown(name)} has {size / 1e6:.0f} MB, allowed are {MAX_WHOLE / 1e6:.0f} MB")
    with open(target, "wb") as out:
        while block := file.read(BLOCK):
            out.write(block)
            digest.update(block)
            done += len(block)
            progress(min(1.0, done / size), f"{done / 1e6:.0f} of {size / 1e6:.0f} MB stored")
    return digest.hexdigest()


def _check(name: str, path: Path) -> None:
    """Raise a UserError for what is no archive, holds no vectors, or tells of other files on this machine."""
    try:
        if path.suffix == ".zip":
            list_zip(path)
            return
        columns = columns_of(table_file(path).schema) if path.suffix == ".parquet" else None
        if columns and (columns.path or columns.picture or not columns.vector):
            raise UserError(
                "a .parquet is uploaded for its vectors, a column of lists of numbers, without pictures or paths"
            )
        read_source(path)
    except UnreadableImage as error:
        raise UserError(f"{shown(name)}: {error}") from None
    except UserError as error:
        raise UserError(f"{shown(name)}: {str(error).replace(str(path), 'it')}") from None


def _packed(files: Iterable[tuple[str, IOBase]], target: Path, progress: Progress) -> tuple[str, list[RejectedFile]]:
    """Put pictures into one .zip, without compression and with the same bytes each time; returns their hash."""
    files, digest, names, rejected, total = list(files), hashlib.sha256(), set(), [], 0
    if len(files) > MAX_MEMBERS:
        raise UserError(f"there are {len(files):,} files, allowed are {MAX_MEMBERS:,}; upload a part of them")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for n, (given, file) in enumerate(files):
            if is_hidden(given):
                continue
            try:
                data = _picture(given, file)
            except UnreadableImage as error:
                rejected.append(RejectedFile(shown(given), str(error)))
                continue
            total += len(data)
            if total > MAX_UNPACKED:
                raise UserError(f"all files together have more than {MAX_UNPACKED / 1e9:.0f} GB; upload a part of them")
            name = _inner_name(given, names)
            archive.writestr(zipfile.ZipInfo(name), data)
            digest.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
            progress((n + 1) / len(files), f"{n + 1:,} of {len(files):,} stored")
    if not names:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in rejected[:3])
        raise UserError(f"none of the {len(files):,} files can be used ({reasons})")
    return digest.hexdigest(), rejected


def _picture(name: str, file: IOBase) -> bytes:
    """The bytes of a picture; raises UnreadableImage where it is none."""
    if _ending(name) in WHOLE:
        raise UnreadableImage("an archive or a file of vectors is uploaded by itself, without other files")
    check_size(_size(file))
    data = file.read()
    check_header(data)
    return data


def _inner_name(given: str, names: set[str]) -> str:
    """The path of a picture in the archive, as no other has it; folders stay, for they may be its classes."""
    parts = [part.strip() for part in shown(given).replace("\\", "/").split("/")]
    name = "/".join(part.replace("\0", "")[:100] for part in parts if part not in ("", ".", "..")) or "picture"
    folder, _, last = name.rpartition("/")
    n = 1
    while name in names:
        n += 1
        name = f"{folder}/{n}-{last}".lstrip("/")
    names.add(name)
    return name


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _size(file: IOBase) -> int:
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    return size


def _check_space(folder: Path, n_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < n_bytes + SPARE:
        raise UserError(
            f"the server has {free / 1e9:.1f} GB of free space, {(n_bytes + SPARE) / 1e9:.1f} GB are needed; free some"
        )
