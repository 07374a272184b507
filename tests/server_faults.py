"""Kills a dashboard as files arrive and leave, and fills its disk. Run by hand, on Linux:

    python tests/server_faults.py killed          SIGKILL in the middle of uploads and downloads, then the next start
    python tests/server_faults.py full FOLDER     FOLDER is a small disk: mount -t tmpfs -o size=8m none FOLDER

Each row is what was asked for and what came of it; a row that should not be is marked, and the script ends with 1.
"""

import argparse
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from load import MULTIPART, Session, multipart, process_of
from PIL import Image
from serving import served
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string

from kernelviz.disk import own_file
from kernelviz.storage.store import load_run
from kernelviz.ui.shared import caches

RUN, OWN = "digits-neighbours", "mine"  # a shipped run, and its copy among the user's
LARGEST = "mnist-autoencoder"  # of the shipped runs
bad = 0


def told(what, came, good):
    """Print a row."""
    global bad
    bad += not good
    print(f"{'' if good else 'BAD: '}{what:52} | {came}", flush=True)


def picture(n_bytes):
    """A PNG of about so many bytes."""
    side = int(n_bytes**0.5)
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)).save(file, "PNG")
    return file.getvalue()


@contextmanager
def started(folder):
    """The port of a dashboard that has all its files in a folder."""
    for name in ("runs", "data", "temporary"):
        (folder / name).mkdir(exist_ok=True)
    os.environ |= {"TMPDIR": str(folder / "temporary")}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as log, served(folder / "runs", Path(log)) as address:
        yield int(address.rsplit(":", 1)[1])


