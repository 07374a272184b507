"""What the browser tests wait for: always a condition, never a time."""

import time

PATIENCE = 60  # seconds that a server or a page may take on a busy machine
QUIET = 12  # frames without a rerun, after which none is on its way: what a click causes is sent within a few
IDLE = """() => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'notRunning'
    && document.querySelector('[data-testid="stMainBlockContainer"]')
    && !document.querySelector('[data-stale="true"], [data-testid="stSpinner"], [data-testid="stSkeleton"]')"""
NEXT_FRAME = "new Promise((done) => requestAnimationFrame(done))"
STAYS_IDLE = f"""([turn, quiet]) => {{
    if (window.idleTurn !== turn) [window.idleTurn, window.idleFrames] = [turn, 0]
    window.idleFrames = ({IDLE})() ? window.idleFrames + 1 : 0
    return window.idleFrames > quiet
}}"""


def settled(page):
    """The page, once the script has run, what it sent is on the page, and no frame of some shows another rerun.

    From the moment a widget asks for a rerun, the page does not say `notRunning`.
    """
    page.wait_for_function(STAYS_IDLE, arg=[time.monotonic(), QUIET], polling="raf")
    return page


def frames(page, n=2):
    """Wait until the page is painted: the canvas paints what an event has changed in the next frame."""
    page.evaluate(f"async (n) => {{ while (n--) await {NEXT_FRAME} }}", n)


def until(page, holds, patience=PATIENCE):
    """What `holds()` gives, asked once a frame, as soon as it is true."""
    end = time.monotonic() + patience
    while not (found := holds()):
        assert time.monotonic() < end, f"not within {patience} s"
        frames(page, 1)
    return found
