"""What the commands print: results on standard output, progress and errors on standard error."""

import json
import math
import os
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

from kernelviz.text import visible
from kernelviz.training.plan import LARGEST_SEED


def _used(name: str) -> str:
    """Compute on that device; torch, which takes seconds to import, is asked for those other than auto."""
    if name != "auto":
        from kernelviz.networks.devices import use_device

        use_device(name)
    return name


# Options of several commands.
Features = Annotated[
    str | None,
    typer.Option(help="What is compared: pixels, vectors, a name of timm's, a run, or package.module:factory."),
]
Weights = Annotated[str | None, typer.Option(help="File with the weights of the features' network.")]
Labels = Annotated[str | None, typer.Option(help="Column with the classes, or path:N, the N-th folder.")]
TestShare = Annotated[float, typer.Option(min=0, max=0.9, help="Share that is only tested on; 0: none.")]
Seed = Annotated[int, typer.Option(min=0, max=LARGEST_SEED)]
Device = Annotated[
    str,
    typer.Option(
        envvar="KERNELVIZ_DEVICE",
        callback=_used,
        help="Where it computes: auto (the fastest), cpu, cuda, cuda:1 or mps.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else.")]
# Of the processes of torchrun only the first of a machine speaks: on another one than the first, of what stops it.
console = Console(stderr=True, quiet=os.environ.get("LOCAL_RANK", "0") != "0")
MAX_NAME = 24  # letters of a name that stay on one line in a narrow terminal
STOPPED = 130  # exit code after Ctrl-C


class _Note(TextColumn):
    """What a task of a progress bar is at."""

    def render(self, task: Task) -> Text:
        return Text(visible(str(task.fields["note"])))


def progress_bar(shown: bool = True) -> Progress:
    """A progress bar on standard error; nothing where that is no terminal, or where `shown` is false."""
    columns = (BarColumn(30), MofNCompleteColumn(), _Note(""), TimeElapsedColumn())
    columns = (TextColumn("{task.description:>6}"), *columns, TextColumn("left"), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not (shown and console.is_terminal))


def say(text: str, style: str = "", to: Console | None = None) -> None:
    """Print a text with names from outside in it, on standard error or to another console, wrapped by the terminal."""
    (to or console).print(Text(visible(text), style), soft_wrap=True)


def print_json(value: dict) -> None:
    """One JSON object on standard output; null for numbers that JSON has not."""
    print(json.dumps(_finite(value)))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(columns: Iterable[str], rows: Iterable[Iterable], *below: str) -> None:
    """A table on standard output, the names in its first column in full, numbers with four digits, and lines below."""
    name, *others = columns
    rows = [tuple(row) for row in rows]
    space = min(MAX_NAME, max((len(str(row[0])) for row in rows), default=0))
    first = Column(_text(name), min_width=space + 1, overflow="fold")
    columns = [first, *(Column(_text(one), overflow="fold") for one in others)]
    table = Table(*columns, box=SIMPLE_HEAD, collapse_padding=True)
    for row in rows:
        table.add_row(*(_text(f"{value:.4g}" if isinstance(value, float) else value) for value in row))
    Console().print(table, *map(_text, below), sep="\n")


def _text(value: object) -> Text:
    """A value as text, in which nothing is markup or acts on the terminal."""
    return Text(visible(str(value)))


def print_metrics(metrics: dict[str, float]) -> None:
    """Metrics with what they mean."""
    from kernelviz.evaluation.quality import MEANING

    rows = [
        (name, f"{value:.4f}" if isinstance(value, float) else value, MEANING[name]) for name, value in metrics.items()
    ]
    print_table(("metric", "value", "meaning"), rows)


def failed(message: str, code: int) -> int:
    """Say in one line on standard error what went wrong; returns the exit code."""
    if message:  # without arguments there is only the help
        say(f"kernelviz: {' '.join(message.split())}", "red")
    return code
