"""Ratings: GroupLens' formats and tables are read alike, split by the seed alone, and bad ones are rejected."""

import functools
import hashlib
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest

from kernelviz.data import movielens
from kernelviz.data.ratings import PARTS, from_table, load_ratings

ROWS = [(7, 30, 4.0), (5, 10, 3.0), (7, 10, 1.5), (5, 20, 5.0)]
TABLE = pd.DataFrame(ROWS, columns=["user", "item", "rating"])


def triples(ratings):
    """Every rating as the file names it."""
    return {
        (int(ratings.users[u]), int(ratings.items[i]), float(value))
        for u, i, value in zip(ratings.user, ratings.item, ratings.value, strict=True)
    }


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data folder."""
    monkeypatch.setenv("KERNELVIZ_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="latin-1")
    return path


@pytest.mark.parametrize("header", ["", "userId,movieId,rating,timestamp\n", "User_ID,item,Rating,when\n"], ids=repr)
def test_a_csv_is_read_with_or_without_a_line_of_names(tmp_path, header):
    lines = "".join(f"{user},{item},{rating},99\n" for user, item, rating in ROWS)
    assert triples(load_ratings(str(put(tmp_path / "mine.csv", header + lines)))) == set(ROWS)


def test_columns_are_found_by_name_in_any_order(tmp_path):
    TABLE[["rating", "item", "user"]].to_csv(tmp_path / "mine.tsv", sep="\t", index=False)
    TABLE[["item", "user", "rating"]].to_parquet(tmp_path / "mine.parquet")
    for name in ("mine.tsv", "mine.parquet"):
        assert triples(load_ratings(str(tmp_path / name))) == set(ROWS)


def test_grouplens_formats_are_read(data):
    put(data / "ml-100k" / "u.data", "".join(f"{u}\t{i}\t{r:g}\t88\n" for u, i, r in ROWS))
    put(data / "ml-1m" / "ratings.dat", "".join(f"{u}::{i}::{r:g}::88\n" for u, i, r in ROWS))
    for name in ("ml-100k", "ml-1m"):
        ratings = load_ratings(name)
        assert triples(ratings) == set(ROWS)
        assert ratings.range == (1.5, 5.0)


def test_the_matrix_is_items_by_users():
    ratings = from_table("t", TABLE)
    wanted = [[3.0, 1.5], [5.0, 0.0], [0.0, 4.0]]  # items 10, 20, 30; users 5, 7
    assert ratings.matrix(np.ones(4, bool)).toarray().tolist() == wanted
    assert ratings.matrix(ratings.value > 3.5).nnz == 2


def test_a_split_covers_everything_once_and_depends_on_the_seed_alone():
    n = 1000
    table = pd.DataFrame({"user": np.arange(n) % 40, "item": np.arange(n) // 40, "rating": 3.0})
    ratings = from_table("t", table)
    parts = ratings.split(3, validation=0.25, test=0.2)
    assert [int(parts[name].sum()) for name in PARTS] == [600, 200, 200]
    assert (sum(parts[name].astype(int) for name in PARTS) == 1).all()
    again, other = ratings.split(3, 0.25, 0.2), ratings.split(4, 0.25, 0.2)
    assert all((parts[name] == again[name]).all() for name in PARTS)
    assert (parts["test"] != other["test"]).any()
    assert (parts["test"] == ratings.split(3, 0.0, 0.2)["test"]).all()  # the validation part does not matter


def test_a_movielens_set_has_the_share_of_the_paper_for_its_test(data):
    put(data / "ml-100k" / "u.data", "".join(f"{n % 9}\t{n // 9}\t3\t88\n" for n in range(100)))
    assert load_ratings("ml-100k").split(0, 0.0)["test"].sum() == 20


def test_an_official_split_stays_as_it_is(tmp_path):
    train = put(tmp_path / "u1.base", "1\t1\t5\t0\n2\t1\t3\t0\n2\t3\t1\t0\n")
    test = put(tmp_path / "u1.test", "1\t3\t4\t0\n")
    ratings = load_ratings(str(train))
    parts = ratings.split(0, validation=1 / 3)
    assert ratings.value[parts["test"]].tolist() == [4.0]
    assert [int(parts[name].sum()) for name in PARTS] == [2, 1, 1]
    put(test, "1\t1\t4\t0\n")
    with pytest.raises(ValueError, match="1 pairs of user and item are given twice in u1.base and u1.test"):
        load_ratings(str(train))
    test.unlink()
    assert load_ratings(str(train)).tested is None


def test_the_last_of_several_ratings_of_a_pair_counts():
    table = pd.concat([TABLE, TABLE.assign(rating=2.0)])
    assert from_table("t", table).value.tolist() == [2.0] * 4


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("", "no table"),
        ("user,item,rating\n", "has no ratings"),
        ("a,b\n1,2\n", "has 2 column"),
        ("user,item,rating\n1,2,good\n", "the rating in row 1 is 'good'"),
        ("user,item,rating\n1,2,3\n1,3,inf\n", "the rating in row 2 is"),
        ("user,item,rating\n1,2,3\n,3,2\n", "in row 2 the user or the item is missing"),
        ("user,item,rating\n1,2,3\n1,3,3\n", "has 1 user"),
        ("user,item,rating\n1,2,3\n2,2,3\n", "1 item"),
    ],
)
def test_a_bad_table_is_refused_with_what_is_wrong(tmp_path, text, wanted):
    with pytest.raises(ValueError, match=wanted):
        load_ratings(str(put(tmp_path / "mine.csv", text)))


def test_what_is_no_table_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no ratings 'nothing'; give one of ml-100k"):
        load_ratings("nothing")
    with pytest.raises(ValueError, match=r"ending '.xlsx'"):
        load_ratings(str(put(tmp_path / "mine.xlsx", "x")))
    with pytest.raises(ValueError, match="no Parquet file"):
        load_ratings(str(put(tmp_path / "mine.parquet", "x")))


def test_titles_come_with_year_and_genres(data):
    flags = "|".join("1" if genre in ("Comedy", "Drama") else "0" for genre in movielens.GENRES)
    put(data / "ml-100k" / "u.item", f"12|Usual Suspects, The (1995)|14-Aug-1995||http://x|{flags}\n")
    put(data / "ml-1m" / "movies.dat", "3::Misérables, Les (1995)::Drama|Musical\n4::Nameless::\n")
    assert movielens.titles("ml-100k").loc[12].tolist() == ["The Usual Suspects", 1995, "Comedy|Drama"]
    assert movielens.titles("ml-1m").to_dict("index") == {
        3: {"title": "Misérables, Les", "year": 1995, "genres": "Drama|Musical"},
        4: {"title": "Nameless", "year": 0, "genres": ""},
    }
    assert len(movielens.titles("ml-10m")) == len(movielens.titles("mine")) == 0


def test_titles_of_ones_own_items(tmp_path):
    rated = "userId,movieId,rating,title\n1,7,3,The  Birds\n2,7,4,other\n2,9,1,\n"
    ratings = load_ratings(str(put(tmp_path / "mine.csv", rated)))
    assert ratings.items.tolist() == [7, 9] and ratings.titles.tolist() == ["The Birds", ""]
    films = put(tmp_path / "films.csv", f"movieId,title,genres\n9,{'x' * 300},Drama\n8,Other,Drama\n")
    titled = load_ratings(str(tmp_path / "mine.csv"), titles=str(films))
    assert titled.titles.tolist() == ["", "x" * 200]
    assert load_ratings(str(put(tmp_path / "plain.csv", "1,2,3\n2,3,4\n"))).titles is None


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("a,b\n1,2\n", "has the columns a, b; it needs item and title"),
        ("item,title\n5,Five\n", "has a title for none of the 2 items"),
    ],
)
def test_a_bad_file_of_titles_is_refused(tmp_path, text, wanted):
    mine = str(put(tmp_path / "mine.csv", "user,item,rating\n1,7,3\n2,9,1\n"))
    with pytest.raises(ValueError, match=wanted):
        load_ratings(mine, titles=str(put(tmp_path / "titles.csv", text)))
    with pytest.raises(FileNotFoundError, match="no titles 'nowhere.csv'"):
        load_ratings(mine, titles="nowhere.csv")


@pytest.fixture
def archive(monkeypatch, tmp_path):
    """A server on this machine in place of GroupLens', with a small ml-100k.zip; gives the MD5 of that."""
    site = tmp_path / "site"
    site.mkdir()
    with zipfile.ZipFile(site / "ml-100k.zip", "w") as packed:
        packed.writestr("ml-100k/u.data", "1\t1\t5\t0\n2\t2\t3\t0\n")
    handler = functools.partial(QuietHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(movielens, "SITE", f"http://127.0.0.1:{server.server_port}")
        yield hashlib.md5((site / "ml-100k.zip").read_bytes()).hexdigest()
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_a_set_is_downloaded_once(data, archive, monkeypatch):
    told = []
    monkeypatch.setitem(
        movielens.SETS, "ml-100k", movielens.MovieLens("u.data", "u.item", "\t", 0.2, archive, "ml-100k")
    )
    assert len(load_ratings("ml-100k", lambda share, note: told.append(share)).value) == 2
    assert told[-1] == 1.0
    assert [path.name for path in data.iterdir()] == ["ml-100k"]
    monkeypatch.setattr(movielens, "_download", None)
    assert len(load_ratings("ml-100k").value) == 2


def test_another_archive_than_the_published_one_is_not_used(data, archive):
    with pytest.raises(FileNotFoundError, match=r"does not match the known hash.* unpack GroupLens' ml-100k.zip"):
        load_ratings("ml-100k")
    assert not any(data.iterdir())
