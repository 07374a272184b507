"""Archives and WebDataset shards: listed without unpacking, none of them trusted, nothing written."""

import gzip
import io
import json
import os
import tarfile
import tracemalloc
import zipfile

import pytest
from corpus import packed
from test_folders import classes_by_name, png, splits_by_name, write

from kernelviz.errors import UserError
from kernelviz.ingest import archives, tars
from kernelviz.ingest.image_file import UnreadableImage
from kernelviz.sources.reading import read_source

TREE = [("set/train/cat/1.png", png(1)), ("set/test/dog/2.png", png(2)), ("set/readme.txt", b"x")]
KINDS = [".zip", ".tar", ".tar.gz", ".tgz"]


def tar(files, mode="w", change=lambda info: None):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            change(info)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def archive(kind, files):
    return packed(files) if kind == ".zip" else tar(files, "w" if kind == ".tar" else "w:gz")


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_of_a_folder(tmp_path, kind):
    path = tmp_path / f"set{kind}"
    path.write_bytes(archive(kind, [*TREE, ("set/__MACOSX/x.png", b""), ("set/cat/.DS_Store", b"")]))
    listing = read_source(path)
    assert classes_by_name(listing) == {"train/cat/1.png": "cat", "test/dog/2.png": "dog"}
    assert splits_by_name(listing) == {"train/cat/1.png": "train", "test/dog/2.png": "test"}
    assert list(listing.contents()) == [("train/cat/1.png", png(1)), ("test/dog/2.png", png(2))]
    assert list(listing.contents([1])) == [("test/dog/2.png", png(2))]
    assert listing.files == [None, None] and [file.name for file in listing.rejected] == ["readme.txt"]
    assert listing.stamps == read_source(path).stamps and len(set(listing.stamps)) == 2
    assert os.listdir(tmp_path) == [path.name]


def test_what_the_name_does_not_say_the_bytes_do(tmp_path):
    write(tmp_path, "a.dat", data=packed([("1.png", png())]))
    write(tmp_path, "b", data=tar([("1.png", png())]))
    assert read_source(tmp_path / "a.dat").names == read_source(tmp_path / "b").names == ["1.png"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_flat_archive_and_one_of_a_split(tmp_path, kind):
    write(tmp_path, f"flat{kind}", data=archive(kind, [("pictures/1.png", png()), ("pictures/2.png", png())]))
    assert read_source(tmp_path / f"flat{kind}").names == ["1.png", "2.png"]
    write(tmp_path, f"part{kind}", data=archive(kind, [("train/a/1.png", png())]))
    assert splits_by_name(read_source(tmp_path / f"part{kind}")) == {"train/a/1.png": "train"}


def test_empty_folders_of_an_archive_are_told(tmp_path):
    write(tmp_path, "a.zip", data=packed([("cat/1.png", png()), ("dog/1.png", png()), ("bird/", b"")]))
    listing = read_source(tmp_path / "a.zip")
    assert listing.classes == ("cat", "dog") and listing.notes == ["1 class folder is empty: bird"]


@pytest.mark.parametrize("kind", KINDS)
def test_names_that_lead_elsewhere_are_only_names(tmp_path, kind):
    names = ["../../up.png", "/etc/abs.png", "./here.png", "a/../../b.png", "数.png"]
    write(tmp_path, f"evil{kind}", data=archive(kind, [(name, png()) for name in names]))
    assert read_source(tmp_path / f"evil{kind}").names == ["up.png", "etc/abs.png", "here.png", "a/b.png", "数.png"]


def test_names_in_other_bytes_and_of_windows(tmp_path):
    raw = tar([("caf@.png", png())]).replace(b"caf@", b"caf\xe9")
    start, rest = bytearray(raw[:512]), raw[512:]
    start[148:156] = b" " * 8
    start[148:156] = b"%06o\0 " % sum(start)
    write(tmp_path, "a.tar", data=bytes(start) + rest)
    assert read_source(tmp_path / "a.tar").names == [r"caf\xe9.png"]
    write(tmp_path, "b.zip", data=packed([(r"cat\1.png", png()), (r"dog\1.png", png())]))
    assert read_source(tmp_path / "b.zip").classes == ("cat", "dog")


def test_links_and_devices_of_a_tar_are_skipped(tmp_path):
    def change(info):
        kinds = {"link.png": tarfile.SYMTYPE, "hard.png": tarfile.LNKTYPE, "null.png": tarfile.CHRTYPE}
        info.type = kinds.get(info.name, tarfile.REGTYPE)
        info.linkname = "/etc/passwd"

    files = [("a.png", png()), ("link.png", b""), ("hard.png", b""), ("null.png", b"")]
    write(tmp_path, "a.tar", data=tar(files, change=change))
    listing = read_source(tmp_path / "a.tar")
    assert listing.names == ["a.png"] and len({file.reason for file in listing.rejected}) == 1
    assert [file.name for file in listing.rejected] == ["link.png", "hard.png", "null.png"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.66])
