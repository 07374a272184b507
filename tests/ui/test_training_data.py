"""The choice of data to train on: folders within the roots only, uploads by content, and what is found in them."""

import io
import os
import re
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kernelviz.disk import data_folder
from kernelviz.errors import NotFound, UserError
from kernelviz.ui.shared import sharing
from kernelviz.ui.shared.labels import as_text
from kernelviz.ui.train import folders, found
from kernelviz.ui.train.uploaded_data import safe_name, store


def picture(shade=200, side=32):
    file = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), shade, np.uint8)).save(file, "PNG")
    return file.getvalue()


def quiet(share, note):
    assert 0 <= share <= 1 and note


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    monkeypatch.setattr(sharing, "_settings", sharing._settings)
    found.look_again()


@pytest.fixture
def root(tmp_path):
    """A data root with pictures in two classes, and beside it what nobody may see."""
    root = tmp_path / "shared"
    for name, n in (("cats", 3), ("dogs", 5)):
        (root / name).mkdir(parents=True)
        for at in range(n):
            (root / name / f"{at}.png").write_bytes(picture(20 * at + len(name)))
    (root / "notes.txt").write_text("none")
    (root / ".hidden").mkdir()
    (root / "vectors.npy").write_bytes(b"x" * 1500)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "mine.png").write_bytes(picture())
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "loop").symlink_to(root / "loop")
    (root / "kittens").symlink_to(root / "cats")
    sharing.set_up(data_roots=[root])
    return root.resolve()


def test_a_folder_is_listed_without_what_leads_out_of_the_roots(root):
    listed = folders.listed(root, (root,))
    assert [(one.name, one.is_folder) for one in listed.entries] == [
        *(("cats", True), ("dogs", True), ("kittens", True), ("vectors.npy", False))
    ]
    assert [one.inside for one in listed.entries[:3]] == ["3 pictures", "5 pictures", "3 pictures"]
    assert listed.entries[3].size == 1500
    assert (listed.others, listed.left_out) == (1, 2)  # notes.txt; out and loop
    assert folders.below(root) == (8, 1, True)


@pytest.mark.parametrize(
    "path", ["{root}/../secret", "{root}/out", "{root}/out/mine.png", "/", "/etc/passwd", "{root}/.hidden", "cats"]
)
@pytest.mark.parametrize(
    "check", [lambda path, root: folders.within(path, (root,)), lambda path, _: found.found_in(path)]
)
def test_no_way_leads_out_of_the_roots(root, path, check):
    with pytest.raises(UserError):
        check(path.format(root=root), root)


@pytest.mark.parametrize("path", ["{root}/none", "{root}/loop", "{root}/a\0b", "{root}/" + "x" * 5000])
def test_what_is_not_there_is_said_to_be_so(root, path):
    with pytest.raises(NotFound):
        folders.within(path.format(root=root), (root,))


def test_names_that_are_no_text_are_left_out(root):
    os.mkdir(os.fsencode(root) + b"/\xff")
    assert folders.listed(root, (root,)).left_out == 3


def test_many_entries_are_listed_quickly(root):
    for n in range(3000):
        (root / "cats" / f"sub{n}").mkdir()
    listed = folders.listed(root / "cats", (root,))
    assert len(listed.entries) == 3000 and len(listed.pictures) == 3


@pytest.mark.parametrize(
    "name", ["**bold**", "[x](http://e)", ":material/home:", ":red[x]", "<b>", "`a`", "$x$", "a_b_"]
)
def test_names_are_text(name):
    shown = as_text(name)
    assert shown.replace("\\", "").replace("\u2060", "") == name
    assert re.fullmatch(r"(\\[!-/:-@\[-`{-~]\u2060?|\w)*", shown) and not re.search(r":\w", shown)


def test_what_is_found_in_a_folder(root):
    notes = []
    (root / "out").unlink()
    here = found.found_in(str(root), progress=lambda share, note: notes.append(note))
    assert (here.n, here.unit, here.splits) == (8 + 3, "pictures", {})  # kittens are the cats again
    assert dict(here.classes) == {"cats": 3, "dogs": 5, "kittens": 3}
    assert here.sizes.largest == 32 and here.unreadable == 0
    assert here.sample.shape == (2 * 100 + 4, 6 * 100 + 4, 3)
    assert here.lines[0].startswith("11 pictures in shared, 32 x 32 pixels")
    assert [names for _, names in here.left_out]
    assert notes and found.found_in(str(root)) is here
    (root / "new.png").write_bytes(picture(7))
    assert found.found_in(str(root)).n == 12  # the folder has changed


def test_pictures_outside_that_a_link_or_a_table_tells_of_are_refused(root, tmp_path):
    with pytest.raises(UserError, match="outside the folders"):
        found.found_in(str(root))  # through the link named out
    (root / "out").unlink()
    table = root / "table.csv"
    table.write_text(f"path\n{tmp_path / 'secret' / 'mine.png'}\ncats/0.png\n")
    with pytest.raises(UserError, match="outside the folders"):
        found.found_in(str(table))


def test_what_is_raised_while_progress_is_told_stops_the_search(root):
    class Stop(BaseException):
        pass

    def stop(share, note):
        raise Stop

    (root / "out").unlink()
    with pytest.raises(Stop):
        found.found_in(str(root), progress=stop)
    assert found.found_in(str(root)).n == 11