class Visitor(Session):
    """A session that uploads, by the route of the map and by Streamlit's own."""

    def __init__(self, port):
        super().__init__(port, "upload", {"run": RUN})
        _, sent = self.run()
        self.token = re.search(rb"kernelviz/uploads/([\w-]{16,})", sent)[1].decode()
        self.xsrf = generate_xsrf_token_string()
        self.cookie += f"; _streamlit_xsrf={self.xsrf}"
        self.of_run = f"{RUN}/{caches.version(load_run(RUN))}"

    def asked(self, path, method="GET", body=None, **headers):
        """The status and what was answered; 0 where the connection was cut."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            connection.request(method, f"/{path}", body, {"Cookie": self.cookie} | headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError as error:
            return 0, str(error).encode()
        finally:
            connection.close()

    def upload(self, name, data):
        body = multipart(data, names=json.dumps([name]), batch=name + str(time.monotonic()))
        return self.asked(f"kernelviz/uploads/{self.token}/files", "POST", body, **MULTIPART)

    def upload_to_streamlit(self, name, data):
        path = f"_stcore/upload_file/{self.id}/{name}"
        return self.asked(path, "PUT", multipart(data), **MULTIPART | {"X-Xsrftoken": self.xsrf})

    def half(self, path, method, body, **headers):
        """Send a request with half of its body; the open connection."""
        lines = {"Host": f"127.0.0.1:{self.port}", "Cookie": self.cookie, "Content-Length": len(body)} | headers
        head = f"{method} /{path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.sendall(head.encode() + b"\r\n" + body[: len(body) // 2])
        return connection


# Killed --------------------------------------------------------------------------------------------------------------


def half_an_upload(visitor):
    body = multipart(picture(9e6), names='["a.png"]', batch="a")
    return visitor.half(f"kernelviz/uploads/{visitor.token}/files", "POST", body, **MULTIPART)


def half_an_upload_to_streamlit(visitor):
    path = f"_stcore/upload_file/{visitor.id}/a"
    return visitor.half(path, "PUT", multipart(picture(9e6)), **MULTIPART | {"X-Xsrftoken": visitor.xsrf})


def placing_uploads(visitor):
    for at in range(200):
        visitor.upload(f"{at}.png", picture(1e5))
    where = f"kernelviz/uploads/{visitor.token}/projection/{visitor.of_run}/resize?first=0"
    return visitor.half(where, "POST", b"")


def half_a_download(visitor):
    connection = visitor.half(f"kernelviz/library/export/{LARGEST}", "GET", b"")
    connection.recv(1000)
    return connection


def a_download_that_is_made(visitor):
    return _as_it_is_made(visitor, f"kernelviz/library/export/{LARGEST}")


def a_page_that_is_made(visitor):
    return _as_it_is_made(visitor, f"kernelviz/library/page/{LARGEST}")


def _as_it_is_made(visitor, path):
    """Ask for a file; the open connection, as soon as there is a folder for it among the temporary files."""
    connection = visitor.half(path, "GET", b"")
    for _ in range(6000):
        if [*Path(os.environ["TMPDIR"]).glob(".kernelviz-*/*/")]:
            break
        time.sleep(0.01)
    return connection


KILLED = {
    half_an_upload: 1.0,  # seconds after which the server is killed
    half_an_upload_to_streamlit: 1.0,
    placing_uploads: 0.2,
    half_a_download: 0.0,
    a_download_that_is_made: 0.02,
    a_page_that_is_made: 2.0,
}


def killed():
    """Kill the server in the middle of what it does, and look at what the next one finds."""
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base)
        (folder / "runs").mkdir()
        shutil.copytree(own_file("pretrained", RUN), folder / "runs" / OWN)
        run = contents(folder / "runs" / OWN)
        for begin, seconds in KILLED.items():
            with started(folder) as port, ExitStack() as open_until:
                visitor = Visitor(port)
                open_until.callback(begin(visitor).close)
                time.sleep(seconds)
                os.kill(int(process_of(port).name), signal.SIGKILL)
            left = leftovers(folder)
            for one in folder.rglob("*"):
                os.utime(one, (time.time() - 3600,) * 2)
            with started(folder) as port:
                session = Session(port, "runs", {})
                _, sent = session.run()
                session.left.close()
                good = OWN.encode() in sent and contents(folder / "runs" / OWN) == run and not leftovers(folder)
            what = begin.__name__.replace("_", " ")
            told(what, f"left {left or 'nothing'}; after the next start {leftovers(folder) or 'nothing'}", good)


def leftovers(folder):
    """What lies among the temporary files, the runs and the data, and belongs to nothing."""
    names = [path.name for part in ("temporary", "data", "runs") for path in (folder / part).iterdir()]
    return sorted(re.sub("-.*", "-…", name) for name in names if name not in (OWN, ".locks", "maps", "sheets"))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Full ----------------------------------------------------------------------------------------------------------------


def full(folder):
    """Upload to a server whose disk is full, and again when there is space."""
    filler = folder / "filler"
    with started(folder) as port:
        visitor = Visitor(port)
        ways = {"upload": visitor.upload, "Streamlit's upload": visitor.upload_to_streamlit}
        for what, way in ways.items():
            refused(f"{what}, 12 MB on an empty disk of 8", way("large.png", picture(12e6)))
            allowed(f"{what}, 2 MB", way("first.png", picture(2e6)))
        fill(filler)
        for n_bytes in (2e4, 5e5, 2e6, 9e6):
            for what, way in ways.items():
                came = way("more.png", picture(n_bytes))
                (refused if n_bytes > 1e6 else allowed)(f"{what}, {n_bytes / 1e6:g} MB on a full disk", came)
        place(visitor)
        sketch = visitor.asked(
            f"kernelviz/uploads/{visitor.token}/sketch/{visitor.of_run}/resize", "POST", picture(5e5)
        )
        allowed("a sketch, which is not stored", sketch)
        refused("a run as one file", visitor.asked(f"kernelviz/library/export/{RUN}"))
        refused("a page without a server", visitor.asked(f"kernelviz/library/page/{RUN}"))
        allowed("the first upload is there", visitor.asked(f"kernelviz/uploads/{visitor.token}/pictures/0"))
        filler.unlink()
        for what, way in ways.items():
            allowed(f"{what}, 2 MB when there is space", way("again.png", picture(2e6)))
        allowed("a run as one file", visitor.asked(f"kernelviz/library/export/{RUN}"))
        place(visitor)
        allowed("a page", visitor.asked("runs"))
    told("left among the temporary files", leftovers(folder), not leftovers(folder))


def fill(path):
    """Leave 30 kB on a disk."""
    with open(path, "ab", buffering=0) as file:
        while shutil.disk_usage(path.parent).free > 30_000:
            file.write(bytes(10_000))


def place(visitor):
    """Have all uploads projected, and say how many were."""
    path, rows = f"kernelviz/uploads/{visitor.token}/projection/{visitor.of_run}/resize?first=", []
    while True:
        status, answer = visitor.asked(f"{path}{len(rows)}", "POST")
        found = json.loads(answer) if status == 200 else {"rows": [], "left": False, "total": answer}
        rows += found["rows"]
        if not found["left"]:
            break
    told("placed on the map", f"{len(rows)} of {found['total']}: {[one['name'] for one in rows]}", status == 200)


def refused(what, came):
    status, answer = came
    told(what, f"{status} {answer[:120].decode()}", status == 507 and b"disk is full" in answer)


def allowed(what, came):
    status, answer = came
    told(what, f"{status} {answer[:60]!r}" if status >= 400 or not status else status, 200 <= status < 300)


def main():
    """Do what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("killed", "full"))
    parser.add_argument("folder", nargs="?", type=Path, help="a small disk, empty")
    given = parser.parse_args()
    killed() if given.what == "killed" else full(given.folder)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
