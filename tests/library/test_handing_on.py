"""A run as one file, and back: what is sound comes in, and what is not is told in one line and leaves nothing."""

import hashlib
import io
import json
import os
import shutil
import signal
import stat
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from safetensors.numpy import load, save

from kernelviz.errors import UserError
from kernelviz.library import importing
from kernelviz.library.checks import NotImported
from kernelviz.library.cleaning import clean
from kernelviz.library.handing_on import export_run
from kernelviz.library.importing import import_run
from kernelviz.library.notes import read_notes, write_notes
from kernelviz.storage.item_table import load_item_table, save_item_table
from kernelviz.storage.store import load_run, run_names
from kernelviz.storage.thumbnails import read_thumbnails, save_thumbnails
from kernelviz.storage.weights import load_network

MANIFEST = "manifest.json"


def left_in(runs):
    return [path.name for path in runs.iterdir() if path.name != ".locks"]


def test_a_run_comes_back_as_it_was(add, autoencoder, tmp_path):
    folder = add(autoencoder)
    write_notes("tiny", ["best"], "a note")
    before = load_run("tiny")
    path = export_run(before, tmp_path / "handed on")
    assert path.name == "handed on.kernelviz"
    back = import_run(path, "back")
    assert replace(back, folder=folder) == before
    for name in ("weights.safetensors", "map.parquet", "novelty.safetensors", "notes.json"):
        assert (back.folder / name).read_bytes() == (folder / name).read_bytes()
    assert read_notes(back.folder).tags == ("best",) and run_names() == ["back", "tiny"]
    assert sorted(left_in(back.folder.parent)) == ["back", "tiny"]
    assert export_run(load_run("tiny"), tmp_path / "again").read_bytes() == path.read_bytes()


def test_every_kind_of_run_is_handed_on(add, bottom, recommender, classifier, tmp_path):
    for run in (bottom, recommender, classifier):
        add(run)
        back = import_run(export_run(load_run(run.name), tmp_path / run.name), f"back-{run.name}")
        assert back.weights_sha256 == run.weights_sha256 and type(back) is type(run)


def test_a_head_opens_without_the_run_of_its_backbone(add, bottom, heads, tmp_path):
    add(bottom)
    (add(heads[0]) / "backbone.safetensors").unlink()
    path = export_run(load_run("at11"), tmp_path / "at11")
    before = load_network(load_run("at11"))
    for name in ("bottom", "at11"):
        shutil.rmtree(tmp_path / "runs" / name)
    after = load_network(import_run(path))
    images = torch.rand(3, 3, 8, 8)
    assert run_names() == ["at11"] and torch.equal(before.activation(images), after.activation(images))


def test_the_folders_of_this_machine_stay_here(add, bottom, heads, tmp_path):
    add(bottom), add(heads[0])
    path = export_run(load_run("at11"), tmp_path / "at11")
    with zipfile.ZipFile(path) as zipped:
        assert str(tmp_path.parent).encode() not in zipped.read("run.json")
        assert json.loads(zipped.read("run.json"))["recipe"]["data"] == "coloured.npz"


def test_pictures_and_table_go_along_only_where_they_are_wanted(add, autoencoder, tmp_path):
    folder = add(autoencoder)
    n = parquet.read_metadata(folder / "map.parquet").num_rows
    own = pd.DataFrame({"name": [f"{at}.png" for at in range(n)], "file": "/home/anna/x.png", "weight": np.arange(n)})
    save_item_table(folder, own)
    save_thumbnails(folder, [(b"hash", b"\x89PNG and more")] * n)
    run = load_run("tiny")
    without = import_run(export_run(run, tmp_path / "without"), "without")
    assert not list(without.folder.glob("ta*")) + list(without.folder.glob("th*"))
    back = import_run(export_run(run, tmp_path / "with", with_pictures=True), "back")
    table = load_item_table(back.folder)
    assert set(table["file"]) == {""} and table["weight"].tolist() == own["weight"].tolist()
    assert read_thumbnails(back.folder, [0, n - 1]) == [b"\x89PNG and more"] * 2
    assert b"anna" not in (back.folder / "table.parquet").read_bytes()


def test_a_name_that_is_taken_is_told(add, autoencoder, exported):
    import_run(exported)
    with pytest.raises(UserError, match="there is a run 'tiny' already; give another --name"):
        import_run(exported)
    with pytest.raises(UserError, match="'../x' is no name"):
        import_run(exported, "../x")
    assert run_names() == ["tiny"]


