"""Tables of metrics that a command measured, as JSON files among the runs."""

import json
from collections.abc import Sequence

from kernelviz.disk import own_file, replacing, runs_folder


def store_rows(name: str, rows: list[dict]) -> None:
    """Write measured rows to the file of that name among the user's runs."""
    path = runs_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_text(json.dumps({"rows": rows}, indent=1), encoding="utf-8")


def measured_rows(name: str, columns: Sequence[str]) -> list[dict]:
    """The rows measured on this machine, else the shipped ones; none if the file cannot be read."""
    path = runs_folder() / name
    try:
        found = json.loads((path if path.is_file() else own_file("pretrained", name)).read_text(encoding="utf-8"))
        return [{key: row[key] for key in columns} for row in found["rows"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
