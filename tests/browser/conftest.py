"""The real dashboard, served by `kernelviz app`, and a headless Chromium that looks at it."""

import os
import shutil
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import sync_playwright
from serving import served
from waits import PATIENCE, settled

# The shell is Chromium without its windows: an empty page takes a tenth of the processor's time.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",  # WebGL in software
]


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not path:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "no Chromium here: install it, e.g. apt install chromium-headless-shell"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(chromium, library, autoencoder, classifier, heads, tmp_path_factory):
    """Address of a dashboard that shows the runs "tiny" and "namer", and the heads "at11" and "at31"."""
    with served(library, tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture
def visit(chromium, server):
    """Open a page of the dashboard in a fresh browser window; an error in its console fails the test.

    `meddle(page)` is called before, to answer some requests otherwise; errors from addresses with `quiet` in them are
    then as they should be.
    """
    contexts, errors = [], []

    def visit(path="", /, width=1440, height=900, scheme="light", meddle=None, touch=False, quiet=None, **address):
        size = {"width": width, "height": height}
        context = chromium.new_context(viewport=size, color_scheme=scheme, has_touch=touch)
        contexts.append(context)
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: noticed(message, errors, quiet))
        if meddle:
            meddle(page)
        page.goto(f"{server}/{path}?{urlencode({'run': 'tiny'} | address)}")
        return settled(page)

    yield visit
    seen = list(errors)  # what a page says while it is taken away does not count
    for context in contexts:
        context.close()
    assert not seen


def noticed(message, errors, quiet):
    """Keep what is an error. Not ours are images of a gallery that a rerun has replaced before they came."""
    expected = ["/media/", *([quiet] if quiet else [])]
    said = f"{message.text} {message.location['url']}"
    if message.type == "error" and not any(part in said for part in expected):
        errors.append(said)


@pytest.fixture
def settle():
    return settled
