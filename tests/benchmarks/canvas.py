"""How fast the canvas is in a real browser: `python tests/benchmarks/canvas.py [--large] [--json]`.

Headless Chromium renders in software here; times between frames come from requestAnimationFrame. The maps are made up:
20 clouds of points, with --large 10 million of them, of which the page has tiles. The network is the shipped
mnist-autoencoder, whose decoder is the paper's (8.8 million weights).
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pyarrow as pa
from playwright.sync_api import Browser, Page, sync_playwright
from pyarrow import parquet

from kernelviz.data.images import load
from kernelviz.disk import own_file
from kernelviz.plots.images import png
from kernelviz.storage.embedding_map import COLUMNS, SPLITS, EmbeddingMap

SIZES = (10_000, 70_000, 1_000_000)
LARGE = 10_000_000
PART = 1_000_000  # points that are made at a time
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FIRST_TILES = 4  # of the first view
VALUES = ("confidence", "error", "clarity")
SECONDS = 4  # of every kind of movement
WANTED = {
    "decode_median_ms": 8, "decode_95_ms": 16, "probe_frames_per_second": 60, "decodes_per_frame": 1,
    "pan_10000_frames_per_second": 60, "pan_70000_frames_per_second": 60, "pan_1000000_frames_per_second": 60,
    "drop_100_digits_ms": 1000, "sketch_updates_per_second": 10,
    "hover_to_card_ms": 50, "lasso_ms": 30, "first_view_bytes": 1e6,
    "large_open_s": 3, "large_pan_frames_per_second": 30, "large_zoom_frames_per_second": 30,
    "large_lasso_ms": 200, "large_search_ms": 200,
}  # fmt: skip

SETUP = """() => {
    const find = (root, wanted) => {
        for (const one of root.querySelectorAll('*')) {
            if (one.matches(wanted)) return one
            const inside = one.shadowRoot && find(one.shadowRoot, wanted)
            if (inside) return inside
        }
    }
    window.over = find(document, 'canvas.over')
    window.card = find(document, '.card:not(.pinned)')
    window.send = (type, x, y, more = {}) => {
        const area = over.getBoundingClientRect()
        const [clientX, clientY] = [area.left + x * area.width, area.top + y * area.height]
        over.dispatchEvent(new PointerEvent(type, { clientX, clientY, pointerId: 1, bubbles: true, ...more }))
    }
    over.setPointerCapture = () => {}
    window.frame = () => new Promise(requestAnimationFrame)
    /** Move once in every frame; the times between the frames. */
    window.moving = async (seconds, place) => {
        const times = []
        send('pointerdown', ...place(0))
        for (let last = await frame(), start = last; last - start < 1000 * seconds; ) {
            send('pointermove', ...place((last - start) / 1000))
            const now = await frame()
            times.push(now - last)
            last = now
        }
        send('pointerup', ...place(0))
        return times
    }
}"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        metrics = {"processors": os.cpu_count(), "browser": browser.version}
        metrics |= (of_a_large_map if "--large" in sys.argv else of_all_else)(browser, Path(folder))
    if "--json" in sys.argv:
        print(json.dumps(metrics))
        return
    for name, value in metrics.items():
        print(f"{name:32} {value:>12}" + (f"   wanted {WANTED[name]:g}" if name in WANTED else ""))


def of_all_else(browser: Browser, folder: Path) -> dict:
    for n in SIZES:
        make_run(folder / f"made-{n}", n)
    metrics = {}
    with served(folder) as (address, _):
        metrics |= probing(unpacked(browser, f"{address}/probe?run=made-10000"))
        metrics |= uploading(unpacked(browser, f"{address}/upload?run=mnist-neighbours"))
        for n in SIZES:
            page = unpacked(browser, f"{address}/?run=made-{n}")
            metrics[f"pan_{n}_frames_per_second"] = panning(page)
            if n == 70_000:
                metrics |= {"hover_to_card_ms": hovering(page), "lasso_ms": selecting(page)}
                metrics["first_view_bytes"] = fetched(browser, f"{address}/?run=made-{n}")
            page.context.close()
    return metrics


