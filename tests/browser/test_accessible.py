"""Every page as axe-core sees it: no serious finding, in light and dark, on a large screen and on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe

PAGES = ("", "probe", "depth", "compare", "upload", "kernels", "recommend", "results")
SIZES = {"large": (1440, 900), "phone": (390, 844)}
# Parts of Streamlit that no page can change, by rule and by what stands in the element.
NOT_OURS = {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_serious_finding(path, size, scheme, visit):
    width, height = SIZES[size]
    page = visit(path, width=width, height=height, scheme=scheme)
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}).response["violations"]
    serious = [
        f"{one['id']}: {one['help']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
        if not any(part in node["html"] for part in NOT_OURS.get(one["id"], ()))
    ]
    assert not serious, "\n".join(serious)
