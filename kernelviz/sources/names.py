"""What names say: of a split, of a file that is no picture."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePath, PurePosixPath

from kernelviz.errors import UserError
from kernelviz.ingest.image_file import FORMATS
from kernelviz.sources.listing import SPLITS
from kernelviz.text import shown

MAX_ITEMS = 5_000_000
WORDS = {  # what people call the splits
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
SPLIT_OF = {word: SPLITS.index(split) for split, words in WORDS.items() for word in words}
IN_A_FILE = re.compile(rf"(?:^|[^a-z])({'|'.join(SPLIT_OF)})(?:[^a-z]|$)")
NO_PICTURES = re.compile(
    r"\.(txt|md|rst|pdf|docx?|rtf|html?|log|tex|bib|pptx?|xlsx?|ods|odt"  # texts
    r"|csv|tsv|jsonl?|ndjson|xml|ya?ml|toml|ini|cfg|parquet|arrow|feather|h5|hdf5|db|lock"  # tables
    r"|py|ipynb|js|ts|c|cpp|h|hpp|java|rs|go|sh|bat|m|r|jl|css|exe|dll|so"  # programs
    r"|mp4|avi|mov|mkv|webm|mpe?g|wmv|mp3|wav|flac|ogg|m4a|srt"  # films and sounds
    r"|npy|npz|mat|pkl|pickle|pt|pth|onnx|safetensors|ckpt|bin|cls)"  # arrays and weights
)
ARCHIVES = re.compile(r"\.(zip|tar|tgz|gz|7z|rar|bz2|xz|zst)")


def split_of(word: str) -> int:
    """The number of the split that a word names, in upper or lower case; -1 where it names none."""
    return SPLIT_OF.get(word.strip().lower(), -1)


def split_of_file(path: PurePath) -> int:
    """The number of the split in the name of a file, as in train-00000-of-00002.parquet, or else of its folder.

    The path is the one in the source: a folder above the source says nothing.
    """
    found = IN_A_FILE.search(path.stem.lower())
    return SPLIT_OF[found[1]] if found else split_of(path.parent.name)


def why_no_picture(name: str) -> str:
    """Why a file is no picture, as far as its ending says; empty where its content is to decide."""
    ending = PurePosixPath(name).suffix.lower()
    if ARCHIVES.fullmatch(ending):
        return f"{ending} archives in a source are not opened; unpack them, or give one by itself"
    if NO_PICTURES.fullmatch(ending):
        return f"{ending} files are no pictures; pictures are {', '.join(FORMATS)}"
    return ""


def some_of(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are: "a, b and 7 more"."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def counted(n: int, one: str, many: str) -> str:
    """ "1 picture", "2,000 pictures"."""
    return f"1 {one}" if n == 1 else f"{n:,} {many}"


def check_count(n: int, source: object) -> None:
    """Raise a UserError for more than MAX_ITEMS."""
    if n > MAX_ITEMS:
        raise UserError(f"{source} has {n:,} items, allowed are {MAX_ITEMS:,}; give a part of them")


def stamp(path: Path, size: int, changed: int) -> str:
    """A text that changes with a file: its path, its size in bytes, and its time in nanoseconds."""
    return f"{shown(str(path))}:{size}:{changed}"


def stamp_of(path: Path) -> str:
    """The stamp of a file that is there."""
    status = path.stat()
    return stamp(path, status.st_size, status.st_mtime_ns)
