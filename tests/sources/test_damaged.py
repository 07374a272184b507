"""Sources with bytes changed at random: each is read, or ends with an error that the user can understand."""

import contextlib
import io

import numpy as np
import pyarrow as pa
import pytest
from test_folders import png, write
from test_packed import archive, shard
from test_source_tables import hugging_face, lists, rows_as, save_to_disk

from kernelviz.errors import UserError
from kernelviz.sources.reading import read_source

TREE = [("s/cat/1.png", png()), ("s/dog/2.png", png()), ("s/metadata.csv", b"file_name,age\ncat/1.png,3\n")]
TRIES = 25


def saved(save, *args, **arrays):
    out = io.BytesIO()
    save(out, *args, **arrays)
    return out.getvalue()


def parquet():
    table = hugging_face(20, v=lists([[1.0, 2.0]] * 20), s=["x"] * 20)
    return saved(lambda out: pa.parquet.write_table(table, out, row_group_size=8))


SOURCES = {
    **{f"x{kind}": archive(kind, TREE) for kind in (".zip", ".tar", ".tar.gz")},
    **{f"m.{kind}": rows_as(kind) for kind in ("csv", "jsonl", "parquet")},
    "w.tar": shard(["1", "2"], json=lambda key: b'{"label": 1, "x": 2}', cls=lambda key: b"1"),
    "p.parquet": parquet(),
    "n.npz": saved(np.savez, train_images=np.zeros((3, 4, 4)), train_labels=[1, 2, 3]),
    "c.npz": saved(np.savez_compressed, images=np.zeros((3, 4, 4), np.uint8), labels=["a", "b", "c"]),
    "v.npy": saved(np.save, np.ones((3, 4))),
}


def changed(data, rng):
    data = bytearray(data)
    if rng.random() < 0.2:
        return bytes(data[: rng.integers(len(data))])
    for at in rng.integers(len(data), size=rng.choice([1, 2, 20])):
        data[at] = rng.choice([0, 255, rng.integers(256)])
    return bytes(data)


def read(source):
    with contextlib.suppress(UserError):
        listing = read_source(source)
        assert len(list(listing.contents())) == len(listing) if listing.has_pictures else listing.vectors is not None
        "".join([*listing.names, *listing.stamps, *listing.classes]).encode()


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.filterwarnings("ignore")  # numpy and pandas warn of odd values
def test_files(tmp_path, name):
    rng = np.random.default_rng(0)
    write(tmp_path, "a.png", "sub/b.png")
    for _ in range(TRIES):
        read(write(tmp_path, name, data=changed(SOURCES[name], rng)) / name)


def test_saved_data_sets(tmp_path):
    folder, rng = save_to_disk(tmp_path / "saved", 1), np.random.default_rng(0)
    for file in folder.iterdir():
        data = file.read_bytes()
        for _ in range(TRIES):
            file.write_bytes(changed(data, rng))
            read(folder)
        file.write_bytes(data)