def of_a_large_map(browser: Browser, folder: Path) -> dict:
    """The first opening, for which the points are sorted; then, with a server that is new, what follows."""
    make_large_run(folder / "runs" / "large", LARGE)
    with served(folder / "runs", folder) as (address, process):
        first = opened_large(browser, f"{address}/?run=large")[1]
    with served(folder / "runs", folder) as (address, process):
        unpacked(browser, f"{address}/probe?run=mnist-autoencoder").context.close()
        before = memory(process.pid)
        page, seconds = opened_large(browser, f"{address}/?run=large")
        page.wait_for_timeout(3000)
        page.evaluate(SETUP)
        asked = {
            "large_lasso_ms": asking(page, [f"within={lasso(size)}" for size in (0.5, 1, 1.5, 2, 2.5)]),
            "large_search_ms": asking(page, [f"text={text}" for text in (3, 7, 9, 123, 4567890)]),
        }
        return {
            "large_first_open_s": rounded(first),
            "large_open_s": rounded(seconds),
            "large_pan_frames_per_second": panning(page),
            "large_zoom_frames_per_second": zooming(page),
            **asked,
            "large_page_MB": max(memory(one) for one in renderers(browser)),
            "large_server_MB": memory(process.pid),
            "large_server_before_MB": before,
        }


def make_large_run(folder: Path, n: int) -> None:
    """A copy of the shipped autoencoder with a map of n made-up test images, written a part at a time."""
    shutil.copytree(own_file("pretrained", "mnist-autoencoder"), folder)
    rng = np.random.default_rng(0)
    middles, spread = rng.uniform(-3.4, 3.4, (20, 2)), rng.uniform(0.1, 0.5, 20)
    schema = pa.schema({name: pa.from_numpy_dtype(kind) for name, kind in COLUMNS.items()})
    with parquet.ParquetWriter(folder / "map.parquet", schema, compression="zstd") as writer:
        for start in range(0, n, PART):
            m = min(PART, n - start)
            cloud = rng.integers(0, 20, m)
            x, y = (middles[cloud] + rng.normal(size=(m, 2)) * spread[cloud, None]).clip(-4, 4).T
            split, values = np.full(m, SPLITS.index("test")), {name: rng.random(m) for name in VALUES}
            prediction = np.where(rng.random(m) < 0.95, cloud % 10, 0)
            made = {"index": start + np.arange(m), "split": split, "x": x, "y": y, "label": cloud % 10} | values
            made["prediction"] = prediction
            writer.write_table(pa.table({name: made[name].astype(kind) for name, kind in COLUMNS.items()}))


def opened_large(browser: Browser, address: str) -> tuple[Page, float]:
    """A page with a large map, and the seconds until its first tiles and points are painted."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(180_000)
    tiles = []
    page.on("requestfinished", lambda request: "/tiles/" in request.url and tiles.append(request))
    started = time.perf_counter()
    page.goto(address)
    page.locator("canvas.over").wait_for()
    page.locator(".status").wait_for(state="hidden")
    while len(tiles) < FIRST_TILES:
        page.wait_for_timeout(20)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page, time.perf_counter() - started


def asking(page: Page, queries: list[str]) -> float:
    """From a request to its answer, how many points a selection has in each class; no selection is asked for twice."""
    times = page.evaluate(
        """async (queries) => {
            const tiles = performance.getEntriesByType('resource').find((one) => one.name.includes('/tiles/')).name
            const times = []
            for (const query of queries) {
                const start = performance.now()
                await (await fetch(`${tiles.split('/tiles/')[0]}/counts?colour=label&${query}`)).json()
                times.push(performance.now() - start)
            }
            return times
        }""",
        queries,
    )
    return rounded(np.median(times))


def lasso(size: float) -> str:
    """A lasso of 60 corners around the middle of the map, as an address has it."""
    turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    radius = size * (1 + 0.15 * np.cos(7 * turns))
    corners = zip(radius * np.cos(turns), radius * np.sin(turns), strict=True)
    return "~".join(f"{x:.4f}_{y:.4f}" for x, y in corners)


def memory(process: int) -> int:
    """The memory that a process has for itself, in MB; files that are mapped are the system's to take back."""
    (line,) = [line for line in Path(f"/proc/{process}/status").read_text().splitlines() if "RssAnon" in line]
    return int(line.split()[1]) // 1000


def renderers(browser: Browser) -> list[int]:
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return [one["id"] for one in processes if one["type"] == "renderer"]


def make_run(folder: Path, n: int) -> None:
    """A copy of the shipped autoencoder with a map of n made-up test images."""
    shutil.copytree(own_file("pretrained", "mnist-autoencoder"), folder)
    rng = np.random.default_rng(0)
    cloud = rng.integers(0, 20, n)
    coordinates = (rng.uniform(-3.4, 3.4, (20, 2))[cloud] + rng.normal(0, 0.25, (n, 2))).clip(-4, 4).astype(np.float32)
    EmbeddingMap(
        index=np.arange(n),
        split=np.full(n, SPLITS.index("test")),
        x=coordinates[:, 0],
        y=coordinates[:, 1],
        label=cloud % 10,
        prediction=np.where(rng.random(n) < 0.95, cloud % 10, 0),
        confidence=rng.random(n).astype(np.float32),
        error=rng.random(n).astype(np.float32),
        clarity=rng.random(n).astype(np.float32),
    ).save(folder)


