"""The rules of the code: imports run one way, the style holds, and the tests check shapes."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import jaxtyping
import pytest
import torch

from kernelviz.layers.kernels import squared_distance

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "kernelviz"
FILES = sorted(PACKAGE.rglob("*.py"))
APP = [ROOT / "app.py"]


def subpackage(path):
    """The package or module below kernelviz that a file belongs to: kernelviz/networks/embedding.py -> networks."""
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


def users_of(library, files):
    return [str(path.relative_to(ROOT)) for path in files if library in {n.split(".")[0] for n in imports_of(path)}]


def test_imports_run_one_way():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_pages_import_streamlit():
    assert users_of("streamlit", [f for f in FILES if subpackage(f) != "ui"]) == []


def test_the_first_map_does_not_wait_for_torch():
    modules = "kernelviz.cli, kernelviz.ui.server.app, kernelviz.ui.explore.page"
    check = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, timeout=60).returncode == 0


def test_only_plots_import_plotly():
    assert users_of("plotly", FILES + APP) == [f"kernelviz/plots/{name}.py" for name in ("curves", "maps", "trade_off")]


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_has_nothing_to_say(command):
    ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "."]
    done = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_shapes_in_types_are_checked_in_the_tests():
    with pytest.raises(jaxtyping.TypeCheckError, match="squared_distance"):
        squared_distance(torch.zeros(3, 2), torch.zeros(4, 1))  # torch itself would spread 1 over 2


MODULES = 12  # side by side in a package, at most


@pytest.mark.parametrize("package", sorted({path.parent for path in FILES}), ids=lambda path: path.name)
def test_a_package_can_be_taken_in_at_a_glance(package):
    assert len([path for path in package.glob("*.py") if not path.name.startswith("__")]) <= MODULES


ASKED = re.compile(
    r"isinstance\([^()]*\b(Embedding|Classifier|Recommender)(Run|Recipe|Task)\b|\.kind\s*[!=]=|\.makes\s*[!=]="
)
TOLD_APART = {"kernelviz/storage/store.py"}  # `of_kind`, `load_mapped` and `load_classifier`, which the others ask


def test_kinds_are_told_apart_in_one_place():
    asking = {path.relative_to(ROOT).as_posix() for path in FILES if ASKED.search(path.read_text(encoding="utf-8"))}
    assert asking == TOLD_APART


def test_every_kind_has_a_task_and_a_way_into_python():
    from kernelviz.api.functions import LOADED
    from kernelviz.storage.record import KINDS, ClassifierRun
    from kernelviz.tasks import TASKS

    kinds = {*KINDS.values(), ClassifierRun}
    assert {kind.kind for kind in kinds} == TASKS.keys() and LOADED.keys() <= kinds
    for task in TASKS.values():
        assert callable(task.load_data) and callable(task.evaluate)


def test_every_cache_has_a_size():
    for path in FILES:
        functions = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)]
        for function in functions:
            for decorator in map(ast.unparse, function.decorator_list):
                if re.match(r"cache|lru_cache|st\.cache", decorator) and decorator != "cached_property":
                    alone = decorator == "cache" and not function.args.args  # keeps one value
                    assert alone or re.search(r"max_entries=\d|lru_cache\((maxsize=)?\d", decorator), (
                        path,
                        function.name,
                    )
