"""The real dashboard, served by `kernelviz app`."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from waits import PATIENCE


@contextmanager
def served(runs, folder, *options, program=("-m", "kernelviz.cli")):
    """Address of a dashboard that shows the runs of a folder; its data and its log go to another.

    `program` is what Python starts.
    """
    port, log = free_port(), folder / "log.txt"
    changes = {"KERNELVIZ_RUNS": runs, "KERNELVIZ_DATA": folder, "STREAMLIT_SERVER_HEADLESS": "true"}
    command = [sys.executable, *program, "app", "--port", str(port), *map(str, options)]
    with open(log, "w") as output:
        environment = os.environ | {name: str(value) for name, value in changes.items()}
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address, process, log):
    for _ in range(PATIENCE * 5):
        try:
            urlopen(address, timeout=PATIENCE).close()
            return
        except URLError:
            assert process.poll() is None, f"the dashboard ended at once:\n{log.read_text()}"
            time.sleep(0.2)
    pytest.fail(f"the dashboard did not answer within {PATIENCE} s:\n{log.read_text()}")