def test_a_run_that_lacks_something_is_not_exported(add, autoencoder, tmp_path):
    folder = add(autoencoder)
    (folder / "weights.safetensors").write_bytes(b"others")
    with pytest.raises(UserError, match="weights of run 'tiny' are not those of its record"):
        export_run(load_run("tiny"), tmp_path / "x")
    (folder / "map.parquet").unlink()
    with pytest.raises(UserError, match="has no map.parquet"):
        export_run(load_run("tiny"), tmp_path / "x")
    assert not list(tmp_path.glob("x*"))


def test_no_free_space_is_told_before(exported, runs, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(UserError, match="the run needs .* MB, but .* has 0; free space"):
        import_run(exported)
    assert not left_in(runs)


def test_a_full_disk_leaves_nothing(exported, runs, full_disk):
    with full_disk(), pytest.raises(OSError):
        import_run(exported)
    assert not left_in(runs)


@pytest.mark.parametrize("at", ["map.parquet", "moved"])
def test_a_process_that_is_killed_leaves_no_half_a_run(exported, runs, monkeypatch, at):
    def killed(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if not child:
        unpack = importing._unpack
        monkeypatch.setattr(importing, "_unpack", lambda *given: (unpack(*given), given[1] == at and killed()))
        monkeypatch.setattr(importing, "move", killed)
        import_run(exported)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    (left,) = left_in(runs)
    assert run_names() == [] and left.startswith(".import-")
    assert [path.name for path in clean()] == [left] and not left_in(runs)
    assert import_run(exported).name == "tiny"


# Each takes the files of a sound export by their names, and returns those of one that is not.


def changed(name, change):
    """A file of another content, which the manifest knows of: as somebody would make it on purpose."""

    def damage(files):
        files[name] = change(files[name])
        return signed(files)

    return damage


def signed(files):
    """The files with a manifest that fits them."""
    manifest = json.loads(files[MANIFEST])
    manifest["files"] = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
        if name != MANIFEST
    }
    return files | {MANIFEST: json.dumps(manifest).encode()}


def record(**facts):
    return changed("run.json", lambda data: json.dumps(json.loads(data) | facts).encode())


def arguments(**values):
    def change(data):
        facts = json.loads(data)
        facts["network"]["arguments"] |= values
        return json.dumps(facts).encode()

    return changed("run.json", change)


def manifest(**facts):
    return lambda files: files | {MANIFEST: json.dumps(json.loads(files[MANIFEST]) | facts).encode()}


def tensors(change):
    """Other weights, whose hash the record knows of."""

    def damage(files):
        data = save(change(load(files["weights.safetensors"])))
        return record(weights_sha256=hashlib.sha256(data).hexdigest())(files | {"weights.safetensors": data})

    return damage


def columns(change, name="map.parquet"):
    def rewrite(data):
        table = change(parquet.read_table(io.BytesIO(data)))
        file = io.BytesIO()
        parquet.write_table(table, file)
        return file.getvalue()

    return changed(name, rewrite)


def column(name, values):
    def change(table):
        return table.set_column(table.column_names.index(name), name, pa.array([values] * len(table)))

    return columns(change)


def with_file(name, data):
    return lambda files: signed(files | {name: data})


def as_parquet(**values):
    file = io.BytesIO()
    parquet.write_table(pa.table(values), file)
    return file.getvalue()


def texts_that_unpack(files):
    """A table of a few kilobytes that takes many gigabytes in memory."""
    n = parquet.read_metadata(io.BytesIO(files["map.parquet"])).num_rows
    large = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array(["x" * 4_000_000]))
    return signed(files | {"table.parquet": as_parquet(name=pa.array([""] * n), file=pa.array([""] * n), large=large)})


