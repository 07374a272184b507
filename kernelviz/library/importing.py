"""A run that was handed on as one file, brought in. The file may be anybody's: nothing in it is trusted."""

import errno
import hashlib
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import IOBase
from pathlib import Path
from stat import S_ISLNK

from filelock import Timeout
from pydantic import ValidationError

from kernelviz.disk import lock, runs_folder, scratch
from kernelviz.errors import UserError
from kernelviz.ingest.archives import opened
from kernelviz.ingest.image_file import UnreadableImage
from kernelviz.library.checks import NotImported, checked_run
from kernelviz.library.cleaning import IMPORT_LOCK, IMPORTING
from kernelviz.library.handing_on import packed, without_originals
from kernelviz.library.names import free_folder, move
from kernelviz.library.portable import ENDING, FILES, FORMAT, MANIFEST, WEIGHTS, Manifest, without_paths
from kernelviz.storage import item_table
from kernelviz.storage.record import Run, read_run
from kernelviz.text import one_line

MAX_BYTES = 20_000_000_000  # of all files together
MAX_JSON = 50_000_000  # bytes of a JSON file
MAX_MANIFEST = 100_000  # bytes
SMALL, MAX_RATIO = 1_000_000, 100  # a file of more bytes that unpacks to more times its size is none of a run
PATIENCE = 60  # seconds for another import to end
SPARE = 50_000_000  # bytes of free space that stay
UNREADABLE = (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, RuntimeError, zlib.error)  # while reading


def import_run(file: Path | IOBase, name: str = "") -> Run:
    """Bring in the run in a `.kernelviz` file, or in a model folder (`export.hub`); returns it.

    All is checked before, and nothing is ever overwritten.

    Raises NotImported, in one line that names what is wrong with the file, and a UserError where the name is not free
    or the free space is too little.

    Args:
        name: what the run is called here; "": what the file says.
    """
    if isinstance(file, Path) and file.is_dir():
        with scratch() as folder:
            return import_run(packed(file, folder), name)
    with _opened(file) as (zipped, manifest):
        return _brought_in(zipped, manifest, name or manifest.name)


def name_in(file: Path | IOBase) -> str:
    """The name of the run in a `.kernelviz` file; NotImported says what is wrong with the file."""
    with _opened(file) as (_, manifest):
        return manifest.name


@contextmanager
def _opened(file: Path | IOBase) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    try:
        with opened(file) as zipped:
            yield zipped, _manifest(zipped)
    except UnreadableImage as error:
        raise NotImported(str(error)) from None
    except UserError:
        raise
    except UNREADABLE as error:
        raise NotImported(one_line(f"the file is damaged, or no {ENDING} file ({error})")) from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # a position before its start
            raise
        raise NotImported(f"the file is damaged, or no {ENDING} file") from None


def _brought_in(zipped: zipfile.ZipFile, manifest: Manifest, name: str) -> Run:
    """Unpack beside the other runs, check, and move to the folder of that name in one step."""
    try:
        with free_folder(name) as target, lock(IMPORT_LOCK).acquire(timeout=PATIENCE):
            _check_space(manifest)
            folder = Path(tempfile.mkdtemp(prefix=IMPORTING, dir=runs_folder()))
            try:
                folder.chmod(0o755)
                _unpack_all(zipped, manifest, folder)
                move(folder, target)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            return read_run(target)
    except Timeout:
        raise UserError(f"another file is being imported for more than {PATIENCE} s; try again later") from None
    except UserError as error:
        raise type(error)(str(error).replace("choose another name", "give another --name")) from None


def _check_space(manifest: Manifest) -> None:
    needed, free = sum(one.size for one in manifest.files.values()), shutil.disk_usage(runs_folder()).free
    if needed + SPARE > free:
        raise UserError(f"the run needs {needed / 1e6:,.0f} MB, but {runs_folder()} has {free / 1e6:,.0f}; free space")


