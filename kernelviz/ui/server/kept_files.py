"""Files that take long to make, kept on disk until what they are made of changes."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock

from kernelviz.disk import replacing

_making = Lock()  # a sheet at a time: each takes a core, and the first ones come first


def kept(folder: Path, version: str, name: str, make: Callable[[], bytes]) -> bytes:
    """A file of `folder`, made if it is not there; files of another version are removed.

    Where the folder cannot be written, the bytes are made at each call.
    """
    path = folder / version / name
    with suppress(OSError):
        return path.read_bytes()
    with _making:
        with suppress(OSError):  # another request has made it meanwhile
            return path.read_bytes()
        data = make()
        with suppress(OSError):
            remove_others(folder, version)
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as partial:
                partial.write_bytes(data)
        return data


def remove_others(folder: Path, version: str) -> None:
    """Remove what a folder keeps of other versions."""
    for other in folder.glob("*"):
        if other.is_dir() and other.name != version:
            shutil.rmtree(other, ignore_errors=True)