CROP = {"name": "crop", "height": 8, "width": 8, "channels": 1}
DATA = {"name": "digits", "classes": list("0123456789"), "preprocess": CROP}
HOSTILE = {
    "a changed weight": (
        lambda files: files | {"weights.safetensors": files["weights.safetensors"][:-1] + b"\xff"},
        "its weights.safetensors does not have the content that its manifest says",
    ),
    "a cut file": (
        lambda files: files | {"map.parquet": files["map.parquet"][:-9]},
        "its map.parquet has .* bytes, and not",
    ),
    "no manifest": (lambda files: {"run.json": files["run.json"]}, "it has no manifest.json; only files that"),
    "a manifest that is no JSON": (lambda files: files | {MANIFEST: b"{"}, "its manifest.json is not as it should be"),
    "a large manifest": (lambda files: files | {MANIFEST: b" " * 200_000}, "its manifest.json has more than 100 kB"),
    "a future format": (manifest(format=2), "its format is not 1, which this version reads; update kernelviz"),
    "a key too many": (manifest(more=1), "its manifest.json is not as it should be .more"),
    "a path as its name": (manifest(name="../../x"), "'../../x' is no name for a run"),
    "no weights": (
        lambda files: signed({name: data for name, data in files.items() if name != "weights.safetensors"}),
        "it has no weights.safetensors",
    ),
    "no map": (
        lambda files: signed({name: data for name, data in files.items() if name != "map.parquet"}),
        "it has no map.parquet",
    ),
    "a file that the manifest does not name": (
        lambda files: files | {"notes.json": b"{}"},
        "notes.json is not in its manifest",
    ),
    "a file that only the manifest names": (
        lambda files: {name: data for name, data in files.items() if name != "novelty.safetensors"},
        "novelty.safetensors is missing in it",
    ),
    "a path": (lambda files: files | {"../evil": b""}, r"it has a file '../evil', which is none of a run's"),
    "an absolute path": (lambda files: files | {"/etc/passwd": b""}, r"it has a file '/etc/passwd'"),
    "a path of Windows": (lambda files: files | {"..\\evil": b""}, r"it has a file '..(\\\\|/)evil'"),
    "a folder": (lambda files: files | {"x/": b""}, r"it has a file 'x/'"),
    "a pickle": (lambda files: files | {"weights.pt": b"\x80"}, "it has a file 'weights.pt', which is none of a run's"),
    "many files": (lambda files: files | {f"{n}": b"" for n in range(100)}, "it has 10. files, and a run has at most"),
    "a record that is no JSON": (changed("run.json", lambda _: b"{"), "its run.json is not the record of a run"),
    "a record of another format": (record(format=2), "its run.json has format 2; this version reads format 1"),
    "a record without a probe": (record(probe={}), "its run.json is not the record of a run .probe.width"),
    "weights of another hash": (record(weights_sha256="0" * 64), "its weights.safetensors are not those that its"),
    "an unknown network": (record(network={"name": "x", "arguments": {}}), "its network is none that this version"),
    "a network that is too large for its weights": (
        arguments(encoder=[2_000_000_000, 64]),
        "its weights.safetensors are not those of the network",
    ),
    "a network that is too large for any memory": (arguments(encoder=[10**18, 10**18]), "its (network|weights)"),
    "many layers": (arguments(encoder=[64] * 10_000), "its network has more arguments than any"),
    "an argument that does not exist": (arguments(nosuch=1), "its network cannot be made .*nosuch"),
    "large images": (arguments(decoded_shape=[3, 10**6, 10**6]), "its images are larger than any that a network takes"),
    "images without a size": (
        record(data=DATA | {"preprocess": CROP | {"height": 0}}),
        "its images have no size",
    ),
    "a backbone that nobody has": (
        arguments(backbone={"network": "resnet32", "kept": 11, "layers": 11, "sha256": "0" * 64}),
        "it needs the weights of a resnet32, which neither it nor a run here has",
    ),
    "a tensor too many": (tensors(lambda own: own | {"more": np.zeros(3)}), "its weights.safetensors are not those of"),
    "a tensor of another shape": (
        tensors(lambda own: own | {"encoder.1.bias": np.zeros(3, np.float32)}),
        "its weights.safetensors are not those of",
    ),
    "weights that are a pickle": (
        lambda files: record(weights_sha256=hashlib.sha256(b"\x80\x04pickle" * 9).hexdigest())(
            signed(files | {"weights.safetensors": b"\x80\x04pickle" * 9})
        ),
        "header",
    ),
    "a map that is no table": (changed("map.parquet", lambda _: b"PAR1" * 9), "Parquet"),
    "a map without a column": (columns(lambda table: table.drop_columns(["y"])), "its map.parquet has no column 'y'"),
    "a map without rows": (columns(lambda table: table.slice(0, 0)), "its map.parquet has no rows"),
    "a class that does not exist": (column("label", 500), "its map.parquet has a label that does not exist"),
    "a split that does not exist": (column("split", 9), "its map.parquet has a split that does not exist"),
    "a map of texts": (column("x", "abc"), "is no map of a run"),
    "a map of lists": (column("x", [1.0]), "its map.parquet has a column of the type list"),
    "novelty that is none": (changed("novelty.safetensors", lambda data: data[:-4]), "novelty"),
    "a table of other rows": (
        with_file("table.parquet", as_parquet(name=["a"], file=["b"])),
        "its table.parquet has not as many rows as its map.parquet",
    ),
    "texts that unpack to gigabytes": (texts_that_unpack, "its table.parquet unpacks to more than 4 GB"),
    "fewer pictures than images": (
        with_file("thumbnails.parquet", as_parquet(hash=[b""], picture=[b""])),
        "its thumbnails.parquet has fewer rows than its map.parquet",
    ),
    "a large picture": (
        with_file("thumbnails.parquet", as_parquet(hash=[b""] * 2, picture=[b"x" * 1_000_001, b""])),
        "its thumbnails.parquet has a picture of more than 1000 kB",
    ),
    "notes that are none": (with_file("notes.json", b'{"tags": 3}'), "tags"),
}


