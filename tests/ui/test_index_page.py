"""Tests of the page that a browser gets first."""

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.file_util import get_static_dir

from kernelviz.disk import own_file
from kernelviz.ui.server.app import ROUTES
from kernelviz.ui.server.index_page import rewritten
from kernelviz.ui.shared.page_frame import PAGES, title_of

STREAMLITS = (Path(get_static_dir()) / "index.html").read_text(encoding="utf-8")


@pytest.fixture
def client():
    return TestClient(Starlette(routes=ROUTES), base_url="http://localhost:8501", follow_redirects=False)


@pytest.mark.parametrize("address", PAGES)
def test_every_page_has_its_title_from_the_first_byte(address, client):
    page = client.get(f"/{address}")
    assert page.status_code == 200 and page.headers["cache-control"] == "no-cache"
    assert re.findall("<title>(.*?)</title>", page.text) == [title_of(address)]
    scripts = re.compile(r'src="(.*?)"|<link rel="stylesheet".*?href="(.*?)"')
    assert scripts.findall(page.text) == scripts.findall(STREAMLITS) != []


def test_what_is_added_comes_before_the_scripts_of_streamlit():
    html = rewritten(STREAMLITS, "probe", "kernelviz app --port 9")
    assert html.index("BACKEND_BASE_URL") < html.index('type="module"') and "depth|" in html
    assert "<code>kernelviz app --port 9</code>" in html and html.index('id="skip"') < html.index('id="root"')


def test_the_scripts_of_the_canvas_are_fetched_at_once(client):
    fetched = re.findall(r'rel="modulepreload" fetchpriority="low" href="./(.*?)"', client.get("/probe").text)
    assert len(fetched) > 50 and all(client.get(f"/{address}").status_code == 200 for address in fetched)


def test_the_command_names_a_port_that_is_not_the_usual_one(client):
    assert "<code>kernelviz app</code>" in client.get("/").text
    assert "<code>kernelviz app --port 9000</code>" in client.get("http://localhost:9000/probe").text


def test_the_icon_is_ours(client):
    assert client.get("/favicon.png").content == own_file("assets", "icon.png").read_bytes()


@pytest.mark.parametrize("query", ["", "?run=tiny&colour=a%20b"])
def test_explore_has_an_address_of_its_own(query, client):
    answer = client.get(f"/explore{query}")
    assert answer.is_redirect and answer.headers["location"] == f"./{query}"
