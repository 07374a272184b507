"""The dashboard below a path, as behind a proxy, for visitors that bring its token."""

import pytest
from serving import served
from waits import PATIENCE, settled

TOKEN = "a-token-of-some-length"


@pytest.fixture
def below(library, autoencoder, tmp_path):
    with served(library, tmp_path, "--base-path", "/viz", "--token", TOKEN) as address:
        yield address


@pytest.mark.slow
def test_the_token_in_the_address_opens_the_dashboard_below_a_path(chromium, below):
    context, errors = chromium.new_context(), []
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    page.goto(f"{below}/viz/")
    assert page.get_by_label("Token").is_visible()
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.goto(f"{below}/viz?run=tiny&token={TOKEN}")
    page.wait_for_selector("canvas.over")
    assert settled(page).url.split("#")[0] == f"{below}/viz/?run=tiny"
    page.get_by_role("link", name="Probe").click()
    page.wait_for_url("**/viz/probe*")
    page.wait_for_selector("canvas.over")
    page.reload()
    page.wait_for_selector("canvas.over")
    settled(page)
    context.close()
    assert not errors
