"""The scripts of the page as one: its ES modules, each in a function of its own, those first that others need.

A page without a server cannot load modules: their addresses would be files, which browsers do not open, or made in the
page, which its content security policy does not allow.
"""

import re
from pathlib import Path

from kernelviz.ui.canvas import FOLDER as CANVAS

FOLDER = Path(__file__).parent
MAIN = FOLDER / "js" / "main.mjs"
IMPORT = re.compile(r"^import \{([^}]*)\} from '([^']+)'\n", re.M)
EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+|\[[\w, ]+\]))", re.M)
NOTHING = re.compile(r"^export \{\}\n", re.M)
LEFT = re.compile(
    r"^(?:import|export)\b.*", re.M
)  # what is left of modules is of another form, which is not known here
COMMENT = re.compile(r"^ */\*\*.*?\*/\n|^ *// [^\n]*\n", re.M | re.S)
ENDING = re.compile(r"</script|<!--", re.I)  # would end the script in a page


def bundle(main: Path = MAIN) -> str:
    """One script that does what a module and those that it imports do; a ValueError names what it cannot take in.

    Imports and exports stand at the beginning of a line and name what they mean, as everywhere in these scripts.
    """
    order: dict[Path, str] = {}
    _add(main.resolve(), order, ())
    return "".join(["'use strict'\n;(() => {\n", *order.values(), "})()\n"])


def _add(path: Path, order: dict[Path, str], above: tuple[Path, ...]) -> None:
    if path in order:
        return
    if path in above:
        raise ValueError(f"{path.name} and {above[-1].name} import each other; modules of a bundle cannot")
    source = path.read_text(encoding="utf-8")
    for _, address in IMPORT.findall(source):
        _add((path.parent / address).resolve(), order, (*above, path))
    order[path] = _wrapped(path, source)


def _wrapped(path: Path, source: str) -> str:
    """A module as a function that is called at once, whose result are its exports."""

    def destructured(found: re.Match) -> str:
        names = ", ".join(name.strip().replace(" as ", ": ") for name in found[1].split(",") if name.strip())
        return f"const {{ {names} }} = {_name((path.parent / found[2]).resolve())}\n"

    exports = ", ".join(names.strip("[]") for names in EXPORT.findall(source))
    body = NOTHING.sub("", EXPORT.sub("", IMPORT.sub(destructured, COMMENT.sub("", source))))
    for wrong in (LEFT, ENDING):
        if found := wrong.search(body):
            raise ValueError(f"{path.name} has {found[0]!r}, which a script in a page cannot have")
    return f"const {_name(path)} = (() => {{\n{body}return {{ {exports} }}\n}})()\n"


def _name(path: Path) -> str:
    """A name for a module: "core/view.mjs" of the canvas is $canvas_core_view."""
    owner = "canvas" if path.is_relative_to(CANVAS) else "page"
    parts = path.relative_to((CANVAS if owner == "canvas" else FOLDER) / "js").with_suffix("").parts
    return "$" + "_".join([owner, *parts])
