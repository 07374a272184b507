"""Sources cut into blocks: their order, their hash, and what each reads, here and in a store."""

import io
import tarfile

import pytest
from PIL import Image

from kernelviz.blocks import cutting
from kernelviz.blocks.cutting import Block, File, blocks_of, hash_of, told
from kernelviz.errors import NotFound, UserError
from kernelviz.ingest.image_file import UnreadableImage


@pytest.fixture(autouse=True)
def two_in_a_block(monkeypatch):
    monkeypatch.setattr(cutting, "PER_BLOCK", 2)


@pytest.fixture
def folder(tmp_path):
    """Three files in two folders, a hidden one, and an archive of three pictures and a link."""
    top = tmp_path / "source"
    (top / "below").mkdir(parents=True)
    for name in ("b.png", "a.png", "below/c.png", ".hidden.png"):
        (top / name).write_bytes(name.encode())
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "PNG")
    with tarfile.open(top / "shard.tar", "w") as archive:
        for name in ("1.png", "2.png", "3.png"):
            info = tarfile.TarInfo(name)
            info.size = len(file.getvalue())
            archive.addfile(info, io.BytesIO(file.getvalue()))
        info = tarfile.TarInfo("link.png")
        info.type = tarfile.SYMTYPE
        archive.addfile(info)
    return top


def read(blocks):
    """The names of the items of each block, without the folder, and which of them have a content."""
    found = [list(block.contents()) for block in blocks]
    return [[(name.rpartition("source/")[2], not isinstance(c, UnreadableImage)) for name, c in one] for one in found]


IN_FOLDER = [
    [("a.png", True), ("b.png", True)],
    [("below/c.png", True)],
    [
        ("shard.tar: 1.png", True),
        ("shard.tar: 2.png", True),
        ("shard.tar: 3.png", True),
        ("shard.tar: link.png", False),
    ],
]


def test_a_folder_is_cut_into_blocks_of_files_and_one_for_each_archive(folder):
    assert read(blocks_of([str(folder)])) == IN_FOLDER


def test_a_store_is_cut_as_a_folder_is(folder):
    blocks = blocks_of([folder.as_uri()])
    assert read(blocks) == IN_FOLDER
    assert [dict(block.contents()) for block in blocks[:2]] == [
        {f"file://{folder}/{name}": name.encode() for name in names} for names in (("a.png", "b.png"), ("below/c.png",))
    ]


def test_an_archive_by_itself_is_cut_by_its_rows(folder):
    shard = IN_FOLDER[2]
    assert read(blocks_of([str(folder / "shard.tar")])) == [[*shard[:2], shard[3]], [shard[2]]]


def test_files_are_cut_together(folder):
    paths = [str(folder / name) for name in ("b.png", "below", "a.png")]
    assert read(blocks_of(paths)) == [[("b.png", True), ("below/c.png", True)], [("a.png", True)]]


def test_the_hash_changes_with_a_file(folder):
    before = hash_of(blocks_of([str(folder)]))
    assert hash_of(blocks_of([str(folder)])) == before != hash_of(blocks_of([str(folder / "below")]))
    (folder / "a.png").write_bytes(b"longer")
    assert hash_of(blocks_of([str(folder)])) != before


def test_a_damaged_archive_is_refused_as_one_file(folder):
    (folder / "shard.tar").write_bytes(b"x" * 1000)
    assert read(blocks_of([str(folder)]))[2] == [("shard.tar", False)]


def test_what_is_gone_or_too_large_is_refused(folder, monkeypatch):
    (folder / "nowhere.png").symlink_to(folder / "gone.png")
    monkeypatch.setattr(cutting, "MAX_BYTES", 4)
    monkeypatch.setattr("kernelviz.ingest.image_file.MAX_BYTES", 4)
    for address in (str(folder), folder.as_uri()):
        blocks = blocks_of([address])
        assert not any(there for items in read(blocks)[:2] for _, there in items)
    (folder / "b.png").unlink()
    (_, gone) = list(blocks[0].contents())
    assert "no such file" in str(gone[1])


MISTAKES = {
    "no folder": ("/no/such/folder", NotFound, "no file or folder"),
    "nothing in a store": ("file:///no/such/folder", NotFound, "there is nothing at"),
    "no store": ("nosuch://bucket/a", UserError, "allowed are s3://, gs://"),
}


@pytest.mark.parametrize("address, kind, said", MISTAKES.values(), ids=MISTAKES)
def test_an_address_with_nothing_at_it_is_a_mistake(address, kind, said):
    with pytest.raises(kind, match=said):
        blocks_of([address])


def test_a_store_that_does_not_answer_stops_the_block(folder, monkeypatch):
    blocks = blocks_of([folder.as_uri()])

    class Silent:
        def open_input_stream(self, path):
            raise OSError("no route")

    monkeypatch.setattr(cutting, "store_of", lambda address: (Silent(), ""))
    monkeypatch.setattr(cutting.fs, "copy_files", lambda *args, **kwargs: Silent().open_input_stream(""))
    for block in blocks:
        with pytest.raises(cutting.Unreachable, match="no route"):
            list(block.contents())


ADDRESSES = {
    "s3://bucket/a@b/c": "s3://bucket/a@b/c",
    "s3://name:secret@bucket/a@b": "s3://bucket/a@b",
    "s3://name:sec/ret@bucket/a?scheme=http&sse=secret": "s3://bucket/a",  # a / that is not escaped
    "fsspec+ftp://name:secret@host/a": "fsspec+ftp://host/a",
    "/name:secret@a?b": "/name:secret@a?b",
}


@pytest.mark.parametrize("address, shown", ADDRESSES.items(), ids=ADDRESSES.values())
def test_an_address_is_told_without_its_credentials(address, shown):
    assert told(address) == shown


@pytest.mark.parametrize("address", ["s3://name:sec/ret@bucket/a", "https://name:sec@host/a", "s3://n:sec@b/a?x=sec"])
def test_a_mistake_in_an_address_does_not_tell_its_credentials(address):
    with pytest.raises(UserError, match="is no address that can be read") as error:
        blocks_of([address])
    assert "sec" not in str(error.value)


def test_with_another_key_it_is_the_same_source():
    files = (File("bucket/a.png", "1"),)
    one, two, other = (Block(store, files) for store in ("s3://a:b@bucket", "s3://c:d@bucket?region=x", "s3://other"))
    assert hash_of([one]) == hash_of([two]) != hash_of([other])


def test_an_archive_that_is_gone_from_a_store_is_refused(folder):
    blocks = blocks_of([folder.as_uri()])
    (folder / "shard.tar").unlink()
    assert read(blocks)[2] == [("shard.tar", False)]


def test_a_machine_that_does_not_see_the_folder_is_told_of(folder):
    pictures, *_ = blocks = blocks_of([str(folder)])
    (folder / "a.png").unlink()
    for block in [*blocks, *blocks_of([folder.as_uri()])]:
        block.check_seen()
    (folder / "b.png").unlink()
    with pytest.raises(UserError, match="a.png; give a folder that all machines see, or a store"):
        pictures.check_seen()
