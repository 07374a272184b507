"""Tests the lowest versions that pyproject.toml allows, and asks for known holes in the newest ones; run by hand.

$ pip install uv pip-audit && python tests/lowest.py [PYTEST ARGUMENTS]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = ("--extra", "test", "--extra", "figures", "--extra", "heic")
TESTED = ("-n", "0", "-m", "not browser and not slow", "-p", "no:cacheprovider")


def run(*words: str | Path) -> int:
    """Run a command in the checkout and show it."""
    print("$", *words, flush=True)
    return subprocess.run(list(map(str, words)), cwd=ROOT).returncode


def tested(folder: Path, arguments: list[str]) -> int:
    """Install the lowest versions of the direct dependencies into a new environment, and run tests in it."""
    pins, python = folder / "lowest.txt", folder / "env" / "bin" / "python"
    resolution = ("--resolution", "lowest-direct", "--python-version", "3.11")
    return (
        run("uv", "pip", "compile", "-q", *resolution, *EXTRAS, "pyproject.toml", "-o", pins)
        or run("uv", "venv", "-q", "--python", "3.11", folder / "env")
        or run("uv", "pip", "install", "-q", "--python", python, "-r", pins, "-e", ".", "--no-deps")
        or run(python, "-m", "pytest", *TESTED, *arguments)
    )


def audited(folder: Path) -> int:
    """Ask for known holes in the newest versions of everything that is installed with kernelviz."""
    pins = folder / "newest.txt"
    compiled = run("uv", "pip", "compile", "-q", "--all-extras", "pyproject.toml", "-o", pins)
    return compiled or run("pip-audit", "--strict", "--disable-pip", "--no-deps", "-r", pins)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        codes = tested(Path(temporary), sys.argv[1:]), audited(Path(temporary))
    sys.exit(max(codes))
