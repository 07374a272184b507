"""The MovieLens sets in GroupLens' own formats: the paths of their files, their download, their titles."""

import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kernelviz.disk import data_folder, scratch
from kernelviz.errors import NotFound

SITE = "https://files.grouplens.org/datasets/movielens"
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
            with scratch(data_folder()) as beside:
                _download(name, beside, progress)
                shutil.rmtree(folder, ignore_errors=True)  # without its ratings it is of no use
                (beside / SETS[name].inside).rename(folder)
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise NotFound(
                f"the ratings of {name!r} are not on this machine and cannot be downloaded ({error}); unpack "
                f"GroupLens' {name}.zip so that {folder / SETS[name].ratings} is there, or connect to the internet and "
                "run again"
            ) from None
    return folder


def _download(name: str, scratch: Path, progress: Callable[[float, str], None] | None) -> None:
    """Fetch and unpack the archive in a folder; a ValueError where it is not the one that GroupLens published."""
    import pooch  # takes a while to import, and only a download needs it

    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(progressbar=_Bar(name, progress) if progress else False, timeout=30)
    unzip = pooch.Unzip(extract_dir=".")
    pooch.retrieve(f"{SITE}/{name}.zip", f"md5:{SETS[name].md5}", "archive.zip", scratch, unzip, downloader)


class _Bar:
    """A progress bar as pooch wants it, which tells of its progress by a function."""

    total = 0  # bytes

    def __init__(self, name: str, progress: Callable[[float, str], None]):
        self.name, self.progress, self.done = name, progress, 0

    def update(self, n: int) -> None:
        self.done = min(self.done + n, self.total)
        share = self.done / max(1, self.total)
        self.progress(share, f"downloading {self.name}: {100 * share:.0f} % of {self.total / 1e6:.0f} MB")

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        pass


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
