"""Loads and attacks a dashboard of its own, and prints what it held. Run by hand, each some minutes:

    python tests/load.py connections   300 half-sent requests, and 50 WebSockets of a page elsewhere
    python tests/load.py uploads       720 uploads of 90 visitors that send a byte a second; another visitor meanwhile
    python tests/load.py slow          what takes a core for seconds, asked for by 48 visitors; another one meanwhile
    python tests/load.py requests      5,000 distinct requests; memory before and after
    python tests/load.py visitors      100 visitors that come and leave; memory before, and after they are forgotten
    python tests/load.py sessions      20 sessions at once, each with its own run, colour, probe and upload,
                                       that do something every 1 to 3 seconds
    python tests/load.py pages         every page, every page with every map, and 1,000 interactions: times, and
                                       memory after each; with the data sets that are on this machine
    python tests/load.py start         three starts, from the command to the first map

A session here is a WebSocket that speaks as Streamlit's page does; what a browser itself takes is not in the times.
"""

import argparse
import http.client
import io
import json
import os
import random
import re
import secrets
import socket
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from PIL import Image
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from kernelviz.disk import data_folder
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import readable_runs
from kernelviz.ui.access.bounds import PATIENCE
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.page_frame import DEFAULT_RUN, PAGES

sys.path.insert(0, str(Path(__file__).with_name("browser")))
from serving import served  # noqa: E402

SESSIONS, INTERACTIONS = 20, 8
INTERACTIONS_OF_ONE, STARTS = 1000, 3
PAUSES = 1, 3  # seconds between what a visitor does
FORGOTTEN = 150  # seconds after which Streamlit has dropped the sessions of those that left
SAID = "{:48} {}"
BORDER = "x" * 20
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BORDER}"}


class Session:
    """A visitor with a cookie of their own, and the page that they look at."""

    def __init__(self, port, page, query):
        self.port, self.page, self.query = port, page, query
        self.cookie = f"kernelviz_browser={secrets.token_urlsafe(16)}"
        headers = {"Cookie": self.cookie, "Origin": f"http://127.0.0.1:{port}"}
        address = f"ws://127.0.0.1:{port}/_stcore/stream"
        opened = connect(
            address, additional_headers=headers, subprotocols=["streamlit"], max_size=None, ping_interval=None
        )
        self.left = ExitStack()
        self.socket = self.left.enter_context(opened)

    def run(self, **more):
        """Run the page with an address; the seconds, and all that it sent."""
        message = BackMsg()
        message.rerun_script.query_string = urlencode(self.query | more)
        message.rerun_script.page_name = self.page
        begun, sent = time.monotonic(), []
        self.socket.send(message.SerializeToString())
        while True:
            sent.append(self.socket.recv(timeout=300))
            told = ForwardMsg.FromString(sent[-1])
            if told.WhichOneof("type") == "new_session":
                self.id = told.new_session.initialize.session_id
            if told.WhichOneof("type") == "script_finished":
                return time.monotonic() - begun, b"".join(sent)

    def ask(self, path, method="GET", body=None, headers=()):
        """Ask a route; the seconds, and what it answered."""
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        connection.request(method, f"/{path}", body, {"Cookie": self.cookie} | dict(headers))
        answer = connection.getresponse().read()
        connection.close()
        return time.monotonic() - begun, answer


def mapped():
    """The runs that decode images."""
    return [run for run in readable_runs()[0] if isinstance(run, EmbeddingRun) and run.decodes_images]


def megabytes(port):
    """The memory of the server that listens at a port."""
    return int(re.search(r"VmRSS:\s+(\d+)", (process_of(port) / "status").read_text())[1]) / 1000


