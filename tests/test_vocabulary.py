"""One word for one thing: words that were replaced by the field's do not come back."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SEARCHED = ("kernelviz/**/*.py", "kernelviz/**/*.mjs", "kernelviz/**/*.css", "tests/**/*.py", "assets/docs/*.md")
SEARCHED += ("app.py", "README.md", "pyproject.toml")
OWN = "tests/test_vocabulary.py"
RUN_JSON = r"\"draws\"|`draws`|\bdraws: bool|\"kept\"|\bkept: int"  # keys on disk
DRAWING_TOOLS = r":material/draw:|ImageDraw|Image\.Draw|\bdraw, pen\b|data\.draw\("  # of libraries
DRAWING_TOOLS += r"|\bdraw\.(line|ellipse|rectangle|polygon)"
A_PLACE = r"\b(a|the|its|no|any|each|every|one|same|other|this|whose|without|at|many|random) places?\b"

WORDS = {  # a replaced word: (the right one, where the replaced one is allowed)
    r"\bdrawings?\b": ("decoded image, sketch or picture", ""),
    r"\bdraws?\b": ("decode, sketch, render or sample", f"{RUN_JSON}|{DRAWING_TOOLS}"),
    r"\bdrawn\b|_drawn\b|\bdrawn_": ("decoded, sketched, rendered or sampled", ""),
    r"_draws?_|_drawings?\b|_drawings?_": ("decode, sketch or render", ""),
    r"\bfigures? of merit\b|\b(its|by the|keep the) figures\b|\bfigures of (both|a|the maps?|the runs?)\b": (
        "metric",
        "",
    ),
    r"_figures(_|\b)|_5nn_figure\b": ("metric", ""),
    r"\bforeign\b": ("novel (an image), checkpoint (weights)", ""),
    r"\blands?\b|\blanded\b|\blandings?\b|_lands?_": ("is embedded or projected", ""),
    r"\bintake\b|\btaking in\b": ("ingest", ""),
    r"\bways? (to|of) prepar|\bprepar\w* (a|the|an) (picture|image)|_prepared\b": ("preprocessing, preprocess", ""),
    r"\bspool\b": ("upload_store", ""),
    r"\bRefused\b": ("UnreadableImage", ""),
    r"\bRejected\b": ("RejectedFile", r"\"Rejected: "),
    r"\bgather(s|ed|ing)?\b|_gather_": ("supervised_neighbours (the objective), dropped files", ""),
    r"\bitemising\b|\blocating\b|\btogether\.py\b": ("item_map, pixel_layout, batched", ""),
    r"\b(Mapping|Classifying|Recommending)\b": (
        "EmbeddingTask, ClassifierTask, RecommenderTask",
        r"collections\.abc import .*Mapping|\((\w+), Mapping\)|Mapping\[str",
    ),
    r"\b(layers?|depths?|\w+ part) kept\b|\bkept (part|layers?)\b|_kept_part|_layers_are_kept": (
        "depth, truncated",
        "",
    ),
    r"\blower (part|layers?|cut)\b|\b(deeper|deepest|shallowest|the) cuts?\b": ("truncated, depth", ""),
    r"\btaken for\b": ("predicted as", ""),
    A_PLACE: ("coordinates; in texts for people: position on the map", r"\btakes? (the|its) place\b"),
    r"\bplaces? of (a|an|the|each|every|points?|images?)\b|_places?_(in|of)\b|\bfrom_places\b": (
        "coordinates",
        r"\bin place of\b",
    ),
    r"\btastes?\b|\bRated\b": ("item factors, RatingMatrix", r"\"taste\"|f\"taste\{"),
    r"\bproducts\(\)": ("macs()", ""),
    r"\bcom(e|es|ing) nearer\b": ("zoom in", ""),
    r"\blet(s|ting)? go\b": ("release, discard", ""),
    r"\bhouse\b|\brooms?\b|\bdoors?\b": ("package, module, entry point; free space", ""),
    r"\bstands? on\b|_stands?_on\b|\bstand_on\b": ("backbone, is trained on", ""),
    r"\bSHOWN\b": ("a name that says what it limits", ""),
    r"\"\"\"The same\b": ("a docstring that stands alone", ""),
}


def lines():
    """Every line of the searched files that git knows, with its path and number."""
    found = subprocess.run(
        ["git", "ls-files", "--", *(f":(glob){pattern}" for pattern in SEARCHED)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for path in found.stdout.splitlines():
        if path != OWN and (ROOT / path).is_file():
            for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
                yield path, number, line


@pytest.fixture(scope="module")
def searched():
    if not (ROOT / ".git").exists():
        pytest.skip("needs the checkout, whose files git knows")
    return list(lines())


def test_the_code_is_searched(searched):
    assert {"kernelviz/disk.py", "kernelviz/layers/kernels.py", "app.py"} <= {path for path, _, _ in searched}


@pytest.mark.parametrize("replaced", WORDS)
def test_a_replaced_word_does_not_come_back(searched, replaced):
    right, allowed = WORDS[replaced]
    left = []
    for path, number, line in searched:
        rest = re.sub(allowed, "", line) if allowed else line
        if re.search(replaced, rest):
            left.append(f"{path}:{number}: {line.strip()}")
    assert not left, f"use {right}:\n" + "\n".join(left)
