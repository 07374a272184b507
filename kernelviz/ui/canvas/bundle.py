"""The ES modules of an entry as one module, for places that take a single script: a notebook, a page of one file."""

import re
from pathlib import Path

IMPORT = re.compile(r"^import \{([^}]*)\} from '([^']+)'\n", re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+|\[[\w, ]+\]))", re.MULTILINE)
NOTHING = re.compile(r"^export \{\}\n", re.MULTILINE)  # of a file that has nothing but types
COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*\*.*?\*/)\n", re.MULTILINE | re.DOTALL)


def bundle(entry: Path) -> str:
    """The module of a file with all that it imports: what the file exports, the text exports.

    Each of the others is a function that is called once and returns what it exports, after those that it imports.
    Modules are written as in the canvas: they import names in braces by relative addresses, each at the beginning of a
    line, and export functions, classes and constants where these are defined. A ValueError says where one is not.
    """
    done: dict[Path, str] = {}
    parts: list[str] = []
    text = _linked(entry.resolve(), done, parts, ())
    return "\n".join([*parts, text])


def _linked(path: Path, done: dict[Path, str], parts: list[str], above: tuple[Path, ...]) -> str:
    """The text of a module with names of `done` in place of its imports, which are added to `parts`."""
    if path in above:
        raise ValueError(f"{path.name} imports itself, by way of {above[-1].name}")

    def module(found: re.Match) -> str:
        names, address = found.groups()
        other = (path.parent / address).resolve()
        if other not in done:
            body = _linked(other, done, parts, (*above, path))
            exported = ", ".join(names.strip("[]") for names in EXPORT.findall(body))
            done[other] = f"${other.stem}_{len(done)}"
            parts.append(f"const {done[other]} = (() => {{\n{EXPORT.sub('', body)}return {{ {exported} }}\n}})()")
        return f"const {{{names.replace(' as ', ': ')}}} = {done[other]}\n"

    text = NOTHING.sub("", COMMENT.sub("", path.read_text(encoding="utf-8")))
    text = IMPORT.sub(module, text)
    left = re.search(r"^(?:import|export (?!default)).*", EXPORT.sub("", text), re.MULTILINE)
    if left:
        raise ValueError(f"{path.name} has an import or export that cannot be bundled: {left[0]}")
    return text