def test_where_one_may_not_train_nothing_is_found(root):
    sharing.set_up(read_only=True, data_roots=[root])
    for source in (str(root / "cats"), "digits"):
        with pytest.raises(UserError):
            found.found_in(source)


def test_a_named_set_is_found():
    digits = found.found_in("digits")
    assert (digits.n, len(digits.classes)) == (1797, 10) and digits.splits["test"] == 297


def test_pictures_that_are_uploaded_become_one_archive_named_by_its_content():
    files = [("a/1.png", picture(1)), ("b/2.png", picture(2)), ("../b/2.png", picture(3)), ("x.png", b"no picture")]
    path, rejected = store([(name, io.BytesIO(data)) for name, data in files], quiet)
    assert path.parent.parent == data_folder() / "uploads" and path.name == "pictures.zip"
    assert [one.name for one in rejected] == ["x.png"] and "not a picture" in rejected[0].reason
    assert zipfile.ZipFile(path).namelist() == ["a/1.png", "b/2.png", "b/2-2.png"]
    again, _ = store([(name, io.BytesIO(data)) for name, data in files], quiet)
    assert again == path and len(list(path.parent.parent.iterdir())) == 1
    here = found.found_in(str(path))
    assert here.n == 3 and dict(here.classes) == {"a": 1, "b": 2}


def test_an_archive_or_vectors_stay_as_they_are():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("one.png", picture(9))
        out.writestr("two.png", picture(10))
    path, _ = store([("My photos (2).ZIP", archive)], quiet)
    assert path.name == "My-photos-2.zip" and path.read_bytes() == archive.getvalue()
    vectors = io.BytesIO()
    np.save(vectors, np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32))
    path, _ = store([("v.npy", vectors)], quiet)
    here = found.found_in(str(path))
    assert (here.n, here.unit, here.sample, here.sizes) == (20, "vectors", None, None)


def parquet(**columns):
    file = io.BytesIO()
    pd.DataFrame(columns).to_parquet(file)
    return file.getvalue()


@pytest.mark.parametrize(
    "name, data, reason",
    [
        ("a.zip", b"PK\x03\x04 and no more", "damaged"),
        ("a.npy", b"\x93NUMPY", "damaged"),
        ("a.parquet", parquet(path=["/etc/passwd"], vector=[[1.0, 2.0]]), "without pictures or paths"),
        ("a.parquet", parquet(image=[{"bytes": None, "path": "/etc/x.png"}]), "without pictures or paths"),
        ("a.exe", b"MZ", "not a picture"),
        ("a.png", b"", "empty"),
        ("a.csv", b"path\n/etc/passwd\n", "not a picture"),
    ],
)
def test_uploads_that_are_refused_by_name(name, data, reason):
    with pytest.raises(UserError, match=reason) as error:
        store([(name, io.BytesIO(data))], quiet)
    assert name in str(error.value) and str(data_folder()) not in str(error.value)
    assert list((data_folder() / "uploads").iterdir()) == []


def test_uploads_beyond_the_space_are_refused(monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 10}))
    with pytest.raises(UserError, match="free space"):
        store([("a.png", io.BytesIO(picture()))], quiet)


@pytest.mark.parametrize(
    "name, safe",
    [("../../etc/pass wd.zip", "pass-wd.zip"), ("C:\\x\\ü.NPZ", "data.npz"), ("a" * 99 + ".zip", "a" * 64 + ".zip")],
)
def test_a_stored_upload_has_a_harmless_name(name, safe):
    assert safe_name(name) == safe


def test_the_page_goes_from_a_folder_to_what_is_in_it(opened, root):
    (root / "out").unlink()
    app = opened("train")
    assert not app.exception
    labels = [button.label for button in app.button]
    assert any(label.startswith("cats") for label in labels) and not any("hidden" in label for label in labels)
    next(button for button in app.button if button.label.startswith("dogs")).click().run()
    app.button(key="crumb-" + str(root)).click().run()
    next(button for button in app.button if button.label == "Use this folder").click().run()
    assert not app.exception and any("11 pictures" in one.value for one in app.markdown)
    assert app.session_state["data folder"] == str(root)


def test_what_runs_were_trained_on_is_offered_again(opened, add, autoencoder, root):
    add(autoencoder, recipe=autoencoder.recipe | {"data": str(root / "dogs")})
    app = opened("train")
    assert not app.exception
    app.button(key=f"recent-{root / 'dogs'}").click().run()
    assert not app.exception and app.session_state["data folder"] == str(root / "dogs")


def test_a_search_and_a_path_that_is_entered(opened, root):
    for n in range(60):
        (root / "cats" / f"sub{n}").mkdir()
    app = opened("train", {"data browser at": str(root / "cats")})
    assert any("20 more" in one.value for one in app.caption)
    app.text_input(key="data browser search").set_value("UB59").run()
    assert [button.label.split("\u2003")[0] for button in app.button if "sub" in button.label] == ["sub59"]
    app.text_input(key="data browser search").set_value(str(root / "dogs")).run()
    next(button for button in app.button if button.label.startswith("Open")).click().run()
    assert not app.exception and app.session_state["data browser at"] == str(root / "dogs")
    app.text_input(key="data browser search").set_value("/etc").run()
    assert any("outside" in one.value for one in app.caption) and not any("Open" in b.label for b in app.button)


def test_the_page_is_not_there_where_one_may_not_train(opened, root):
    sharing.set_up(read_only=True)
    app = opened("train")
    assert not app.exception and any("Training is off" in one.value for one in app.info)