def test_an_archive_cut_short(tmp_path, kind, share):
    data = archive(kind, [(f"{at}.png", os.urandom(3000)) for at in range(9)])
    write(tmp_path, f"cut{kind}", data=data[: int(len(data) * share)])
    with pytest.raises(UserError, match="damaged"):
        read_source(tmp_path / f"cut{kind}")


def test_a_tar_damaged_in_the_middle(tmp_path):
    data = bytearray(tar([("a.png", png()), ("b.png", png())]))
    data[1024:1030] = b"wrong!"
    write(tmp_path, "a.tar", data=bytes(data))
    write(tmp_path, "b.tar", data=b"no archive at all" * 100)
    for name in ("a.tar", "b.tar"):
        with pytest.raises(UserError, match="damaged"):
            read_source(tmp_path / name)


def test_bombs(tmp_path, monkeypatch):
    write(tmp_path, "a.zip", data=packed([("bomb.png", bytes(19_000_000)), ("ok.png", png())]))
    bomb, ok = (content for _, content in read_source(tmp_path / "a.zip").contents())
    assert isinstance(bomb, UnreadableImage) and ok == png()
    write(tmp_path, "b.tar.gz", data=tar([("large.png", bytes(21_000_000)), ("ok.png", png())], "w:gz"))
    large, ok = (content for _, content in read_source(tmp_path / "b.tar.gz").contents())
    assert "allowed are 20 MB" in str(large) and ok == png()
    monkeypatch.setattr(archives, "MAX_UNPACKED", 1_000_000)
    monkeypatch.setattr(tars, "MAX_UNPACKED", 1_000_000)
    for name in ("a.zip", "b.tar.gz"):
        with pytest.raises(UserError, match="unpacks to more than"):
            read_source(tmp_path / name)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("size", [1 << 32, 1 << 19, -512])
def test_a_header_that_asks_for_memory(kind, size, tmp_path):
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    write(tmp_path, "a.tgz", data=gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_000)))
    with pytest.raises(UserError, match="header that is too large" if size > 0 else "too large|damaged"):
        read_source(tmp_path / "a.tgz")


def sparse_of_gnu(blocks):
    info = tarfile.TarInfo("x")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[482] = 1  # more blocks say where it has data
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    more = 21 * (b"%011o\0" % 1 * 2) + b"\1" + bytes(7)
    return bytes(header) + blocks * more


def sparse_of_pax(blocks):
    info = tarfile.TarInfo("x")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x"}
    return info.tobuf(tarfile.PAX_FORMAT) + b"999999999\n" + blocks * 256 * b"1\n"


