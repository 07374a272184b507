"""The page as a folder for a static host: index.html, and the data beside it, which it fetches when it needs them."""

from pathlib import Path

from kernelviz.storage.record import Run
from kernelviz.ui.standalone import embedding
from kernelviz.ui.standalone.document import document
from kernelviz.ui.standalone.facts import data_of, facts_of


def write(run: Run, path: Path, pictures: bool) -> Path:
    """Write the page into a folder; returns its path. A UserError says that the run has no map."""
    run, files = embedding(run), []
    for name, content in data_of(run, pictures):
        file = path / "data" / f"{name.replace('/', '-')}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        files.append(name)
    facts = facts_of(run, pictures, "encoder" in files) | {"files": files}
    (path / "index.html").write_text(document(f"{run.name} · kernelviz", facts, {}, folder=True), encoding="utf-8")
    return path