class served:
    """The dashboard on some runs, as a process of its own."""

    def __init__(self, runs: Path, data: Path | None = None):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        changes = {"KERNELVIZ_RUNS": str(runs), "STREAMLIT_SERVER_HEADLESS": "true"}
        changes |= {"KERNELVIZ_DATA": str(data)} if data else {}
        command = [sys.executable, "-m", "kernelviz.cli", "app", "--port", str(self.port)]
        self.process = subprocess.Popen(command, env=os.environ | changes, stderr=subprocess.DEVNULL)

    def __enter__(self) -> tuple[str, subprocess.Popen]:
        address = f"http://127.0.0.1:{self.port}"
        while self.process.poll() is None:
            try:
                urlopen(f"{address}/_stcore/health").close()
                return address, self.process
            except URLError:
                time.sleep(0.2)
        raise RuntimeError("the dashboard did not start")

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait()


def unpacked(browser, address: str) -> Page:
    """A page whose map is painted and whose script has come to rest."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(180_000)
    page.goto(address)
    page.locator("canvas.over").wait_for()
    page.locator(".status").wait_for(state="hidden")
    page.wait_for_selector('.stApp[data-test-script-state="notRunning"]')
    page.wait_for_timeout(3000)
    page.evaluate(SETUP)
    return page


def probing(page: Page) -> dict:
    """The decoder by itself, then while the probe is dragged around."""
    scripts = page.evaluate(
        "performance.getEntriesByType('resource').find((one) => one.name.endsWith('main.mjs')).name"
    )
    times = page.evaluate(
        """async (scripts) => {
            const { Decoder, Grid, bump, clip } = await import(scripts.replace('main.mjs', 'core/decoder.mjs'))
            const { fetchPacked } = await import(scripts.replace('main.mjs', 'core/fetching.mjs'))
            const weights = performance.getEntriesByType('resource').find((one) => one.name.endsWith('/decoder')).name
            const decoder = new Decoder(await fetchPacked(weights))
            const [grid, times] = [new Grid(40, 40, 4), []]
            for (let at = 0; at < 300; at++) {
                const probe = { x: 4 * Math.sin(at), y: 4 * Math.cos(3 * at), width: 0.4, amplitude: 1 }
                const start = performance.now()
                decoder.decode(clip(bump(probe, grid), 0.95))
                times.push(performance.now() - start)
                if (at % 20 === 0) await frame()
            }
            window.Decoder = Decoder
            return times.slice(20)
        }""",
        scripts,
    )
    frames, decodes = page.evaluate(
        f"""async () => {{
            let decodes = 0
            const decode = Decoder.prototype.decode
            Decoder.prototype.decode = function (activation) {{ decodes++; return decode.call(this, activation) }}
            const frames = await moving({SECONDS}, (t) => [0.5 + 0.35 * Math.sin(2 * t), 0.5 + 0.35 * Math.cos(3 * t)])
            return [frames, decodes]
        }}"""
    )
    page.context.close()
    return {
        "decode_median_ms": rounded(np.median(times)),
        "decode_95_ms": rounded(np.percentile(times, 95)),
        "probe_frames_per_second": per_second(frames),
        "decodes_per_frame": rounded(decodes / len(frames)),
    }


def uploading(page: Page) -> dict:
    """From a drop of 100 digits to when all are on the map; then answers by the second while a digit is sketched."""
    digits = [png(image.repeat(3, 0).repeat(3, 1)) for image in load("digits").split("test")[0][:101]]
    drop = """async (digits) => {
        const transfer = new DataTransfer()
        for (const [at, digit] of digits.entries()) {
            const bytes = Uint8Array.from(atob(digit), (letter) => letter.charCodeAt(0))
            transfer.items.add(new File([bytes], `${at}.png`, { type: 'image/png' }))
        }
        const count = over.getRootNode().querySelector('.progress [role=status]')
        const before = Number(count.textContent.split(' of ')[0] || 0)
        const start = performance.now()
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }))
        while (!count.textContent.startsWith(`${before + digits.length} of`)) await frame()
        await frame()
        return performance.now() - start
    }"""
    encoded = [base64.b64encode(digit).decode() for digit in digits]
    page.evaluate(drop, encoded[:1])  # the first makes what the others share
    page.wait_for_timeout(3000)
    dropped = page.evaluate(drop, encoded[1:])
    page.wait_for_timeout(2000)
    page.get_by_role("button", name="Sketch a digit").click()
    answers = []
    page.on("response", lambda response: "/sketch/" in response.url and answers.append(response))
    page.evaluate(
        f"""async () => {{
            const pad = over.getRootNode().querySelector('canvas.pad')
            const area = pad.getBoundingClientRect()
            const send = (type, x, y) => {{
                const [clientX, clientY] = [area.left + x * area.width, area.top + y * area.height]
                pad.dispatchEvent(new PointerEvent(type, {{ clientX, clientY, pointerId: 1, bubbles: true }}))
            }}
            pad.setPointerCapture = () => {{}}
            send('pointerdown', 0.5, 0.1)
            for (let last = await frame(), start = last; last - start < 1000 * {SECONDS}; last = await frame())
                send('pointermove', 0.5 + 0.2 * Math.sin(last / 300), 0.1 + 0.8 * ((last - start) / 1000 / {SECONDS}))
        }}"""
    )
    page.context.close()
    return {"drop_100_digits_ms": rounded(dropped), "sketch_updates_per_second": rounded(len(answers) / SECONDS)}


def panning(page: Page) -> float:
    circle = "(t) => [0.5 + 0.15 * Math.sin(3 * t), 0.5 + 0.15 * Math.cos(3 * t)]"
    return per_second(page.evaluate(f"() => moving({SECONDS}, {circle})"))


def zooming(page: Page) -> float:
    """Zooming in and out, a step in each frame, where tiles and points are fetched on the way."""
    times = page.evaluate(
        f"""async () => {{
            const times = []
            const area = over.getBoundingClientRect()
            const [clientX, clientY] = [area.left + 0.45 * area.width, area.top + 0.5 * area.height]
            for (let last = await frame(), start = last; last - start < {2000 * SECONDS}; ) {{
                const deltaY = last - start < {1000 * SECONDS} ? -12 : 12
                over.dispatchEvent(new WheelEvent('wheel', {{ clientX, clientY, deltaY, bubbles: true }}))
                const now = await frame()
                times.push(now - last)
                last = now
            }}
            return times
        }}"""
    )
    return per_second(times)


def hovering(page: Page) -> float:
    """From a pointer over a point to the frame after the one that shows its card."""
    times = page.evaluate(
        """async () => {
            const times = []
            for (let at = 0; at < 200 && times.length < 40; at++) {
                send('pointerleave', 0, 0)
                await frame()
                await frame()
                const start = performance.now()
                send('pointermove', 0.1 + 0.8 * ((at * 0.618) % 1), 0.1 + 0.8 * ((at * 0.382) % 1))
                await frame()
                await frame()
                if (!card.hidden) times.push(performance.now() - start)
            }
            return times
        }"""
    )
    return rounded(np.median(times))


def selecting(page: Page) -> float:
    """From the release of a lasso of 60 corners to when its points are known, counted, faded and told to Python."""
    page.get_by_role("button", name="Select with a lasso").click()
    times = page.evaluate(
        """async () => {
            const times = []
            for (let again = 0; again < 5; again++) {
                send('pointerdown', 0.85, 0.5)
                for (let at = 1; at < 60; at++) {
                    const turn = (2 * Math.PI * at) / 60
                    const radius = 0.35 + 0.05 * Math.cos(7 * turn)
                    send('pointermove', 0.5 + radius * Math.cos(turn), 0.5 + radius * Math.sin(turn))
                }
                const start = performance.now()
                send('pointerup', 0.85, 0.5)
                times.push(performance.now() - start)
                await new Promise((done) => setTimeout(done, 1500))
            }
            return times
        }"""
    )
    return rounded(np.median(times))


def fetched(browser, address: str) -> int:
    """Bytes of the first view that are the canvas's: scripts and points, not images."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    client, sizes, urls = page.context.new_cdp_session(page), {}, {}
    client.send("Network.enable")
    client.on("Network.requestWillBeSent", lambda event: urls.update({event["requestId"]: event["request"]["url"]}))
    client.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    page.goto(address)
    page.locator("canvas.over").wait_for()
    page.locator(".status").wait_for(state="hidden")
    page.wait_for_timeout(2000)
    page.context.close()
    return int(sum(sizes.get(at, 0) for at, url in urls.items() if "/kernelviz/" in url and "/sheets/" not in url))


def per_second(milliseconds: list[float]) -> float:
    return rounded(1000 / np.median(milliseconds))


def rounded(value: float) -> float:
    return round(float(value), 2)


if __name__ == "__main__":
    main()
