"""Pages with runs that are broken or empty, and with mistakes of the user."""

import shutil

import pytest

from kernelviz.disk import own_file
from kernelviz.errors import UserError


def test_a_record_without_a_probe_is_a_warning_on_every_page(add, opened, autoencoder):
    add(autoencoder)
    add(autoencoder, "a-broken-one", probe=None)
    (add(autoencoder, "another") / "run.json").write_bytes(b"[" * 100_000)
    for page in ("", "probe", "depth", "upload", "runs", "kernels", "recommend", "results"):
        app = opened(page)
        assert not app.exception and len(app.warning) == 2, page


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
