"""What is done with finished runs: `kernelviz runs`, `compare`, `rename`, `delete`, `restore`, `export`, `import`."""

from pathlib import Path
from textwrap import fill
from typing import Annotated

import typer
from rich.console import Console

from kernelviz.cli.output import AsJson, print_json, print_table, say
from kernelviz.errors import NotFound, UserError
from kernelviz.export import FORMATS, write
from kernelviz.storage.store import hidden_runs, load_run, readable_runs

LISTED = ("map_5nn", "place_mse", "test_accuracy")
MOST_COMPARED = 4
LONGEST_AIM = 15  # letters of a line
Name = Annotated[str, typer.Argument(metavar="RUN", help="Name of a run.")]


def runs(as_json: AsJson = False) -> None:
    """List the trained networks."""
    found, broken = readable_runs()
    hidden = hidden_runs()
    if as_json:
        rows = [{"name": r.name, "data": r.data["name"], "metrics": r.metrics, "folder": str(r.folder)} for r in found]
        return print_json({"runs": rows, "broken": broken, "hidden": hidden})
    rows = [
        (
            run.name,
            run.data["name"],
            "\n".join(fill(aim.replace("_", " "), LONGEST_AIM) for aim in run.aims),
            *map(run.metrics.get, LISTED, len(LISTED) * [""]),
        )
        for run in found
    ]
    if found:
        print_table(("run", "data", "objectives", "5-NN on\nthe map", "MSE from\nposition", "accuracy"), rows)
    else:
        Console().print("There is no run yet: train one with `kernelviz train digits-autoencoder`.")
    for reason in broken + hidden:
        say(reason, "yellow")


def compare(
    names: Annotated[list[str], typer.Argument(help="Names of two to four runs.")],
    as_json: AsJson = False,
) -> None:
    """Compare runs: their metrics, and the settings in which they differ."""
    from kernelviz.library import comparing

    if not 2 <= len(set(names)) == len(names) <= MOST_COMPARED:
        raise UserError(f"two to {MOST_COMPARED} different runs can be compared, not {' '.join(names)}")
    found = [load_run(name) for name in names]
    metrics, settings = comparing.metrics_of(found), comparing.differing(found)
    if as_json:
        facts = [{"name": r.name, "kind": r.kind, "data": r.data["name"], "history": r.history} for r in found]
        return print_json({"runs": facts, "metrics": metrics, "settings": settings})
    comparable = comparing.are_comparable(found)
    note = "* the best value." if comparable else "Measured on different data: no value is better than another."
    print_table(("metric", *names), [(name, *_marked(name, values, comparable)) for name, values in metrics.items()])
    rows = [(name, *map(comparing.written, values)) for name, values in settings.items()]
    print_table(("setting", *names), rows, note if metrics else "", "Settings that are not listed are equal.")


def _marked(name: str, values: list[float | None], comparable: bool) -> list[str]:
    """The values of a metric as texts, a star at the best."""
    from kernelviz.library import comparing

    best = comparing.best_of(name, values) if comparable else set()
    return [comparing.shown(value) + (" *" if at in best else "") for at, value in enumerate(values)]


def rename(
    run: Name,
    new: Annotated[str, typer.Argument(help="Its new name.")],
    as_json: AsJson = False,
) -> None:
    """Rename a run of your own."""
    from kernelviz.library import names

    heads = names.needing(run)
    renamed = names.rename(run, new)
    if as_json:
        return print_json({"run": renamed.name, "folder": str(renamed.folder), "needed_by": heads})
    _say(f"The run {run!r} is {new!r} now.")
    if heads:
        _say(f"Trained on it: {', '.join(heads)}. They go on finding it by its weights.")


def delete(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="Name of a run.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Delete it though other runs need its weights.")] = False,
    empty_bin: Annotated[bool, typer.Option("--empty-bin", help="Remove for good what was deleted before.")] = False,
    as_json: AsJson = False,
) -> None:
    """Move a run of your own to the bin, from which `restore` brings it back."""
    from kernelviz.library import bin

    if (run is None) != empty_bin:
        raise UserError("give the name of a RUN, or --empty-bin alone")
    if run is None:
        n = bin.empty_bin()
        return print_json({"removed": n}) if as_json else _say(f"{n} {'run was' if n == 1 else 'runs were'} removed.")
    deleted = bin.delete(run, force)
    if as_json:
        return print_json({"run": run, "folder": str(deleted.folder)})
    _say(f"The run {run!r} is in the bin; bring it back with `kernelviz restore {run}`.")


def restore(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="Name of a deleted run.")] = None,
    name: Annotated[str | None, typer.Option(help="What it is called from now on.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a deleted run back. Without a name, list what is in the bin."""
    from kernelviz.library import bin

    if run is None:
        found = [(one.name, f"{one.when.astimezone():%Y-%m-%d %H:%M}") for one in bin.deleted_runs()]
        if as_json:
            return print_json({"deleted": [{"name": one.name, "when": str(one.when)} for one in bin.deleted_runs()]})
        return print_table(("run", "deleted"), found) if found else _say("The bin is empty.")
    folder = bin.restore(run, name or "")
    return print_json({"run": folder.name, "folder": str(folder)}) if as_json else _say(f"{folder.name!r} is back.")


def export(
    run: Name,
    out: Annotated[Path | None, typer.Option(help="File or folder to write; named after the run if not given.")] = None,
    form: Annotated[str, typer.Option("--format", help=f"One of {', '.join(['kernelviz', *FORMATS])}.")] = "kernelviz",
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Include the small pictures and the table of your own data.")
    ] = False,
    split: Annotated[bool, typer.Option("--split", help="With html, a folder for a static host.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a run as one file, to be handed on, or in a format of others."""
    from kernelviz.library.handing_on import export_run, has_pictures

    found = load_run(run)
    if split and form != "html":
        raise UserError(f"--split is for --format html, not for {form}")
    form = "html-folder" if split else form
    if form != "kernelviz":
        path = write(found, form, out, pictures)
        return print_json({"run": run, "path": str(path)}) if as_json else _say(f"{path} is written.")
    path = export_run(found, out or Path(run), pictures)
    if as_json:
        return print_json({"run": run, "file": str(path), "bytes": path.stat().st_size})
    _say(f"{path} has {path.stat().st_size / 1e6:,.1f} MB; `kernelviz import {path.name}` brings it in elsewhere.")
    if has_pictures(found) and not pictures:
        _say("The small pictures and the table of its data stay here; --pictures includes them.")


def import_(
    file: Annotated[Path, typer.Argument(help="A file or a model folder that `export` has written.")],
    name: Annotated[str | None, typer.Option(help="Name of the run; that in the file if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring in a run from a file or a model folder. All in it is checked before, and no run is overwritten."""
    from kernelviz.library.importing import import_run

    if not file.exists():
        raise NotFound(f"there is no file {file}")
    run = import_run(file, name or "")
    if as_json:
        return print_json({"run": run.name, "folder": str(run.folder)})
    _say(f"The run {run.name!r} is in {run.folder}; look at it with `kernelviz app --run {run.name}`.")


def _say(text: str) -> None:
    say(text, to=Console())


def register(cli: typer.Typer) -> None:
    """Make the commands known, in the order in which the help lists them."""
    for name, command in COMMANDS.items():
        cli.command(name)(command)


COMMANDS = {
    "compare": compare,
    "rename": rename,
    "delete": delete,
    "restore": restore,
    "export": export,
    "import": import_,
}
