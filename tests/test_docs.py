"""The documents: their links resolve, and what they say of commands, options, recipes and Python is true."""

import re
from pathlib import Path

import jaxtyping
import pytest
import typer

from kernelviz.cli.main import Benchmark, cli
from kernelviz.paper import EXPERIMENTS
from kernelviz.tasks.recipes import RECIPES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "assets" / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
LARGEST_README = 9_000  # bytes
COMMANDS = typer.main.get_command(cli).commands
PREFIXES = tuple(sorted({name.split("-")[0] + "-" for name in RECIPES if "-" in name}))  # of the names of recipes

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def text_of(page):
    return page.read_text(encoding="utf-8")


def prose_of(page):
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)


def anchors_of(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def sections_of(page):
    """The text below each heading of the second level."""
    return dict(part.split("\n", 1) for part in re.split(r"^## ", text_of(page), flags=re.MULTILINE)[1:])


def first_cells(text):
    """What stands in code font in the first column of the tables."""
    return [
        name for row in re.findall(r"^\|([^|]*)\|", text, flags=re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
    ]


def python_blocks(page):
    """Each fenced Python block with the number of its first line."""
    text = text_of(page)
    for block in re.finditer(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, block.start(1)) + 1, block[1]


@pages
def test_every_link_and_image_is_there(page):
    links = re.findall(r"\]\(([^)\s]+)\)", prose_of(page))
    broken = []
    for link in links:
        if re.match(r"https?:", link):
            continue
        address, _, anchor = link.partition("#")
        target = (page.parent / address).resolve() if address else page
        if not target.is_file() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    assert not broken


@pages
def test_every_file_that_is_named_is_there(page):
    named = re.findall(r"(?<![\w/.-])((?:kernelviz|tests|assets|pretrained)/[\w./-]+)", text_of(page))
    assert not [path for path in named if not (ROOT / path.rstrip(".")).exists()]


def test_every_document_is_in_the_index():
    linked = re.findall(r"\]\(([^)#\s]+)\)", text_of(DOCS / "README.md"))
    assert {path.name for path in DOCS.glob("*.md")} - {"README.md"} <= set(linked)


def test_the_readme_is_one_page():
    assert len((ROOT / "README.md").read_bytes()) <= LARGEST_README


def test_every_command_has_a_section():
    sections = [title for title in sections_of(DOCS / "command_line.md") if title.startswith("kernelviz ")]
    assert sections == [f"kernelviz {name}" for name in COMMANDS]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_listed_and_no_other(name):
    section = sections_of(DOCS / "command_line.md")[f"kernelviz {name}"]
    options = [one for one in COMMANDS[name].params if one.param_type_name == "option"]
    listed = [option for option in first_cells(section) if option.startswith("-")]
    assert sorted(listed) == sorted(way for one in options for way in [*one.opts, *one.secondary_opts])


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_shown_with_its_arguments(name):
    section = sections_of(DOCS / "command_line.md")[f"kernelviz {name}"]
    arguments = [one.name.upper() for one in COMMANDS[name].params if one.param_type_name == "argument"]
    assert re.search(rf"`kernelviz {' '.join([name, *arguments])}", section)


def test_every_benchmark_and_experiment_is_listed():
    sections = sections_of(DOCS / "command_line.md")
    benchmarks = [name for name in first_cells(sections["kernelviz bench"]) if not name.startswith("-")]
    assert benchmarks == list(Benchmark)
    named = re.findall(r"`((?:figure|table)\d)`", sections["kernelviz reproduce"].split("([")[0])
    assert tuple(named) == EXPERIMENTS


def test_every_recipe_is_listed_and_no_other():
    assert sorted(first_cells(sections_of(DOCS / "command_line.md")["The recipes"])) == sorted(RECIPES)


@pages
def test_every_recipe_that_is_named_exists(page):
    named = re.findall(r"\bkernelviz train ([a-z][\w-]+)", text_of(page))
    named += [
        name
        for name in re.findall(r"[`\"]([a-z0-9]+(?:-[a-z0-9]+)+)[`\"]", text_of(page))
        if name.startswith(PREFIXES) and not name.startswith(("no-", "at-"))
    ]
    assert set(named) <= set(RECIPES)


def test_the_departures_are_as_many_as_it_says():
    text = text_of(DOCS / "departures.md")
    assert len(re.findall(r"^\d+\. \*\*", text, flags=re.MULTILINE)) == int(re.search(r"are (\d+) departures", text)[1])


def test_every_file_that_departs_is_named():
    departing = [path for path in (ROOT / "kernelviz").rglob("*.py") if "# Departure:" in text_of(path)]
    text = text_of(DOCS / "departures.md")
    assert departing and not [path for path in departing if path.relative_to(ROOT).as_posix() not in text]


def run(page):
    """Run the Python of a page, and return what it has named."""
    names = {"__name__": "__main__"}
    for line, block in python_blocks(page):
        exec(compile("\n" * (line - 1) + block, str(page), "exec"), names)
    return names


@pytest.mark.parametrize("page", [ROOT / "README.md", DOCS / "python.md"], ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(page)["mine"].name == "mine"


def test_the_layers_are_put_into_other_networks(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # no compiler follows the checks of shapes
    names = run(DOCS / "layers.md")
    assert names["right"].float().mean() > 0.5 and names["coordinates"].std(0).min() > 0.5  # chance is 0.1
    assert names["losses"][-1] < names["losses"][0] - 5 and names["samples"].shape == (5, 64)
