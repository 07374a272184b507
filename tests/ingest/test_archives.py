"""Archives are as untrusted as what is in them: each file is told or rejected by name, and nothing is written."""

import contextlib
import io
import struct
import zipfile

import numpy as np
import pytest
from corpus import packed
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kernelviz.errors import UserError
from kernelviz.ingest import archives
from kernelviz.ingest.archives import is_archive, members
from kernelviz.ingest.files import Picture, contents_of_paths, ingest
from kernelviz.ingest.image_file import UnreadableImage
from kernelviz.ingest.preprocessing import Preprocess
from kernelviz.library.importing import import_run

GREY = Preprocess("resize", 4, 4, 1)


def png(value=100):
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def told(data):
    return members(io.BytesIO(data))


def test_every_file_is_told_by_its_name_in_any_script():
    names = ["a.png", "below/b.png", "数字/三.png", "رقم.png", "é è.png"]
    found = dict(told(packed([(name, png(at)) for at, name in enumerate(names)])))
    assert list(found) == names and found["رقم.png"] == png(3)


def test_names_that_lead_elsewhere_are_only_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.zip").write_bytes(packed([("../../up.png", png()), ("/etc/abs.png", png())]))
    results = list(ingest(contents_of_paths([tmp_path / "evil.zip"]), GREY))
    assert [type(one) for one in results] == [Picture, Picture] and "up.png" in results[0].name
    assert [path.name for path in tmp_path.rglob("*")] == ["evil.zip"]


def test_folders_hidden_files_and_what_systems_add_are_left_out():
    files = [("below/", b""), (".hidden.png", png()), ("__MACOSX/._a.png", b"x"), ("below/.git/c.png", png())]
    assert [name for name, _ in told(packed([*files, ("a.png", png())]))] == ["a.png"]


def test_a_list_of_millions_of_files_is_not_read(tmp_path):
    """Without a bound, 500 MB of it would take two minutes and 3.5 GB."""
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 1) + bytes(16) + b"a"
    n = archives.MAX_LIST // len(entry) + 1
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, n % 65536, n % 65536, n * len(entry), 0, 0)
    (tmp_path / "many.zip").write_bytes(entry * n + end)
    for read in (lambda: list(told(entry * n + end)), lambda: archives.list_zip(tmp_path / "many.zip")):
        with pytest.raises(UnreadableImage, match="the archive lists too many files"):
            read()
    with pytest.raises(UserError, match="the archive lists too many files"):
        import_run(tmp_path / "many.zip")


def test_a_bomb_is_not_unpacked(monkeypatch):
    bomb = packed([("bomb.png", bytes(19_000_000))])
    large = packed([("large.png", bytes(21_000_000))])
    assert len(bomb) < 100_000
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacked"))
    ((_, said),) = told(bomb)
    assert isinstance(said, UnreadableImage) and "200 times its size" in str(said)
    ((_, said),) = told(large)
    assert "allowed are 20 MB" in str(said)


def test_a_lie_about_the_size_does_not_help(monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", 5_000)
    data = bytearray(packed([("liar.png", np.random.default_rng(0).bytes(9_000))], zipfile.ZIP_STORED))
    at = data.rindex(b"PK\x01\x02") + 20  # sizes in the directory: compressed, then unpacked
    data[at : at + 8] = struct.pack("<II", 9_000, 100)
    ((_, said),) = told(bytes(data))
    assert isinstance(said, UnreadableImage) or len(said) <= 5_001


def test_a_locked_file_is_rejected_by_name():
    data = bytearray(packed([("locked.png", png())]))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    ((name, said),) = told(bytes(data))
    assert name == "locked.png" and "password" in str(said)


def test_too_many_files_and_too_many_bytes_end_it(monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    with pytest.raises(UnreadableImage, match="has 4 files, allowed are 3"):
        list(told(packed([(f"{at}.png", png()) for at in range(4)])))
    monkeypatch.setattr(archives, "MAX_UNPACKED", 2 * len(png()))
    found = []
    with pytest.raises(UnreadableImage, match="unpacks to more than"):
        for name, _ in told(packed([(f"{at}.png", png()) for at in range(3)])):
            found.append(name)
    assert found == ["0.png", "1.png"]


@pytest.mark.parametrize(
    "data",
    [b"PK\x03\x04 torn", packed([("a.png", png())])[:60], b"PK\x05\x06" + bytes(18)],
    ids=["torn", "cut", "empty"],
)
def test_a_damaged_or_empty_archive_is_rejected_or_has_nothing(data):
    try:
        assert not list(told(data))
    except UnreadableImage as error:
        assert "archive is damaged" in str(error)


def test_an_archive_is_known_by_its_content(tmp_path):
    (tmp_path / "named.png").write_bytes(packed([("a.png", png())]))
    (tmp_path / "named.zip").write_bytes(png())
    results = list(ingest(contents_of_paths([tmp_path]), GREY))
    assert [one.name for one in results] == [f"{tmp_path / 'named.png'}: a.png", str(tmp_path / "named.zip")]
    assert all(isinstance(one, Picture) for one in results)
    assert is_archive(b"PK\x03\x04") and not is_archive(png()[:4])


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 200), st.binary(max_size=20))
def test_any_bytes_are_told_or_rejected(noise, at, patch):
    whole = packed([("a.png", png()), ("b/c.txt", b"text")])
    for data in (b"PK\x03\x04" + noise, whole[:at] + patch + whole[at + len(patch) :]):
        with contextlib.suppress(UnreadableImage):
            for _, content in told(data):
                assert isinstance(content, bytes | UnreadableImage)


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unpacks_without_a_limit_is_not_unpacked(kind, monkeypatch):
    data = packed([("a.png", png())], kind)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacked"))
    ((_, said),) = told(data)
    assert isinstance(said, UnreadableImage) and "ordinary .zip" in str(said)


def test_a_white_sheet_is_read_however_small_it_packs():
    file = io.BytesIO()
    Image.new("RGB", (1000, 1000), "white").save(file, "BMP")
    ((_, data),) = told(packed([("sheet.bmp", file.getvalue())]))
    assert data == file.getvalue()
