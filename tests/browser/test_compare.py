"""Two runs side by side in a real browser."""

import numpy as np
import pytest
from test_depth import alone, on_screen
from waits import frames

from kernelviz.evaluation.depths import laid_over, reach_of
from kernelviz.storage.embedding_map import load_map


@pytest.mark.slow
def test_maps_of_two_runs_are_linked_and_share_one_legend(visit, settle, autoencoder, classifier):
    both = [load_map(run.folder).of_split("test") for run in (autoencoder, classifier)]
    extent = reach_of(both, [np.eye(2, 3), laid_over(both[::-1])[0]])
    page = visit("compare", left="tiny", right="namer")
    page.locator("canvas.over").nth(1).wait_for()
    for status in page.locator(".status").all():
        status.wait_for(state="hidden")
    settle(page)
    row = alone(both[0].coordinates)
    page.mouse.move(*on_screen(page, 0, both[0].coordinates[row].tolist(), extent))
    cards = page.locator(".card:not(.pinned):visible")
    cards.nth(1).wait_for()
    assert all(f"no. {row}" in words for words in cards.all_inner_texts())
    page.get_by_role("group", name="Legend").get_by_role("button", name="3,").click()
    frames(page)
    assert page.locator("div.legend").count() == 1 and page.locator(".legend button[aria-pressed=false]").count() == 1
    assert page.evaluate("document.activeElement.shadowRoot?.activeElement.dataset.group") == "3"  # the focus stays
    other = visit("compare", left="tiny", right="at11")  # of other images
    other.locator("canvas.over").nth(1).wait_for()
    settle(other)
    other.mouse.move(*on_screen(other, 0, (0, 0), extent))
    for _ in range(3):
        other.mouse.wheel(0, -300)
        frames(other)
    other.locator("canvas.overview").nth(1).wait_for()  # both maps have zoomed in
    assert other.locator(".card:not(.pinned):visible").count() <= 1
