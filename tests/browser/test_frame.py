"""What stands around the pages."""

import os
import subprocess
import sys

import pytest
from serving import free_port, wait_for
from waits import until


def test_the_map_its_tools_and_its_legend_are_in_the_window(visit):
    page = visit()
    page.locator(".left .legend button").first.wait_for()
    for part in (".left .toolbar", ".left .stage", ".left .legend"):
        box = page.locator(part).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 900, part
    assert page.locator(".left .stage").bounding_box()["height"] > 500


@pytest.mark.slow
def test_a_phone_names_the_page_in_its_bar_and_closes_it_on_choice(visit, settle):
    page = visit("probe", width=390, height=844, touch=True)
    opener = page.get_by_test_id("stExpandSidebarButton")
    assert "Probe" in opener.evaluate("one => getComputedStyle(one, '::after').content")
    assert opener.bounding_box()["height"] >= 44
    opener.click()
    link = page.get_by_role("link", name="Results")
    link.wait_for()
    assert link.bounding_box()["height"] >= 44
    link.click()
    page.wait_for_url("**/results*")
    settle(page)
    until(page, lambda: (box := link.bounding_box()) is None or box["x"] + box["width"] <= 0)  # the menu slides away
    assert "Results" in opener.evaluate("one => getComputedStyle(one, '::after').content")


@pytest.mark.slow
def test_a_stopped_server_says_how_to_start_it(chromium, library, tmp_path, settle):
    port = free_port()
    folders = {"KERNELVIZ_RUNS": str(library), "KERNELVIZ_DATA": str(tmp_path), "STREAMLIT_SERVER_HEADLESS": "true"}
    command = [sys.executable, "-m", "kernelviz.cli", "app", "--port", str(port)]
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(command, env=os.environ | folders, stdout=log, stderr=log)
    page = chromium.new_page()
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", server, tmp_path / "log")
        page.goto(f"http://127.0.0.1:{port}/explore?run=tiny")
        settle(page)
        assert not page.get_by_text("has stopped").is_visible()
        server.kill()
        page.get_by_text(f"Start it with kernelviz app --port {port}").wait_for()
        assert page.get_by_test_id("stDialog").locator("visible=true").count() == 0
    finally:
        server.kill()
        server.wait()
        page.close()


def test_the_keyboard_gets_past_the_menu_to_the_map(visit):
    page = visit()
    page.locator(".left .legend button").first.wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the map"
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.shadowRoot?.activeElement?.matches('canvas.over')")