@pytest.mark.parametrize("made", [sparse_of_gnu, sparse_of_pax])
def test_a_sparse_file_with_data_at_very_many_places(made, tmp_path):
    write(tmp_path, "a.tgz", data=gzip.compress(made(20_000)))
    tracemalloc.start()
    with pytest.raises(UserError, match="header that is too large"):
        read_source(tmp_path / "a.tgz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


def test_many_empty_files_are_no_large_header(tmp_path):
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        for at in range(600):
            archive.addfile(tarfile.TarInfo(f"folder {at}/empty"))
        info = tarfile.TarInfo("a.png")
        info.size = len(png())
        archive.addfile(info, io.BytesIO(png()))
    assert tars.list_tar(tmp_path / "a.tgz")[-1].name == "a.png"


def test_headers_that_follow_each_other_without_end(tmp_path):
    info = tarfile.TarInfo("x")
    info.type = tarfile.GNUTYPE_LONGNAME
    write(tmp_path, "a.tgz", data=gzip.compress(5000 * info.tobuf() + bytes(10_000)))
    with pytest.raises(UserError, match="damaged or cut short"):
        read_source(tmp_path / "a.tgz")


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    write(tmp_path, "a.zip", data=packed([(f"{at}.png", png()) for at in range(4)]))
    with pytest.raises(UserError, match="4 files, allowed are 3"):
        read_source(tmp_path / "a.zip")


def test_a_small_tar_of_very_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(tars, "MAX_MEMBERS", 100)
    with tarfile.open(tmp_path / "many.tar.gz", "w:gz") as archive:
        for _ in range(1000):
            archive.addfile(tarfile.TarInfo(".hidden"))
    with pytest.raises(UserError, match="the archive lists too many files"):
        read_source(tmp_path / "many.tar.gz")


def test_locked_files_are_told(tmp_path):
    data = bytearray(packed([("a.png", png())], zipfile.ZIP_STORED))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    write(tmp_path, "a.zip", data=bytes(data))
    ((_, content),) = read_source(tmp_path / "a.zip").contents()
    assert "password" in str(content)


def shard(keys, **kinds):
    files = []
    for at, key in enumerate(keys):
        files.append((f"{key}.jpg", png(at)))
        files += [(f"{key}.{ending}", data(key)) for ending, data in kinds.items()]
    return tar(files)


def test_a_shard_with_numbers_of_classes(tmp_path):
    write(tmp_path, "a.tar", data=shard(["x1", "x2", "x10"], cls=lambda key: key[1:].encode()))
    listing = read_source(tmp_path / "a.tar")
    assert listing.names == ["x1.jpg", "x2.jpg", "x10.jpg"] and listing.classes == ("1", "2", "10")
    assert not listing.rejected and list(listing.contents([2])) == [("x10.jpg", png(2))]


def test_a_folder_of_shards_with_json_and_texts(tmp_path):
    def told(key):
        return json.dumps({"label": key[0], "size": len(key), "boxes": [1], "more": {"a": 1}}).encode()

    for name, keys in {"set-train-0.tar": ["a1", "b1"], "set-train-1.tar": ["a2"], "set-val-0.tar": ["b1"]}.items():
        write(tmp_path, name, data=shard(keys, json=told, txt=lambda key: f"a picture of {key}".encode()))
    write(tmp_path, "README.md", data=b"x")
    listing = read_source(tmp_path)
    assert listing.names[-2:] == ["set-train-1.tar/a2.jpg", "set-val-0.tar/b1.jpg"]
    assert list(classes_by_name(listing).values()) == ["a", "b", "a", "b"]
    assert list(splits_by_name(listing).values()) == ["train", "train", "train", "validation"]
    assert list(listing.table) == ["size", "text"] and listing.table["text"][3] == "a picture of b1"
    assert [content for _, content in listing.contents([1, 3])] == [png(1), png(0)]
    assert read_source(tmp_path, "size").classes == ("2",)


def test_what_is_wrong_beside_a_picture_is_told(tmp_path):
    broken = iter([b"{", b"[" * 100_000, b"[1]", b'{"label": "a"}'])
    write(tmp_path, "a.tar", data=shard(["1", "2", "3", "4"], json=lambda key: next(broken)))
    listing = read_source(tmp_path / "a.tar")
    assert listing.labels.tolist() == [-1, -1, -1, 0]
    assert listing.notes == ["3 files beside pictures cannot be read: 1.json, 2.json, 3.json"]


def test_a_table_in_an_archive(tmp_path):
    files = [("a.png", png()), ("b.png", png()), ("metadata.csv", b"file_name,label,age\na.png,x,3\nb.png,y,4\n")]
    write(tmp_path, "a.zip", data=packed(files))
    listing = read_source(tmp_path / "a.zip")
    assert listing.classes == ("x", "y") and listing.table["age"].tolist() == [3, 4] and not listing.rejected


def test_an_archive_that_is_gone_or_another_one(tmp_path):
    for kind in (".zip", ".tgz"):
        path = write(tmp_path, f"test{kind}", data=archive(kind, [("a.png", png())])) / f"test{kind}"
        listing = read_source(path)
        assert (listing.splits == -1).all()  # the name of the whole source says nothing
        path.unlink()
        with pytest.raises(UserError, match="has changed"):
            list(listing.contents())


def test_a_file_without_a_name(tmp_path):
    data = packed([("?x.png", png()), ("a.png", png())]).replace(b"?x.png", b"\0x.png")
    assert read_source(write(tmp_path, "a.zip", data=data) / "a.zip").names == ["_", "a.png"]
    assert [name for name, _ in archives.members(io.BytesIO(data))] == ["", "a.png"]
