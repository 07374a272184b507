"""The widget in a real JupyterLab: `pip install jupyterlab`, which CI does not, runs it."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest
from serving import free_port, wait_for
from waits import PATIENCE

CELLS = [
    'import kernelviz\nwidget = kernelviz.load("near").widget()\nwidget',
    "print(len(widget.selection), widget.pinned is not None)",
]


@pytest.mark.slow
def test_a_lasso_in_jupyterlab_selects_in_the_kernel(neighbourly, chromium, tmp_path):
    if not importlib.util.find_spec("jupyterlab"):
        pytest.skip("no JupyterLab here: pip install jupyterlab")
    cells = [
        {"cell_type": "code", "id": f"c{at}", "metadata": {}, "source": cell, "outputs": [], "execution_count": None}
        for at, cell in enumerate(CELLS)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells}
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook))
    port, log = free_port(), tmp_path / "log.txt"
    words = f"--no-browser --allow-root --ip 127.0.0.1 --port {port} --IdentityProvider.token="
    changes = {"KERNELVIZ_RUNS": str(neighbourly.folder.parent), "HOME": str(tmp_path)}
    with open(log, "w") as output:
        command = [sys.executable, "-m", "jupyterlab", *words.split()]
        server = subprocess.Popen(command, cwd=tmp_path, env=os.environ | changes, stdout=output, stderr=output)
    try:
        wait_for(f"http://127.0.0.1:{port}/api", server, log)
        context = chromium.new_context(viewport={"width": 1440, "height": 1000})
        context.set_default_timeout(2 * PATIENCE * 1000)
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/lab/tree/a.ipynb")
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
        first, second = (page.locator(".jp-CodeCell").nth(at) for at in (0, 1))
        first.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        page.get_by_role("button", name="Lasso").click()
        page.locator(".legend button").first.wait_for()  # the points are there
        box = page.locator("canvas.over").bounding_box()
        x, y, reach = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["height"] / 2 - 5
        page.mouse.move(x - reach, y - reach)
        page.mouse.down()
        for across, down in ((1, -1), (1, 1), (-1, 1), (-1, -0.9)):
            page.mouse.move(x + across * reach, y + down * reach, steps=5)
        page.mouse.up()
        page.get_by_text("297 selected").wait_for(state="attached")
        page.mouse.click(x, y)  # a cluster is there or near: what is nearest is pinned
        for _ in range(10):  # the kernel may run the cell before it hears of the selection
            second.locator(".cm-content").click()
            page.keyboard.press("Control+Enter")
            page.wait_for_timeout(1000)
            said = second.locator(".jp-OutputArea-output").inner_text()
            if said.strip() == "297":
                break
        assert said.strip() == "297"
        context.close()
    finally:
        server.terminate()
        server.wait(PATIENCE)
