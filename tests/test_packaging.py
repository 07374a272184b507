"""What `pip install` gets: sdist and wheel are built from the files that git knows, and their metadata is sound."""

import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHIPPED = "pretrained/digits-neighbours/"  # the run that stands for all: building with 100 MB of them takes a minute
LARGEST = 3_500_000  # bytes of a wheel with this run alone
EXTRAS = {"heic", "onnx", "figures", "notebook", "peers", "test"}


def run(*words, cwd):
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tracked():
    if not (ROOT / ".git").exists():
        pytest.skip("needs the checkout, whose files git knows")
    names = run("git", "ls-files", cwd=ROOT).splitlines()
    left_out = [name for name in names if name.startswith("pretrained/") and not name.startswith(SHIPPED)]
    return sorted(name for name in set(names) - set(left_out) if (ROOT / name).is_file())


@pytest.fixture(scope="module")
def built(tracked, tmp_path_factory):
    """The sdist, and the wheel that is built from it."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in tracked:
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    run(sys.executable, "-m", "build", "--no-isolation", cwd=copy)
    (sdist,), (wheel,) = (copy / "dist").glob("*.tar.gz"), (copy / "dist").glob("*.whl")
    return sdist, wheel


def test_an_index_would_take_them(built):
    assert "PASSED" in run(sys.executable, "-m", "twine", "check", "--strict", *map(str, built), cwd=ROOT)


def test_the_wheel_has_all_that_the_program_needs(built, tracked):
    with zipfile.ZipFile(built[1]) as wheel:
        have = {name for name in wheel.namelist() if ".dist-info/" not in name}
    moved = tuple(f"{name}/" for name in ("assets", "pretrained", ".streamlit"))
    wanted = {name for name in tracked if name.startswith("kernelviz/")}
    wanted |= {f"kernelviz/{name}" for name in tracked if name == "app.py" or name.startswith(moved)}
    assert have == wanted
    assert built[1].stat().st_size < LARGEST


def test_the_sdist_has_the_tests(built, tracked):
    with tarfile.open(built[0]) as sdist:
        have = {name.split("/", 1)[1] for name in sdist.getnames()}
    assert {name for name in tracked if not name.startswith((".ci/", ".git", ".prettierrc"))} <= have


def test_the_metadata_names_every_extra_and_a_license(built):
    with zipfile.ZipFile(built[1]) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        said = message_from_bytes(wheel.read(name))
    assert set(said.get_all("Provides-Extra")) >= EXTRAS
    assert said["License-Expression"] == "MIT" and said["Requires-Python"] == ">=3.11"
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13, 14)} <= {
        *said.get_all("Classifier")
    }
    asked = [one for one in said.get_all("Requires-Dist") if "extra ==" not in one]
    assert all(">=" in one for one in asked)


def test_the_citation_has_the_version_of_the_package():
    from kernelviz import __version__

    said = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {__version__}" in said and "cff-version: 1.2.0" in said
