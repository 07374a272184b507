"""Manifests, tables beside pictures, Parquet with pictures in it, and Hugging Face's saved data sets."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_folders import classes_by_name, png, splits_by_name, write

from kernelviz.errors import UserError
from kernelviz.ingest.image_file import UnreadableImage
from kernelviz.sources.reading import read_source

ROWS = [("a.png", "cat", "train", 1.5), ("sub/b.png", "dog", "val", 2.5), ("c.png", "", "test", None)]
PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
NAMES = ("ant", "bee", "cow")


def pictures(folder):
    return write(folder, *(row[0] for row in ROWS))


def rows_as(kind, columns=("file_name", "label", "split", "age"), rows=ROWS):
    if kind in ("csv", "tsv"):
        mark = "," if kind == "csv" else "\t"
        lines = [mark.join("" if value is None else str(value) for value in row) for row in [columns, *rows]]
        return "\n".join(lines).encode()
    if kind == "jsonl":
        return "\n".join(json.dumps(dict(zip(columns, row, strict=True))) for row in rows).encode()
    out = pa.BufferOutputStream()
    pq.write_table(
        pa.table({name: list(values) for name, values in zip(columns, zip(*rows, strict=True), strict=True)}), out
    )
    return out.getvalue().to_pybytes()


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_a_manifest(tmp_path, kind):
    write(pictures(tmp_path), f"set.{kind}", data=rows_as(kind))
    listing = read_source(tmp_path / f"set.{kind}")
    assert classes_by_name(listing) == {"a.png": "cat", "sub/b.png": "dog", "c.png": None}
    assert list(splits_by_name(listing).values()) == ["train", "validation", "test"]
    assert list(listing.table) == ["age"] and listing.table["age"].fillna(-1).tolist() == [1.5, 2.5, -1]
    assert listing.files[1] == tmp_path / "sub/b.png"
    assert list(listing.contents([1, 2])) == [("sub/b.png", png(1)), ("c.png", png(2))]
    assert read_source(tmp_path / f"set.{kind}", "age").classes == ("1.5", "2.5")
    assert read_source(tmp_path / f"set.{kind}", "path:1").classes == ("sub",)
    with pytest.raises(UserError, match="no column 'weight'; its columns are: label, age"):
        read_source(tmp_path / f"set.{kind}", "weight")


@pytest.mark.parametrize("path", ["filename", "File", "path", "IMAGE", "image_path"])
@pytest.mark.parametrize("label, part", [("class", "subset"), ("Target", "partition"), ("category", "split")])
def test_other_names_of_columns(tmp_path, path, label, part):
    write(pictures(tmp_path), "set.csv", data=rows_as("csv", (path, label, part, "age")))
    listing = read_source(tmp_path / "set.csv")
    assert listing.classes == ("cat", "dog") and listing.splits.tolist() == [0, 1, 2] and list(listing.table) == ["age"]


def test_paths_and_labels_are_as_they_are_written(tmp_path):
    write(tmp_path, "1", "02", "NA", "None")
    lines = "path;label;note;split\r\n1;007;NA;A\r\n02;NA;x;B\r\nNA;7;y;A\r\nNone;nan;1,2;B\r\n"
    write(tmp_path, "set.csv", data=b"\xef\xbb\xbf" + lines.encode())
    listing = read_source(tmp_path / "set.csv")
    assert classes_by_name(listing) == {"1": "007", "02": "NA", "NA": "7", "None": "nan"}
    assert listing.table["note"].isna().tolist() == [True, False, False, False]
    assert listing.table["split"].tolist() == ["A", "B", "A", "B"] and (listing.splits == -1).all()


def test_rows_without_a_file_are_told(tmp_path):
    (tmp_path / "folder.png").mkdir()
    outside = write(tmp_path / "other", "o.png") / "o.png"
    names = ["a.png", "gone.png", "", "folder.png", "/dev/zero", str(outside), r"sub\b.png", "x" * 300, "/dev/null"]
    table = "\n".join(["file,label", *(f"{name},x" for name in names)])
    listing = read_source(write(pictures(tmp_path / "set"), "set.csv", data=table.encode()) / "set.csv")
    assert listing.names == ["a.png", outside.as_posix(), "sub/b.png"]
    assert [content for _, content in listing.contents()] == [png(0), png(0), png(1)]
    assert [file.name for file in listing.rejected[:3]] == ["gone.png", "row 3, which has no path", "folder.png"]
    assert len({file.reason for file in listing.rejected}) == 1
    assert "6 rows of set.csv without a picture: gone.png" in listing.notes[0]


@pytest.mark.parametrize(
    "name, data, said",
    [
        ("a.csv", b"", "damaged"),
        ("a.csv", b"name,label\n1,2\n", "no column of paths; its columns are name, label"),
        ("a.csv", b"file,label\ngone.png,x\n", "nothing that can be read"),
        ("a.csv", "file\nLöwe.png\n".encode("latin-1"), "UTF-8"),
        ("a.csv", b"file\n\0\n", "nothing that can be read"),
        ("a.csv", b'file\n"unended', "damaged|nothing"),
        ("a.jsonl", b"[1]", "no JSON object"),
        ("a.jsonl", b"[" * 100_000, "damaged"),
        ("a.jsonl", b'{"file": "\\ud800.png"}', "nothing that can be read"),
        ("a.jsonl", b'{"file": {"a": 1}}', "no column of paths"),
        ("a.parquet", b"PAR1 no more", "damaged"),
        ("a.parquet", b"", "damaged"),
    ],
)
def test_what_is_no_manifest(tmp_path, name, data, said):
    with pytest.raises(UserError, match=said):
        read_source(write(tmp_path, name, data=data) / name)


def test_too_many_classes(tmp_path):
    write(tmp_path, "a.png")
    table = "\n".join(["file,label", *(f"a.png,{at}" for at in range(32_768))])
    with pytest.raises(UserError, match="32,768 classes, allowed are 32,767"):
        read_source(write(tmp_path, "set.csv", data=table.encode()) / "set.csv")


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_table_beside_pictures(tmp_path, kind):
    rows = [*ROWS, ("gone.png", "cow", "test", 0), ("a.png", "cow", "test", 0)]
    write(pictures(tmp_path), "more.png", f"metadata.{kind}", data=rows_as(kind, rows=rows))
    write(tmp_path, "more.png")
    listing = read_source(tmp_path)
    assert classes_by_name(listing) == {"a.png": "cat", "c.png": None, "more.png": None, "sub/b.png": "dog"}
    assert list(splits_by_name(listing).values()) == ["train", "test", None, "validation"]
    assert listing.table["age"].fillna(-1).tolist() == [1.5, -1, -1, 2.5] and not listing.rejected
    assert listing.notes == [
        f"1 row of metadata.{kind} without a picture here: gone.png",
        f"metadata.{kind} has more than one row for a.png; the first one is used",
        f"1 picture is not in metadata.{kind}",
    ]


def test_tables_beside_the_pictures_of_splits(tmp_path):
    for part in ("train", "test"):
        write(tmp_path, f"{part}/x/1.png", f"{part}/metadata.csv", data=f"file_name,site\nx/1.png,{part}\n".encode())
        write(tmp_path, f"{part}/x/1.png")
    listing = read_source(tmp_path)
    assert listing.classes == ("x",) and listing.splits.tolist() == [2, 0]
    assert listing.table["site"].tolist() == ["test", "train"]


def test_metadata_without_paths_is_not_used(tmp_path):
    write(tmp_path, "cat/1.png", "metadata.csv", data=b"name,label\nx,y\n")
    listing = read_source(tmp_path)
    assert listing.classes == ("cat",) and listing.notes == ["metadata.csv has no column file_name, and is not used"]


def hugging_face(n, start=0, schema=True, **more):
    """A table as `datasets` writes it."""
    rows = [{"bytes": png(start + at), "path": f"{start + at}.png"} for at in range(n)]
    columns = {"image": pa.array(rows, PICTURE), "label": pa.array([at % 3 for at in range(n)], pa.int64()), **more}
    features = {"image": {"_type": "Image"}, "label": {"names": NAMES, "_type": "ClassLabel"}}
    table = pa.table(columns)
    if not schema:
        return table, features
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def test_parquet_with_pictures(tmp_path):
    pq.write_table(hugging_face(100, size=list(range(100))), tmp_path / "train.parquet", row_group_size=40)
    listing = read_source(tmp_path / "train.parquet")
    assert len(listing) == 100 and listing.names[7] == "7.png" and listing.classes == NAMES
    assert listing.labels[:4].tolist() == [0, 1, 2, 0] and (listing.splits == -1).all()
    assert listing.table["size"].tolist() == list(range(100)) and list(listing.table) == ["size"]
    assert [content for _, content in listing.contents([0, 39, 40, 99])] == [png(0), png(39), png(40), png(99)]
    assert len(set(listing.stamps)) == 100 and listing.files == [None] * 100
    assert sum(1 for _ in listing.contents()) == 100


def test_a_repository_of_parquet_shards(tmp_path):
    (tmp_path / "data").mkdir()
    for at, name in enumerate(["train-00000-of-00002", "train-00001-of-00002", "validation-00000-of-00001", "test-0"]):
        pq.write_table(hugging_face(2, 10 * at), tmp_path / f"data/{name}.parquet")
    write(tmp_path, "README.md", ".gitattributes", "preview.png")
    listing = read_source(tmp_path)
    assert listing.names == ["30.png", "31.png", "0.png", "1.png", "10.png", "11.png", "20.png", "21.png"]
    assert listing.splits.tolist() == [2, 2, 0, 0, 0, 0, 1, 1] and listing.classes == NAMES
    assert [content for _, content in listing.contents([1, 2, 7])] == [png(31), png(0), png(21)]
    assert listing.notes == ["2 other files are left out"]
    pq.write_table(pa.table({"image": pa.array([], PICTURE), "other": []}), tmp_path / "data/x.parquet")
    with pytest.raises(UserError, match="different columns"):
        read_source(tmp_path)


def test_a_binary_column_and_rows_without_a_picture(tmp_path):
    table = pa.table({"data": [png(0), None, b"x"], "label": ["b", "a", None], "id": [1, 2, 3]})
    pq.write_table(table, tmp_path / "a.parquet")
    listing = read_source(tmp_path / "a.parquet")
    assert listing.names == ["0", "1", "2"] and listing.classes == ("a", "b") and listing.labels.tolist() == [1, 0, -1]
    first, none, other = (content for _, content in listing.contents())
    assert first == png(0) and isinstance(none, UnreadableImage) and other == b"x"


def test_a_struct_of_paths_alone(tmp_path):
    write(tmp_path, "in/a.png")
    rows = [{"bytes": None, "path": "in/a.png"}, {"bytes": None, "path": "/dev/zero"}, {"bytes": None, "path": None}]
    pq.write_table(pa.table({"image": pa.array(rows, PICTURE)}), tmp_path / "a.parquet")
    there, gone, none = (content for _, content in read_source(tmp_path / "a.parquet").contents())
    assert there == png(0) and isinstance(gone, UnreadableImage) and isinstance(none, UnreadableImage)


def test_numbers_beyond_the_names_are_no_label(tmp_path):
    table = hugging_face(3).set_column(1, "label", pa.array([-1, 7, None], pa.int64()))
    features = {"label": {"names": NAMES}}
    pq.write_table(
        table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}),
        tmp_path / "a.parquet",
    )
    assert read_source(tmp_path / "a.parquet").labels.tolist() == [-1, -1, -1]


@pytest.mark.parametrize("said", [b"{", b"[]", b'{"info": 3}', b'{"info": {"features": [1]}}', b"[" * 100_000])
def test_odd_descriptions_are_not_used(tmp_path, said):
    pq.write_table(hugging_face(2).replace_schema_metadata({"huggingface": said}), tmp_path / "a.parquet")
    assert read_source(tmp_path / "a.parquet").classes == ("0", "1")


def test_parquet_damaged_in_a_page(tmp_path):
    pq.write_table(hugging_face(90), tmp_path / "a.parquet", row_group_size=30, use_dictionary=False)
    listing = read_source(tmp_path / "a.parquet")
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    data[4:60] = bytes(56)
    (tmp_path / "a.parquet").write_bytes(data)
    contents = [content for _, content in listing.contents()]
    assert len(contents) == 90 and isinstance(contents[0], UnreadableImage) and contents[89] == png(89)
    (tmp_path / "a.parquet").write_bytes(data[:-100])
    with pytest.raises(UserError, match="damaged"):
        read_source(tmp_path / "a.parquet")


def test_parquet_with_nothing_to_show(tmp_path):
    pq.write_table(pa.table({"a": [1], "many": [[1, 2]]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"neither pictures nor vectors; its columns are a \(int64\), many"):
        read_source(tmp_path / "a.parquet")
    pq.write_table(pa.table({"file": ["a.png"], "label": [[1, 2]]}), tmp_path / "b.parquet")
    with pytest.raises(UserError, match="no column of paths|nothing"):
        read_source(tmp_path / "b.parquet")


def save_to_disk(folder, n_files=2, split="train", schema=True, start=0):
    """What `datasets.Dataset.save_to_disk` writes."""
    folder.mkdir(parents=True)
    names = [f"data-{at:05}-of-{n_files:05}.arrow" for at in range(n_files)]
    for at, name in enumerate(names):
        table = hugging_face(5, start + 5 * at, schema)
        table, features = table if isinstance(table, tuple) else (table, {})
        with pa.OSFile(str(folder / name), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table, max_chunksize=3)
    state = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "x", "_split": split}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))
    return folder


@pytest.mark.parametrize("schema", [True, False])
def test_a_saved_data_set(tmp_path, schema):
    listing = read_source(save_to_disk(tmp_path / "saved", schema=schema))
    assert listing.name == "saved" and listing.names == [f"{at}.png" for at in range(10)]
    assert listing.classes == NAMES and (listing.splits == 0).all()
    assert [content for _, content in listing.contents([0, 4, 5, 9])] == [png(0), png(4), png(5), png(9)]
    assert len(set(listing.stamps)) == 10


def test_a_saved_dictionary_of_data_sets(tmp_path):
    for at, split in enumerate(["train", "validation", "test"]):
        save_to_disk(tmp_path / split, 1, split, start=10 * at)
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "validation", "test"]}')
    listing = read_source(tmp_path)
    assert len(listing) == 15 and listing.splits.tolist() == [2] * 5 + [0] * 5 + [1] * 5
    assert [content for _, content in listing.contents([0, 14])] == [png(20), png(14)]


def test_a_saved_data_set_that_is_damaged(tmp_path):
    folder = save_to_disk(tmp_path / "cut")
    file = folder / "data-00000-of-00002.arrow"
    file.write_bytes(file.read_bytes()[:900])
    with pytest.raises(UserError, match="damaged"):
        read_source(folder)
    (folder / "state.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        read_source(folder)
    (folder / "state.json").write_text('{"_data_files": [{"filename": "../../etc/passwd"}]}')
    with pytest.raises(UserError, match="passwd"):
        read_source(folder)


def lists(values, width=None, kind=None):
    kind = kind or pa.float32()
    return pa.array(values, pa.list_(kind, width) if width else pa.list_(kind))


@pytest.mark.parametrize("width", [None, 2])
@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_vectors_in_parquet(tmp_path, width, kind):
    values = np.arange(8, dtype=np.float16).reshape(4, 2)
    table = pa.table({"any name": lists(list(values), width, kind), "label": list("abca"), "age": [1, 2, 3, 4]})
    pq.write_table(table, tmp_path / "v.parquet", row_group_size=3)
    listing = read_source(tmp_path / "v.parquet")
    assert listing.vectors.dtype == np.float32 and listing.vectors.tolist() == values.tolist()
    assert not listing.has_pictures and listing.classes == ("a", "b", "c") and list(listing.table) == ["age"]


def test_vectors_with_pictures_and_with_paths(tmp_path):
    pq.write_table(hugging_face(2, boxes=lists([[1.0], [1.0, 2.0]])), tmp_path / "boxes.parquet")
    listing = read_source(tmp_path / "boxes.parquet")
    assert listing.vectors is None and listing.has_pictures and "not all of one length" in listing.notes[0]
    pq.write_table(hugging_face(2, features=lists([[1.0], [2.0]])), tmp_path / "both.parquet")
    listing = read_source(tmp_path / "both.parquet")
    assert listing.vectors.tolist() == [[1], [2]] and listing.has_pictures
    write(tmp_path, "a.png")
    table = pa.table({"path": ["gone.png", "a.png"], "embedding": lists([[1.0], [2.0]])})
    pq.write_table(table, tmp_path / "paths.parquet")
    listing = read_source(tmp_path / "paths.parquet")
    assert listing.vectors.tolist() == [[2]] and list(listing.contents()) == [("a.png", png(0))]


@pytest.mark.parametrize("values", [[[1.0], [1.0, 2.0]], [[1.0], None], [[], []], [[1.0], [float("nan")]], []])
def test_vectors_that_are_none(tmp_path, values):
    pq.write_table(pa.table({"v": lists(values)}), tmp_path / "v.parquet")
    with pytest.raises(UserError, match="one length|finite|nothing"):
        read_source(tmp_path / "v.parquet")


def test_other_columns_with_names_of_classes(tmp_path):
    table = hugging_face(3).rename_columns(["img", "fine"])
    features = {"fine": {"names": NAMES, "_type": "ClassLabel"}}
    described = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(described), tmp_path / "a.parquet")
    assert read_source(tmp_path / "a.parquet").classes == NAMES
    texts = table.set_column(1, "fine", pa.array(["cow", "ant", "cow"]))
    pq.write_table(texts.replace_schema_metadata(described), tmp_path / "a.parquet")
    assert read_source(tmp_path / "a.parquet").classes == ()
    assert read_source(tmp_path / "a.parquet", "fine").classes == ("ant", "cow")


def test_what_pandas_adds_is_no_column_and_the_order_of_columns_is_free(tmp_path):
    columns = {"path": ["a.png", "a.png"], "age": [1, 2], "site": ["x", "y"]}
    frame = pd.DataFrame(columns, index=["i", "j"])
    write(tmp_path / "one", "a.png")
    frame.to_parquet(tmp_path / "one/set.parquet")
    assert list(read_source(tmp_path / "one/set.parquet").table) == ["age", "site"]
    pq.write_table(hugging_face(1), write(tmp_path / "two", ".x") / "0.parquet")
    pq.write_table(hugging_face(1, 1).select(["label", "image"]), tmp_path / "two/1.parquet")
    assert [content for _, content in read_source(tmp_path / "two").contents()] == [png(0), png(1)]


def test_values_of_several_types_can_be_written_again(tmp_path):
    rows = [{"file": "a.png", "mixed": 1, "large": 10**30, "yes": True}, {"file": "a.png", "mixed": "x", "large": 1}]
    write(tmp_path, "a.png")
    write(tmp_path, "set.jsonl", data="\n".join(map(json.dumps, rows)).encode())
    table = read_source(tmp_path / "set.jsonl").table
    assert table["mixed"].tolist() == ["1", "x"] and table["large"].tolist() == [str(10**30), "1"]
    table.to_parquet(tmp_path / "again.parquet")


def test_a_table_of_another_name_is_told(tmp_path):
    listing = read_source(write(tmp_path, "a.png", "labels.csv"))
    assert "tables beside the pictures are not used: labels.csv" in listing.notes[0]


def test_a_damaged_table_beside_pictures_does_not_stop_them(tmp_path):
    listing = read_source(write(tmp_path, "a.png", "old.parquet"))
    assert listing.names == ["a.png"] and [file.name for file in listing.rejected] == ["old.parquet"]
