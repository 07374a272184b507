"""`kernelviz doctor`: whether the installation is sound, and what can be cleaned."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from kernelviz.cli.output import AsJson, print_json, print_table, say
from kernelviz.errors import UserError


def doctor(
    clean: Annotated[
        bool, typer.Option("--clean", help="Remove what is cached, and what killed processes have left.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say which versions, folders and runs there are, which runs cannot be opened and why, and what is cached."""
    from kernelviz.library import health

    removed = _cleaned() if clean else None
    found = {
        "versions": health.versions(),
        "device": health.device(),
        "folders": [asdict(one) for one in health.folders()],
        "broken": health.broken_runs(),
        "cached": [asdict(one) for one in health.cached()],
    }
    if removed:
        found |= {"removed": removed}
    if as_json:
        return print_json(found)
    print_table(("what", "version"), [*found["versions"].items(), ("device", found["device"])])
    rows = [(one["what"], one["path"], _told(one), _size(one["free"])) for one in found["folders"]]
    print_table(("folder", "path", "state", "free"), rows)
    if found["cached"]:
        print_table(("cached", "size"), [(one["what"], _size(one["size"])) for one in found["cached"]])
    if removed:
        left = f"{len(removed['left'])} files that killed processes left"
        _say(f"{_size(removed['bytes'])} of caches and {left} are removed.")
    for reason in found["broken"]:
        say(reason, "yellow", Console())
    n = len(found["broken"])
    _say("Every run can be opened." if not n else f"{n} {'run' if n == 1 else 'runs'} cannot be opened.")


def _cleaned() -> dict:
    """Remove caches and leftovers; returns how many bytes of caches, and the paths of the leftovers."""
    from kernelviz.jobs.folder import State, jobs
    from kernelviz.library import cleaning, health

    running = [job.name for job in jobs() if job.state == State.running]
    if running:
        raise UserError(f"{', '.join(running)} is being trained and needs what is cached; clean when it is done")
    return {
        "bytes": health.remove_caches(),
        "left": [str(path) for path in [*cleaning.clean(), *cleaning.clean_temporary()]],
    }


def _told(folder: dict) -> str:
    return "writable" if folder["writable"] else "cannot be written"


def _size(n: int | None) -> str:
    if n is None:
        return "?"
    return f"{n / 1e9:,.1f} GB" if n >= 1e9 else f"{n / 1e6:,.1f} MB"


def _say(text: str) -> None:
    say(text, to=Console())
