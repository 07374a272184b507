"""Pages with runs that are broken or empty, and with mistakes of the user."""

import contextlib
import os
import re
import shutil

import pytest
from streamlit.testing.v1 import AppTest

from kernelviz.disk import own_file
from kernelviz.errors import UserError
from kernelviz.ingest.files import RejectedFile
from kernelviz.jobs import queue
from kernelviz.storage.store import claimed
from kernelviz.tasks.recipes import RECIPES
from kernelviz.ui.shared import sharing


def test_a_record_without_a_probe_is_a_warning_on_every_page(add, opened, autoencoder):
    add(autoencoder)
    add(autoencoder, "a-broken-one", probe=None)
    (add(autoencoder, "another") / "run.json").write_bytes(b"[" * 100_000)
    for page in ("", "probe", "depth", "upload", "runs", "kernels", "recommend", "results"):
        app = opened(page)
        assert not app.exception and len(app.warning) == 2, page


def test_maps_of_epochs_that_are_spoilt_stop_no_page(add, opened, autoencoder):
    (add(autoencoder) / "epochs.safetensors").write_bytes(b"no such thing")
    for page in ("", "compare"):
        assert not opened(page).exception, page


def test_trainings_whose_files_are_spoilt_stop_no_page(no_runs, opened, monkeypatch, tmp_path):
    for module in ("queue", "workers"):
        monkeypatch.setattr(f"kernelviz.jobs.{module}.start", lambda: None)
    sharing.set_up(data_roots=[tmp_path])
    contents = [b"", b"\xff", b"[" * 100_000, b'{"stage": 3, "share": "x"}', b'[{"loss": "x"}]', b'[{"epoch": 1}, []]']
    for at, content in enumerate(contents):
        for file in ("training.json", "progress.json", "history.json"):
            name = f"{file[:4]}-{at}"
            queue.put(name, RECIPES["digits-autoencoder"].plan(0, ""))
            queue.pause(name)
            (no_runs / name / file).write_bytes(content)
    for at in range(len(contents)):
        with claimed(f"hist-{at}"), claimed(f"prog-{at}"):  # they run
            app = opened("train")
            assert not app.exception, contents[at]
            assert len([one for one in app.markdown if "Running" in one.value]) == 2
    sharing.set_up()


def test_a_run_without_its_map_says_so(add, opened, autoencoder):
    (add(autoencoder) / "map.parquet").unlink()
    app = opened()
    assert not app.exception and "map.parquet" in app.error[0].value


@pytest.mark.parametrize("page", ["", "upload"])
def test_a_mistake_of_the_user_is_a_red_box_and_a_bug_is_not(page, add, opened, autoencoder, monkeypatch):
    add(autoencoder)
    fails = {"error": UserError("choose another one")}

    def load(*_):
        raise fails["error"]

    monkeypatch.setattr("kernelviz.ui.shared.caches.load_map", load)
    app = opened(page)
    assert [one.value for one in app.error] == ["choose another one"] and not app.exception
    fails["error"] = ValueError("a bug")
    assert opened(page).exception


@pytest.fixture
def depth31(no_runs):
    """A copy of a shipped run that has no validation images."""
    return shutil.copytree(own_file("pretrained", "cifar10-resnet32-kept31"), no_runs / "cifar10-resnet32-kept31")


def test_a_split_without_images_is_not_offered(depth31, opened):
    app = opened()
    assert not app.exception and app.selectbox(key="split").options == ["train", "test"]


def test_an_address_of_a_split_without_images_says_so(depth31, opened):
    app = opened(split="validation")
    assert not app.exception and app.selectbox(key="split").value == "test"
    assert any("no validation images" in one.value for one in app.info)


HOSTILE = "![x](http://example.org/x.png) [y](javascript:1) <b> :red[z] $\\frac{1}{2}$ \x1b[31m\u202e"


def test_what_a_record_says_is_text_on_every_page(add, opened, autoencoder):
    made = autoencoder.made_by | {"device": HOSTILE, "command": HOSTILE, "commit": HOSTILE}
    classes = [f"{HOSTILE} {digit}" for digit in range(10)]
    data = autoencoder.data | {"name": HOSTILE, "classes": classes}
    recipe = autoencoder.recipe | {"objectives": {HOSTILE: 1.0}}
    folder = add(autoencoder, data=data, made_by=made, recipe=recipe)
    add(autoencoder, "broken", format=HOSTILE)
    add(autoencoder, "more", **{HOSTILE: 1})
    for when in (-1e9, 0, 4e9, 1e12):  # the clock was turned
        with contextlib.suppress(OSError, OverflowError):  # what the file system cannot have
            os.utime(folder / "run.json", (when, when))
            os.utime(folder, (when, when))
    for page in ("", "probe", "depth", "compare", "upload", "runs", "kernels"):
        app = opened(page, run="tiny")
        assert not app.exception, page
        shown = [one for kind in AS_MARKDOWN for one in getattr(app, kind)]
        texts = [getattr(one.proto, name, "") for one in shown for name in ("body", "label", "help")]
        assert any(texts), page
        for text in texts:
            assert not re.search(r"(?<!\\)\[[^\]]*\]\(|(?<!\\)<b>|:red\[|(?<!\\)\$|[\x1b\u202e]", str(text)), text


AS_MARKDOWN = ("markdown", "caption", "title", "header", "warning", "error", "info", "success", "button")


def test_all_rejected_files_can_be_seen():
    names = [RejectedFile(f"{at}{HOSTILE}.png", f"reason {at % 8} {HOSTILE}") for at in range(30)]

    def page(names):
        from kernelviz.ui.shared.files import warn_of_rejected

        warn_of_rejected(names)

    app = AppTest.from_function(page, kwargs={"names": names}).run()
    assert not app.exception and len(app.dataframe[0].value) == 30 and len(app.warning) == 7
    assert not any(re.search(r"(?<!\\)\[x\]", one.value) for one in app.warning)


def test_a_disk_that_is_nearly_full_is_told_where_files_are_chosen(opened, monkeypatch):
    monkeypatch.setattr("kernelviz.ui.shared.files.SPARE", 10**18)
    said = [one.value for one in opened("runs").warning]
    assert len(said) == 1 and re.search(r"nearly full \([\d,]+ MB are free\): larger files will be refused", said[0])
