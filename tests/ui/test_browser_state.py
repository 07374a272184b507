"""What a browser has stays when its page is loaded again, and is forgotten once it does not come back."""

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from kernelviz.ui.server.app import ROUTES
from kernelviz.ui.shared import browser_state


@pytest.fixture
def browse(monkeypatch):
    """Open a session of a browser; its cookie is the name."""
    monkeypatch.setattr(browser_state, "_browsers", type(browser_state._browsers)())

    def browse(cookie, at=0.0):
        monkeypatch.setattr(st, "session_state", {})
        monkeypatch.setattr(st, "context", type("Context", (), {"cookies": {browser_state.COOKIE: cookie}}))
        monkeypatch.setattr(browser_state.time, "monotonic", lambda: at)

    return browse


def test_what_a_browser_has_stays_and_belongs_to_it_alone(browse):
    browse("one")
    mine = browser_state.kept("ratings", dict)
    mine["film"] = 5
    browse("one", at=browser_state.PATIENCE - 1)
    assert browser_state.kept("ratings", dict) is mine
    browse("two")
    assert browser_state.kept("ratings", dict) == {}


def test_what_a_browser_has_is_forgotten_after_a_while_and_when_many_come(browse, monkeypatch):
    browse("one")
    mine = browser_state.kept("ratings", dict)
    browse("two", at=browser_state.PATIENCE + 1)
    browser_state.kept("ratings", dict)
    browse("one", at=browser_state.PATIENCE + 2)
    assert browser_state.kept("ratings", dict) is not mine
    monkeypatch.setattr(browser_state, "MAX_BROWSERS", 3)
    for number in range(9):
        browse(f"many {number}", at=browser_state.PATIENCE + 3)
        browser_state.kept("ratings", dict)
    assert list(browser_state._browsers) == ["many 6", "many 7", "many 8"]


def test_without_a_cookie_it_belongs_to_the_session(browse):
    browse("")
    mine = browser_state.kept("ratings", dict)
    assert browser_state.kept("ratings", dict) is mine and not browser_state._browsers


def test_the_first_page_gives_a_cookie_that_scripts_cannot_read():
    client = TestClient(Starlette(routes=ROUTES), base_url="http://localhost:8501")
    header = client.get("/probe").headers["set-cookie"]
    assert header.startswith(browser_state.COOKIE) and "HttpOnly" in header and "SameSite=strict" in header
    assert "set-cookie" not in client.get("/").headers
