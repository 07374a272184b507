"""The MovieLens sets in GroupLens' own formats: the paths of their files, their download, their titles."""

import hashlib
import shutil
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kernelviz.disk import data_folder
from kernelviz.errors import NotFound

SITE = "https://files.grouplens.org/datasets/movielens"
CHUNK = 1 << 20
GENRES = (  # of the 0/1 columns of ml-100k's u.item, in their order
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)


@dataclass(frozen=True)
class MovieLens:
    """What is known of a set before it is read.

    Args:
        ratings, titles: names of its two files.
        separator: the text between the columns of the ratings.
        test: share of the ratings that is the test part, as in the paper.
        md5: MD5 of the archive `<name>.zip`, as GroupLens publishes it.
        inside: the folder in the archive.
    """

    ratings: str
    titles: str
    separator: str
    test: float
    md5: str
    inside: str


SETS = {
    "ml-100k": MovieLens("u.data", "u.item", "\t", 0.2, "0e33842e24a9c977be4e0107933c0723", "ml-100k"),
    "ml-1m": MovieLens("ratings.dat", "movies.dat", "::", 0.1, "c4d9eecfca2ab87c1945afe126590906", "ml-1m"),
    "ml-10m": MovieLens("ratings.dat", "movies.dat", "::", 0.1, "ce571fd55effeba0271552578f2648bd", "ml-10M100K"),
}


def is_local(name: str) -> bool:
    """Whether the ratings of a set are on this machine."""
    return (data_folder() / name / SETS[name].ratings).is_file()


def fetch(name: str, progress: Callable[[float, str], None] | None = None) -> Path:
    """The folder of a set, downloaded unless it is there; NotFound says how to get it by hand."""
    folder = data_folder() / name
    if not is_local(name):
        try:
            data_folder().mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=data_folder(), prefix=f".{name}-") as scratch:
                _download(name, Path(scratch), progress)
                shutil.rmtree(folder, ignore_errors=True)  # a folder without the ratings is of no use
                (Path(scratch) / SETS[name].inside).rename(folder)
        except (OSError, zipfile.BadZipFile) as error:
            raise NotFound(
                f"the ratings of {name!r} are not on this machine and cannot be downloaded ({error}); unpack "
                f"GroupLens' {name}.zip so that {folder / SETS[name].ratings} is there, or connect to the internet and "
                "run again"
            ) from None
    return folder


def _download(name: str, scratch: Path, progress: Callable[[float, str], None] | None) -> None:
    """Fetch the archive and unpack it in a folder; raises an OSError where it is not what GroupLens published."""
    digest, archive = hashlib.md5(usedforsecurity=False), scratch / "archive.zip"
    with urllib.request.urlopen(f"{SITE}/{name}.zip", timeout=30) as answer, archive.open("wb") as file:
        size, got = int(answer.headers.get("Content-Length") or 0), 0
        while part := answer.read(CHUNK):
            file.write(part)
            digest.update(part)
            got += len(part)
            if progress and size:
                progress(got / size, f"downloading {name}: {got / size:.0%} of {size / 1e6:.0f} MB")
    if digest.hexdigest() != SETS[name].md5:
        raise OSError(f"its MD5 is {digest.hexdigest()} in place of {SETS[name].md5}")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(scratch)


def titles(name: str) -> pd.DataFrame:
    """The columns title, year (0: none given) and genres (joined by |), by the number of the movie.

    The table has no rows where the file is not on this machine.
    """
    path = data_folder() / name / SETS[name].titles if name in SETS else None
    if not path or not path.is_file():
        return pd.DataFrame({"title": [], "year": [], "genres": []}, dtype=object)
    lines = path.read_text(encoding="utf-8" if name == "ml-10m" else "latin-1").splitlines()
    read = _of_flags if name == "ml-100k" else _of_names
    rows = [read(line) for line in lines if line.strip()]
    table = pd.DataFrame(rows, columns=["item", "title", "genres"]).set_index("item")
    years = table["title"].str.extract(r"\((\d{4})\)\s*$", expand=False)
    table.insert(1, "year", pd.to_numeric(years).fillna(0).astype(int))
    table["title"] = table["title"].str.replace(r"\s*\(\d{4}\)\s*$", "", regex=True).map(_in_order)
    return table


def _of_names(line: str) -> tuple[int, str, str]:
    number, title, genres = line.split("::")
    return int(number), title, genres


def _of_flags(line: str) -> tuple[int, str, str]:
    number, title, *_, flags = line.split("|", 5)
    chosen = [genre for genre, flag in zip(GENRES, flags.split("|"), strict=True) if flag == "1"]
    return int(number), title, "|".join(chosen)


def _in_order(title: str) -> str:
    """ "Matrix, The" -> "The Matrix"."""
    start, comma, article = title.rpartition(", ")
    return f"{article} {start}" if comma and article in ("The", "A", "An") else title
