"""The rules of the house: imports run one way, the style holds, and the tests check shapes."""

import ast
import subprocess
import sys
from pathlib import Path

import jaxtyping
import pytest
import torch

from kernelviz.kernels import squared_distance

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "kernelviz"
ORDER = [  # each imports only from itself and from those before it
    "disk",
    "tables",
    "items",
    "kernels",
    "layers",
    "probe",
    "networks",
    "data",
    "runs",
    "spectra",
    "weights",
    "maps",
    "depths",
    "inference",
    "quality",
    "landings",
    "metrics",
    "training",
    "pictures",
    "density",
    "figures",
    "curves",
    "experiments",
    "benchmarks",
    "ui",
    "cli",
]
OUTSIDE = {"__init__", "__main__"}  # the package's name and version, and its door: nothing imports them
FILES = sorted(PACKAGE.rglob("*.py"))
APP = [ROOT / "app.py"]


def room(path):
    """The part of the package that a file lies in: kernelviz/networks/embedding.py -> networks."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(source, package):
    """Every module named by an import anywhere in a source, and every name taken from one, with dots."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def imports_of(path):
    package = ".".join(path.relative_to(ROOT).parts[:-1])
    return set(imported(path.read_text(encoding="utf-8"), package))


def rooms_used_by(path):
    return {name.split(".")[1] for name in imports_of(path) if name.startswith("kernelviz.")}


def users_of(library, files):
    return [str(path.relative_to(ROOT)) for path in files if library in {n.split(".")[0] for n in imports_of(path)}]


@pytest.mark.parametrize(
    "source, wanted",
    [
        ("import kernelviz.maps", {"kernelviz.maps"}),
        ("import kernelviz.maps as m, os", {"kernelviz.maps", "os"}),
        ("from kernelviz import maps, runs", {"kernelviz.maps", "kernelviz.runs"}),
        ("from kernelviz.maps import embed", {"kernelviz.maps.embed"}),
        ("def f():\n    from kernelviz.maps import embed", {"kernelviz.maps.embed"}),
        ("from . import fit", {"kernelviz.training.fit"}),
        ("from ..maps import embed", {"kernelviz.maps.embed"}),
        ("x = 'import kernelviz.maps'", set()),
    ],
)
def test_imports_are_found_wherever_they_stand(source, wanted):
    assert set(imported(source, "kernelviz.training")) == wanted


def test_every_part_of_the_package_has_its_place_in_the_order():
    unknown = {room(path) for path in FILES} - {*ORDER, *OUTSIDE}
    assert not unknown, f"kernelviz has {sorted(unknown)}, which have no place in ORDER: say there what they may import"


@pytest.mark.parametrize(
    "path", [f for f in FILES if room(f) in ORDER], ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_imports_run_one_way(path):
    own = ORDER.index(room(path))
    upwards = rooms_used_by(path) & {*ORDER[own + 1 :]}
    assert not upwards, f"{path.relative_to(ROOT)} imports {sorted(upwards)}, but may only import {ORDER[: own + 1]}"


def test_only_the_pages_import_streamlit():
    assert users_of("streamlit", [f for f in FILES if room(f) != "ui"]) == []


def test_the_first_map_does_not_wait_for_torch():
    modules = "kernelviz.cli, kernelviz.ui.server, kernelviz.ui.pages.explore"
    check = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, timeout=60).returncode == 0


def test_only_figures_and_curves_import_plotly():
    assert users_of("plotly", FILES + APP) == ["kernelviz/curves.py", "kernelviz/figures.py"]


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_has_nothing_to_say(command):
    ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "."]
    done = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_shapes_in_types_are_checked_in_the_tests():
    with pytest.raises(jaxtyping.TypeCheckError, match="squared_distance"):
        squared_distance(torch.zeros(3, 2), torch.zeros(4, 1))  # torch itself would spread 1 over 2
