"""Every page as axe-core sees it: no serious finding, in light and dark, on a large screen and on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from kernelviz.ui.shared.page_frame import PAGES

SIZES = ((1440, 900), (390, 844))
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_serious_finding(path, scheme, visit, settle):
    page = visit(path, scheme=scheme)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        serious = [
            f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
            for one in Axe().run(page, options=RULES).response["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]
        assert not serious, f"at {width} pixels: " + "\n".join(serious)
