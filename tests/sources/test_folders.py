"""Folders as people have them: any depth, splits, links that loop, names in any bytes, files of every kind."""

import os
from pathlib import Path

import numpy as np
import pytest
from corpus import encoded
from PIL import Image

from kernelviz.errors import NotFound, UserError
from kernelviz.ingest import walk
from kernelviz.ingest.files import Picture, ingest
from kernelviz.ingest.preprocessing import Preprocess
from kernelviz.sources.listing import SPLITS
from kernelviz.sources.reading import read_source


def png(value=100):
    return encoded(Image.fromarray(np.full((4, 4), value, np.uint8)))


def write(folder: Path, *names: str, data=None) -> Path:
    for at, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png(at) if data is None else data)
    return folder


def classes_by_name(listing):
    return {
        name: listing.classes[label] if label >= 0 else None
        for name, label in zip(listing.names, listing.labels, strict=True)
    }


def splits_by_name(listing):
    return {name: SPLITS[at] if at >= 0 else None for name, at in zip(listing.names, listing.splits, strict=True)}


def test_class_folders_of_any_depth(tmp_path):
    source = write(tmp_path, "cat/a.png", "cat/deep/er/b.png", "dog/c.png")
    listing = read_source(source)
    assert classes_by_name(listing) == {"cat/a.png": "cat", "cat/deep/er/b.png": "cat", "dog/c.png": "dog"}
    assert listing.name == tmp_path.name and listing.files[0] == tmp_path / "cat/a.png"
    assert (listing.splits == -1).all() and listing.has_pictures and listing.vectors is None
    assert list(listing.contents([1])) == [("cat/deep/er/b.png", png(1))]


def test_a_deeper_level_is_the_class(tmp_path):
    source = write(tmp_path, "2019/cat/a.png", "2020/cat/b.png", "2020/dog/c.png", "loose.png")
    listing = read_source(source, "path:2")
    assert listing.classes == ("cat", "dog") and classes_by_name(listing)["loose.png"] is None
    assert read_source(source, "path:1").classes == read_source(source).classes == ("2019", "2020")
    with pytest.raises(UserError, match="path:3"):
        read_source(source, "path:3")


def test_a_flat_folder_has_no_labels(tmp_path):
    listing = read_source(write(tmp_path, "b.png", "a.png"))
    assert listing.names == ["a.png", "b.png"] and listing.classes == () and listing.labels.tolist() == [-1, -1]
    with pytest.raises(UserError, match="no column 'Dx'"):
        read_source(tmp_path, "Dx")


@pytest.mark.parametrize("folders", [["train"], ["Train", "VALID", "test"], ["training", "val", "validation"]])
def test_folders_of_splits(tmp_path, folders):
    listing = read_source(write(tmp_path, *(f"{folder}/{kind}/1.png" for folder in folders for kind in "ab")))
    assert listing.classes == ("a", "b")
    said = {name.split("/")[0]: split for name, split in splits_by_name(listing).items()}
    right = {"train": "train", "Train": "train", "training": "train", "test": "test"}
    assert said == {folder: right.get(folder, "validation") for folder in folders}


def test_flat_pictures_and_classes_in_splits(tmp_path):
    listing = read_source(write(tmp_path, "train/cat/1.png", "train/dog/2.png", "test/3.png"))
    assert classes_by_name(listing)["test/3.png"] is None and listing.classes == ("cat", "dog")
    assert splits_by_name(listing)["test/3.png"] == "test"
    assert read_source(tmp_path, "path:1").classes == ("cat", "dog")


def test_train_beside_another_folder_is_a_class(tmp_path):
    listing = read_source(write(tmp_path, "train/1.png", "boat/2.png"))
    assert listing.classes == ("boat", "train") and (listing.splits == -1).all()


def test_classes_that_are_numbers_are_in_their_order(tmp_path):
    assert read_source(write(tmp_path, "10/a.png", "9/a.png", "-1/a.png")).classes == ("-1", "9", "10")
    assert read_source(write(tmp_path, "nan/a.png")).classes == ("-1", "10", "9", "nan")


def test_empty_class_folders_are_told(tmp_path):
    write(tmp_path, "train/cat/1.png", "test/dog/1.png")
    for name in ("train/bird", "train/fish", "test/cat"):
        (tmp_path / name).mkdir()
    listing = read_source(tmp_path)
    assert listing.classes == ("cat", "dog") and listing.notes == ["2 class folders are empty: bird, fish"]


def test_what_is_no_picture_is_left_out(tmp_path):
    junk = (".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX/a.png", ".git/b.png", "cat/.hidden.png")
    write(tmp_path, "cat/a.png", "cat/b", "cat/c.heic", *junk)
    write(tmp_path, "notes.txt", "cat/more.TXT", "run.py", "film.mp4", "old.zip", data=b"x")
    listing = read_source(tmp_path)
    assert listing.names == ["cat/a.png", "cat/b", "cat/c.heic"]
    reasons = {file.name: file.reason for file in listing.rejected}
    assert set(reasons) == {"notes.txt", "cat/more.TXT", "run.py", "film.mp4", "old.zip"}
    assert reasons["notes.txt"] == reasons["cat/more.TXT"] and "unpack" in reasons["old.zip"]