def packed(files, path, **options):
    with zipfile.ZipFile(path, "w", **options) as zipped:
        for name, data in files.items():
            zipped.writestr(name, data)


def unpacked(path):
    with zipfile.ZipFile(path) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def is_told(path, said, runs):
    with pytest.raises(UserError, match=said) as told:
        import_run(path)
    text = str(told.value)
    assert "\n" not in text and len(text) < 400 and str(runs) not in text
    assert not left_in(runs), "something was left among the runs"


@pytest.mark.parametrize("damage, said", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_told_and_leaves_nothing(exported, runs, tmp_path, damage, said):
    path = tmp_path / "hostile.kernelviz"
    packed(damage(unpacked(exported)), path)
    is_told(path, said, runs)


def test_a_link_is_told(exported, runs, tmp_path):
    files, path = unpacked(exported), tmp_path / "hostile.kernelviz"
    with zipfile.ZipFile(path, "w") as zipped:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK if name == "run.json" else stat.S_IFREG) << 16
            zipped.writestr(info, data)
    is_told(path, "its run.json is a link", runs)


def test_what_unpacks_to_many_times_its_size_is_told(exported, runs, tmp_path):
    files, path = unpacked(exported), tmp_path / "hostile.kernelviz"
    packed(signed(files | {"notes.json": b" " * 3_000_000}), path, compression=zipfile.ZIP_DEFLATED)
    is_told(path, "its notes.json unpacks to more than 100 times its size", runs)


def test_a_compression_that_is_not_ours_is_told(exported, runs, tmp_path):
    path = tmp_path / "hostile.kernelviz"
    packed(unpacked(exported), path, compression=zipfile.ZIP_LZMA)
    is_told(path, "is compressed in a form that is not read", runs)


def test_two_files_of_one_name_are_told(exported, runs, tmp_path):
    path = tmp_path / "hostile.kernelviz"
    packed(unpacked(exported), path)
    with zipfile.ZipFile(path, "a") as zipped, pytest.warns(UserWarning, match="Duplicate name"):
        zipped.writestr("run.json", b"{}")
    is_told(path, "it has two files of one name", runs)


def test_a_size_that_is_not_true_is_told(exported, runs, tmp_path):
    """A file that unpacks to more bytes than the zip lists: no more than these are written."""
    data = bytearray(exported.read_bytes())
    at = data.rindex(b"PK\x01\x02")  # the last entry of the list of files is the manifest
    at = data.rindex(b"PK\x01\x02", 0, at)
    data[at + 24 : at + 28] = (1).to_bytes(4, "little")
    (tmp_path / "hostile.kernelviz").write_bytes(data)
    is_told(tmp_path / "hostile.kernelviz", "bytes, and not", runs)


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x05\x06" + bytes(18), b"PK\x03\x04" + bytes(60)], ids=len)
def test_what_is_no_zip_is_told(runs, tmp_path, data):
    (tmp_path / "x.kernelviz").write_bytes(data)
    is_told(tmp_path / "x.kernelviz", "the file is damaged, or no .kernelviz file|it has no manifest", runs)


def test_a_file_that_is_cut_anywhere_is_told(exported, runs, tmp_path):
    data = exported.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.999):
        (tmp_path / "x.kernelviz").write_bytes(data[: int(len(data) * share)])
        is_told(tmp_path / "x.kernelviz", "the file is damaged", runs)


def test_bytes_in_memory_are_imported_too(exported):
    assert import_run(io.BytesIO(exported.read_bytes()), "mine").name == "mine"
    with pytest.raises(NotImported):
        import_run(io.BytesIO(b"nothing"))