def _unpack_all(zipped: zipfile.ZipFile, manifest: Manifest, folder: Path) -> None:
    """Unpack a run into a folder and check it; it is then as if it had been trained on this machine."""
    for name, content in manifest.files.items():
        _unpack(zipped, name, content.size, content.sha256, folder / name)
    run = checked_run(folder)
    if run.weights_sha256 != manifest.files[WEIGHTS].sha256:
        raise NotImported(f"its {WEIGHTS} are not those that its record names")
    without_paths(run).save()
    if (table := folder / item_table.FILE).is_file():
        without_originals(table, table)


def _manifest(zipped: zipfile.ZipFile) -> Manifest:
    """The manifest of a zip of which nothing but the list of its files is known."""
    infos = zipped.infolist()
    _check_list(infos)
    sizes = {info.filename: info.file_size for info in infos}
    if MANIFEST not in sizes:
        raise NotImported(f"it has no {MANIFEST}; only files that kernelviz has exported can be imported")
    with zipped.open(MANIFEST) as stream:
        data = stream.read(MAX_MANIFEST + 1)
    if len(data) > MAX_MANIFEST:
        raise NotImported(f"its {MANIFEST} has more than {MAX_MANIFEST // 1000} kB")
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["loc"] == ("format",):
            raise NotImported(f"its format is not {FORMAT}, which this version reads; update kernelviz") from None
        where = ".".join(map(str, first["loc"])) or "it"
        raise NotImported(f"its {MANIFEST} is not as it should be ({where}: {first['msg']})"[:300]) from None
    del sizes[MANIFEST]
    if extra := set(sizes) ^ set(manifest.files):
        raise NotImported(f"{sorted(extra)[0]} is {'not in its manifest' if extra & set(sizes) else 'missing in it'}")
    for name, content in manifest.files.items():
        if content.size != sizes[name]:
            raise NotImported(f"its {name} has {sizes[name]:,} bytes, and not {content.size:,} as its manifest says")
    return manifest


def _check_list(infos: list[zipfile.ZipInfo]) -> None:
    """Raise NotImported where a zip lists what no `.kernelviz` file has."""
    if len(infos) > len(FILES) + 1:
        raise NotImported(f"it has {len(infos):,} files, and a run has at most {len(FILES)}")
    for info in infos:
        shown = ascii(info.filename[:60])
        if info.filename not in (*FILES, MANIFEST):
            raise NotImported(f"it has a file {shown}, which is none of a run's")
        if S_ISLNK(info.external_attr >> 16):
            raise NotImported(f"its {info.filename} is a link")
        if info.flag_bits & 1:
            raise NotImported(f"its {info.filename} is locked with a password")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise NotImported(f"its {info.filename} is compressed in a form that is not read")
        if info.file_size > max(SMALL, MAX_RATIO * info.compress_size):
            raise NotImported(f"its {info.filename} unpacks to more than {MAX_RATIO} times its size")
        if info.filename.endswith(".json") and info.file_size > MAX_JSON:
            raise NotImported(f"its {info.filename} has more than {MAX_JSON // 10**6} MB")
    if len({info.filename for info in infos}) < len(infos):
        raise NotImported("it has two files of one name")
    if sum(info.file_size for info in infos) > MAX_BYTES:
        raise NotImported(f"it unpacks to more than {MAX_BYTES / 1e9:.0f} GB")


def _unpack(zipped: zipfile.ZipFile, name: str, size: int, sha256: str, path: Path) -> None:
    """Write one file, never more bytes than the manifest says, and check its hash."""
    hashed, left = hashlib.sha256(), size
    with zipped.open(name) as stream, path.open("wb") as target:
        while part := stream.read(1 << 20):
            left -= len(part)
            if left < 0:
                break
            hashed.update(part)
            target.write(part)
    if left or hashed.hexdigest() != sha256:
        raise NotImported(f"its {name} does not have the content that its manifest says; export the run again")
