"""Every page as Lighthouse and axe-core judge it, loaded once: light on a large screen and on a phone, and dark."""

import re
from urllib.parse import urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from waits import until

from kernelviz.ui.shared.page_frame import PAGES, title_of

SIZES = ((1440, 900), (390, 844))
LARGE, SMALL = SIZES
HEAVY = ("results", "depth", "compare", "kernels", "runs")  # pages
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}  # all that a colour scheme can change
ALSO_SERIOUS = ("heading-order", "page-has-heading-one", "landmark-one-main", "image-redundant-alt")
MAX_SHIFT = 0.1  # what Web Vitals call good
MOST_REQUESTS, MOST_BYTES = 300, 16_000_000  # of a browser that comes for the first time
SMALL_TEXT = 1000  # bytes that need no compression
YEAR = "max-age=31536000"
SHIFTS = """
window.shift = 0
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value
}).observe({ type: 'layout-shift', buffered: true })
"""
# What browsers themselves report; not that Streamlit's labels name no field and that it reads cookies.
HARMLESS = ("GenericIssue", "PerformanceIssue")
HEAD = """() => ({
    language: document.documentElement.lang,
    standard: document.compatMode === 'CSS1Compat',
    viewport: document.querySelector('meta[name=viewport]').content,
    description: document.querySelector('meta[name=description]').content,
    headings: [...document.querySelectorAll('h1')].filter((one) => one.checkVisibility()).length,
    images: [...document.images].filter((one) => one.complete && !(one.hasAttribute('alt') && one.naturalWidth)).length,
    links: [...document.querySelectorAll('a')].filter((one) => !one.innerText.trim() && !one.ariaLabel).length,
})"""
PIXEL = """canvas => {
    const corner = new OffscreenCanvas(1, 1).getContext('2d')
    corner.drawImage(canvas, -2, -2)
    return corner.getImageData(0, 0, 1, 1).data[0]
}"""


class Watched:
    """What a page asks for, and what the browser has to say of it."""

    def __init__(self, page):
        self.issues, self.warnings, self.responses, self.bytes = [], [], [], 0
        page.add_init_script(SHIFTS)
        page.on("response", lambda response: self.responses.append(response))
        page.on("console", lambda message: message.type == "warning" and self.warnings.append(message.text))
        browser = page.context.new_cdp_session(page)
        browser.on("Audits.issueAdded", lambda event: self.issues.append(event["issue"]))
        browser.on("Network.loadingFinished", self.loaded)
        for domain in ("Audits", "Network"):
            browser.send(f"{domain}.enable")

    def loaded(self, event):
        self.bytes += event["encodedDataLength"]


@pytest.mark.parametrize(
    "path", [pytest.param(path, marks=pytest.mark.slow if path in HEAVY else ()) for path in PAGES]
)
def test_a_page_is_sound(path, visit, settle):
    watched = []
    page = visit(path, meddle=lambda page: watched.append(Watched(page)))
    page.wait_for_timeout(500)
    assert page.evaluate("window.shift") < MAX_SHIFT
    loads_well(page, watched[0])
    describes_itself(page, path)
    for scheme, sizes, rules in (("light", SIZES, RULES), ("dark", (SMALL,), CONTRAST)):
        page.emulate_media(color_scheme=scheme)
        for width, height in sizes:
            page.set_viewport_size({"width": width, "height": height})
            settle(page)
            until(page, lambda dark=scheme == "dark": all(at < 60 if dark else at > 200 for at in grounds(page)))
            serves_everybody(page, rules)
            fits(page, width)
    assert not watched[0].warnings


def loads_well(page, watched):
    """Everything comes from here, is found, compressed and kept; and not too much of it."""
    home = urlparse(page.url).netloc
    for response in watched.responses:
        address, headers = urlparse(response.url), response.headers
        if address.scheme in ("blob", "data"):
            continue
        assert address.netloc == home and response.status < 400, response.url
        if "/kernelviz/" in address.path and "/uploads/" not in address.path:
            assert YEAR in headers["cache-control"], response.url
            text = headers["content-type"].startswith(("text/", "application/json"))
            small = int(headers.get("content-length", SMALL_TEXT)) < SMALL_TEXT
            assert not text or small or "content-encoding" in headers, response.url
        elif address.path.startswith("/static/"):
            assert YEAR in headers["cache-control"], response.url
    assert 0 < len(watched.responses) < MOST_REQUESTS and 0 < watched.bytes < MOST_BYTES
    assert [issue for issue in watched.issues if issue["code"] not in HARMLESS and not does_without(issue)] == []


def does_without(issue):
    """Whether a script of Streamlit's or Plotly's tried `eval` or WebAssembly, which the policy forbids."""
    policy = issue["details"].get("contentSecurityPolicyIssueDetails", {})
    tried = policy.get("contentSecurityPolicyViolationType") in ("kEvalViolation", "kWasmEvalViolation")
    return tried and "/static/js/" in policy["sourceCodeLocation"]["url"]


def describes_itself(page, path):
    """The head of the page names it for tabs, search engines and screen readers."""
    head = page.evaluate(HEAD)
    assert page.title() == title_of(path) and head["language"] == "en" and head["standard"]
    assert "user-scalable" not in head["viewport"] and "maximum-scale" not in head["viewport"]
    assert 50 <= len(head["description"]) <= 160
    assert head["headings"] == 1 and head["images"] == 0 and head["links"] == 0


def serves_everybody(page, rules):
    """axe-core finds nothing serious."""
    serious = [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in Axe().run(page, options=rules).response["violations"]
        if one["impact"] in ("serious", "critical") or one["id"] in ALSO_SERIOUS
        for node in one["nodes"]
    ]
    assert not serious, f"{page.viewport_size}: " + "\n".join(serious)


def fits(page, width):
    """Nothing is wider than the window."""
    for element in ("document.documentElement", "document.querySelector('.stMain')"):
        assert page.evaluate(f"{element}.scrollWidth") <= width + 1
    for over in page.locator(".stMain canvas.over:visible").all() if width == SMALL[0] else []:
        area = over.bounding_box()
        assert 300 < area["width"] <= 390 and area["height"] <= 1.1 * area["width"]


def grounds(page):
    """How light the page and the ground of each map are, from 0 to 255: all follow the scheme of the window."""
    colour = page.get_by_test_id("stApp").evaluate("page => getComputedStyle(page).backgroundColor")
    return [int(re.search(r"\d+", colour)[0]), *(dots.evaluate(PIXEL) for dots in page.locator("canvas.dots").all())]