def process_of(port):
    """The folder in which Linux says what the server at a port is doing."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError), open(process / "cmdline", "rb") as file:
            if f"--port\0{port}\0".encode() in file.read() + b"\0":
                return process
    raise LookupError(f"no server listens at {port}")


def connections(port):
    """Half-sent requests, and WebSockets of a page elsewhere."""
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
    for one in sockets:
        one.sendall(b"GET / HTTP/1.1\r\nHost: loc")
    begun, visitor, slowest, left = time.monotonic(), Session(port, "", {}), 0.0, sockets
    while left and time.monotonic() < begun + 4 * PATIENCE:
        slowest = max(slowest, visitor.ask("_stcore/health")[0])
        left = [one for one in left if is_open(one)]
        time.sleep(0.2)
    print(SAID.format("half-sent requests open after", f"{len(left)} of 300 after {time.monotonic() - begun:.0f} s"))
    print(SAID.format("slowest answer meanwhile", f"{slowest:.2f} s"))
    begun, opened, slowest = time.monotonic(), 0, 0.0
    for _ in range(50):
        try:
            with connect(f"ws://127.0.0.1:{port}/_stcore/stream", additional_headers={"Origin": "https://evil.com"}):
                opened += 1
        except InvalidStatus:
            slowest = max(slowest, visitor.ask("_stcore/health")[0])
    print(
        SAID.format(
            "WebSockets of a page elsewhere", f"{opened} of 50 opened, {time.monotonic() - begun:.1f} s for all"
        )
    )
    print(SAID.format("slowest answer meanwhile", f"{slowest:.2f} s"))


def is_open(one):
    one.setblocking(False)
    try:
        return one.recv(4096) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def uploads(port):
    """Uploads that never end, and what they cost another visitor, who uploads a picture once a second."""
    visitor, run = Session(port, "", {"run": DEFAULT_RUN}), mapped()[0]
    visitor.run()
    head = "POST /kernelviz/uploads/{}/files HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: kernelviz_browser={}\r\n"
    head += f"Content-Type: {MULTIPART['Content-Type']}\r\nContent-Length: 400000000\r\n\r\n--"
    token, times = uploaded(visitor, run, 0, []), []
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(720)]
    for at, one in enumerate(sockets):
        one.sendall(head.format(token, at // 8).encode())
    begun, before, left, longest = time.monotonic(), megabytes(port), sockets, 0.0
    while time.monotonic() < begun + 2 * PATIENCE:
        for one in left:
            with suppress(OSError):
                one.setblocking(False), one.send(b"x")
        left = [one for one in left if is_open(one)]
        longest = time.monotonic() - begun if left else longest
        uploaded(visitor, run, 0, times)
        time.sleep(1)
    print(SAID.format("uploads of a byte a second, open after", f"{longest:.0f} s, then {len(left)} of {len(sockets)}"))
    print(SAID.format("slowest upload meanwhile", f"{max(times):.2f} s of {len(times)}"))
    print(SAID.format("memory before and after", f"{before:.0f} and {megabytes(port):.0f} MB"))


def slow(port):
    """Pages without a server, and windows as animations, for 48 visitors; decoded images of another one meanwhile."""
    run = next(run for run in mapped() if run.name == DEFAULT_RUN)
    base, other = f"kernelviz/runs/{run.name}/{caches.version(run)}", Session(port, "", {})
    other.ask(f"{base}/decode?x=0&y=0")
    for path in (f"kernelviz/library/page/{run.name}", base + "/window?as=gif&n=32&box=-1_-1~1_{}"):
        before, times = megabytes(port), []
        asks = [partial(Session(port, "", {}).ask, path.format(1 + at / 100)) for at in range(48)]
        with ThreadPoolExecutor(len(asks)) as pool:
            made = [pool.submit(ask) for ask in asks]
            while not all(one.done() for one in made):
                times.append(other.ask(f"{base}/decode?x=0&y={len(times) / 1e4}")[0])
                time.sleep(0.1)
        seconds = [one.result()[0] for one in made]
        print(SAID.format(path.split("?")[0], f"first {min(seconds):.1f} s, last {max(seconds):.1f} s"))
        print(SAID.format("slowest decoded image meanwhile", f"{max(times):.2f} s of {len(times)}"))
        print(SAID.format("memory before and after", f"{before:.0f} and {megabytes(port):.0f} MB"), flush=True)


def requests(port):
    """Distinct requests: decoded positions, walks, items, and what is not there."""
    visitor, rng, runs = Session(port, "", {}), np.random.default_rng(0), mapped()[:4]
    bases = [f"kernelviz/runs/{run.name}/{caches.version(run)}" for run in runs]

    def ask(number):
        base, (x, y) = bases[number % len(bases)], rng.uniform(-1, 1, 2).round(6)
        paths = (f"{base}/decode?x={x}&y={y}", f"{base}/item/test/{number}", f"kernelviz/runs/{number}/1/points/test")
        visitor.ask(paths[number % 10 % 3 if number % 10 < 9 else 0])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(200)))
        before = megabytes(port)
        begun = time.monotonic()
        list(pool.map(ask, range(200, 5200)))
    print(SAID.format("5,000 distinct requests", f"{5000 / (time.monotonic() - begun):.0f} a second"))
    print(SAID.format("memory before and after", f"{before:.0f} and {megabytes(port):.0f} MB"))


def visitors(port):
    """Visitors that come, look at a page, and leave."""
    runs = mapped()
    Session(port, "", {"run": runs[0].name}).run()

    def visit(number):
        session = Session(port, ("", "probe")[number % 2], {"run": runs[number % 4 % len(runs)].name})
        session.run()
        session.left.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(visit, range(8)))
        before = megabytes(port)
        list(pool.map(visit, range(100)))
    there = megabytes(port)
    time.sleep(FORGOTTEN)
    after = megabytes(port)
    print(SAID.format("memory before, with and after 100 visitors", f"{before:.0f}, {there:.0f} and {after:.0f} MB"))


def sessions(port):
    """Sessions at once; what they see has to be their own."""
    runs = mapped()
    for run in runs:
        warm = Session(port, "probe", {"run": run.name})
        warm.run()
        warm.ask(f"kernelviz/runs/{run.name}/{caches.version(run)}/decode?x=0&y=0")
        warm.left.close()
    before, times = (
        megabytes(port),
        {"first page": [], "interaction": [], "decoded image": [], "upload": [], "whether it is there": []},
    )

    def visit(number):
        run = runs[number % len(runs)]
        session = Session(port, "", {"run": run.name})
        seconds, sent = session.run()
        times["first page"].append(seconds)
        others = [f"kernelviz/runs/{one.name}/".encode() for one in runs if one is not run]
        assert f"kernelviz/runs/{run.name}/".encode() in sent and not any(other in sent for other in others), run.name
        for turn in range(INTERACTIONS):
            time.sleep(random.uniform(*PAUSES))
            seconds, sent = session.run(colour=("label", "prediction")[turn % 2])
            times["interaction"].append(seconds)
            assert not any(other in sent for other in others), run.name
            place = urlencode({"x": round(0.01 * number, 3), "y": round(0.1 * turn, 3)})
            seconds, image = session.ask(f"kernelviz/runs/{run.name}/{caches.version(run)}/decode?{place}")
            times["decoded image"].append(seconds)
            assert image.startswith(b"\x89PNG")
        uploaded(session, run, number, times["upload"])
        session.left.close()

    with ThreadPoolExecutor(SESSIONS) as pool:
        visits = [pool.submit(visit, number) for number in range(SESSIONS)]
        other = Session(port, "", {})
        while not all(one.done() for one in visits):
            times["whether it is there"].append(other.ask("_stcore/health")[0])
            time.sleep(0.5)
    for one in visits:
        one.result()
    for what, seconds in times.items():
        parts = statistics.quantiles(seconds, n=20)
        said = f"median {statistics.median(seconds):.2f} s, 95th percentile {parts[-1]:.2f} s, {len(seconds)} of them"
        print(SAID.format(what, said))
    print(SAID.format("sessions that saw something of another", f"0 of {SESSIONS}"))
    print(SAID.format("memory before and after", f"{before:.0f} and {megabytes(port):.0f} MB"))


def multipart(data, **fields):
    """The body of a form with one file, sent as MULTIPART."""
    body = "".join(
        f'--{BORDER}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    body += f'--{BORDER}\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    return body.encode() + data + f"\r\n--{BORDER}--\r\n".encode()


def pages(port):
    """Every page, then every page with every map, then 1,000 interactions with all of them."""
    runs, visitor = mapped(), Session(port, "", {})

    def say(what, more=""):
        print(SAID.format(what, f"{megabytes(port):.0f} MB{more}"), flush=True)

    def visit(page, run, **more):
        visitor.page, visitor.query = page, {"run": run.name}
        seconds, _ = visitor.run(**more)
        for path in fetched(run):
            visitor.ask(f"kernelviz/runs/{run.name}/{caches.version(run)}/{path}")
        return seconds

    say("the server has started")
    first = next(run for run in runs if run.name == DEFAULT_RUN)
    for round_of in ("the first time", "again"):
        for page in PAGES:
            seconds = visit(page, first)
            say(f"{page or 'explore'}, {round_of}", f", {seconds:.2f} s")
    say("all pages visited")
    for run in runs:
        for page in PAGES:
            visit(page, run)
    say("all pages visited with every map")
    choose = random.Random(0)
    for number in range(1, INTERACTIONS_OF_ONE + 1):
        page, run = choose.choice(list(PAGES)), choose.choice(runs)
        visit(page, run, colour=choose.choice(("label", "prediction")), split=choose.choice(("test", "train")))
        if number % (INTERACTIONS_OF_ONE // 10) == 0:
            say(f"after {number:,} interactions")


def start(_):
    """From the command to the points of the first map, with servers of their own."""
    run = next(run for run in mapped() if run.name == DEFAULT_RUN)
    for _ in range(STARTS):
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder, served(os.environ["KERNELVIZ_RUNS"], Path(folder)) as address:
            port = int(address.rsplit(":", 1)[1])
            answers = time.monotonic() - begun
            visitor = Session(port, "", {})
            visitor.run()
            visitor.ask(f"kernelviz/runs/{run.name}/{caches.version(run)}/points/test")
            seconds, told = time.monotonic() - begun, (process_of(port) / "stat").read_text()
            processor = sum(map(int, told.rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")
            said = f"{seconds:.1f} s, of the processor {processor:.1f} s"
            print(SAID.format("the first map", f"{said}; answers after {answers:.1f} s"), flush=True)


def fetched(run):
    """Some of what a page asks the routes of a run for."""
    x, y = np.random.default_rng().uniform(-run.extent, run.extent, 2).round(6)
    row = int(abs(1000 * x)) % 100
    of_image = [f"{what}/test/{row}" for what in ("item", "likeliest", "alike")]
    return [f"decode?x={x}&y={y}", "points/test", f"sheets/test/{caches.source_of(run)}/16/0", *of_image]


def uploaded(session, run, number, times):
    """Upload a picture, and look at what is on the map: only such pictures. Returns the token of the uploads."""
    session.page = "upload"
    _, sent = session.run()
    token = re.search(rb"kernelviz/uploads/([\w-]{16,})", sent)[1].decode()
    file = io.BytesIO()
    Image.fromarray(np.full((28, 28), 10 * number, np.uint8)).save(file, "PNG")
    body = multipart(file.getvalue(), names=json.dumps([f"mine-{number}.png"]), batch=f"b{len(times)}")
    seconds, _ = session.ask(f"kernelviz/uploads/{token}/files", "POST", body, MULTIPART)
    where = f"kernelviz/uploads/{token}/projection/{run.name}/{caches.version(run)}/{run.preprocess.name}?first=0"
    more, answer = session.ask(where, "POST")
    times.append(seconds + more)
    assert {row["name"] for row in json.loads(answer)["rows"]} == {f"mine-{number}.png"}, answer[:200]
    return token


def main():
    """Do what is asked for with a server that ends with it."""
    kinds = {one.__name__: one for one in (connections, uploads, slow, requests, visitors, sessions, pages, start)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=kinds)
    chosen = parser.parse_args().what
    with tempfile.TemporaryDirectory() as folder:
        runs = os.environ.setdefault("KERNELVIZ_RUNS", f"{folder}/runs")
        for one in data_folder().glob("*") if chosen == "pages" else ():
            (Path(folder) / one.name).symlink_to(one)
        with served(runs, Path(folder)) as address:
            kinds[chosen](int(address.rsplit(":", 1)[1]))


if __name__ == "__main__":
    main()