def test_links_are_followed_and_loops_are_not(tmp_path):
    source, other = tmp_path / "source", tmp_path / "other"
    write(source, "cat/a.png")
    write(other, "b.png")
    (source / "dog").symlink_to(other)
    (other / "back").symlink_to(source)
    (source / "cat/up").symlink_to("..")
    (source / "cat/nowhere.png").symlink_to("absent")
    (source / "cat/linked.png").symlink_to("a.png")
    listing = read_source(source)
    assert listing.names == ["cat/a.png", "cat/linked.png", "dog/b.png"]
    assert "a symlink loops: cat/up -> ..; it is not followed" in listing.notes
    assert any("dog/back" in note for note in listing.notes)
    assert [file.name for file in listing.rejected] == ["cat/nowhere.png"]


def test_links_to_folders_full_of_links_end(tmp_path, monkeypatch):
    monkeypatch.setattr(walk, "MAX_ENTRIES", 1000)
    for at in range(12):
        (tmp_path / f"{at}").mkdir()
        for link in "abc":
            (tmp_path / f"{at}" / link).symlink_to(tmp_path / f"{at + 1}")
    with pytest.raises(UserError, match="more than 1,000 files"):
        read_source(tmp_path)


def test_names_that_are_no_text(tmp_path):
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)
    with open(folder + b"/\xff.png", "wb") as file:
        file.write(png())
    listing = read_source(write(tmp_path, "ok/三.png"))
    assert listing.names == [r"caf\xe9/\xff.png", "ok/三.png"] and listing.classes == (r"caf\xe9", "ok")
    assert [content for _, content in listing.contents()] == [png(), png(0)]
    "".join([*listing.names, *listing.stamps, *listing.classes]).encode()


def test_a_pipe_is_not_read_and_a_locked_folder_is_told(tmp_path):
    write(tmp_path, "a.png", "locked/b.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "locked").chmod(0)
    listing = read_source(tmp_path)
    (tmp_path / "locked").chmod(0o700)
    assert "pipe.png" in [file.name for file in listing.rejected]
    assert os.geteuid() == 0 or "locked" in [file.name for file in listing.rejected]


def test_stamps_change_with_the_file(tmp_path):
    write(tmp_path, "a.png", "b.png")
    before = read_source(tmp_path).stamps
    assert before == read_source(tmp_path).stamps and len(set(before)) == 2
    os.utime(tmp_path / "a.png", ns=(1, 1))
    after = read_source(tmp_path).stamps
    assert before[0] != after[0] and before[1] == after[1]


def test_few_same_and_many(tmp_path):
    assert len(read_source(write(tmp_path / "one", "cat/a.png"))) == 1
    same = read_source(write(tmp_path / "same", *(f"{at:03}.png" for at in range(200)), data=png()))
    assert len(same) == 200 and len(set(same.stamps)) == 200
    many = read_source(write(tmp_path / "many", *(f"{at}/a.png" for at in range(1200)), data=b"x"))
    assert len(many.classes) == 1200 and many.classes[:3] == ("0", "1", "2") and many.labels.max() == 1199


def test_rows_of_a_listing_still_read(tmp_path):
    listing = read_source(write(tmp_path, "a.png", "b.png", "c.png")).where(np.array([0, 2]))
    assert list(listing.contents()) == [("a.png", png(0)), ("c.png", png(2))]


def test_what_is_read_is_ingested_and_a_file_that_is_gone_is_told(tmp_path):
    listing = read_source(write(tmp_path, "a.png", "b.png"))
    (tmp_path / "a.png").unlink()
    gone, there = ingest(listing.contents(), Preprocess("resize", 4, 4, 1))
    assert "no such file" in gone.reason and isinstance(there, Picture)


@pytest.mark.parametrize("name", ["absent", "no\0name", "x" * 5000])
def test_what_is_not_there(tmp_path, name):
    with pytest.raises((NotFound, UserError)):
        read_source(tmp_path / name)


def test_what_is_no_source(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds nothing that can be read; allowed are"):
        read_source(tmp_path / "empty")
    write(tmp_path, "texts/a.txt", "a.png", "b.docx", "plain")
    with pytest.raises(UserError, match="1 file is left out: .txt files are no pictures"):
        read_source(tmp_path / "texts")
    for name in ("a.png", "b.docx", "plain"):
        with pytest.raises(UserError, match="no source; allowed are"):
            read_source(tmp_path / name)


def test_a_relative_source_has_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(write(tmp_path, "a.png"))
    assert read_source(".").name == tmp_path.name


@pytest.mark.parametrize("ending", [".zip", ".tar", ".csv", ".npz", ".parquet", ".txt"])
def test_an_error_can_be_printed_whatever_the_name(tmp_path, ending):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff" + ending.encode()))
    path.write_bytes(b"nothing")
    with pytest.raises(UserError) as raised:
        read_source(path)
    str(raised.value).encode()
