"""What the commands print: results on standard output, progress and errors on standard error."""

import json
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table

# Options of several commands.
Features = Annotated[
    str | None,
    typer.Option(help="What is compared: pixels, vectors, a name of timm's, a run, or package.module:factory."),
]
Weights = Annotated[str | None, typer.Option(help="File with the weights of the features' network.")]
Labels = Annotated[str | None, typer.Option(help="Column with the classes, or path:N, the N-th folder.")]
TestShare = Annotated[float, typer.Option(min=0, max=0.9, help="Share that is only tested on; 0: none.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else.")]
console = Console(stderr=True)
MAX_NAME = 24  # letters of a name that stay on one line in a narrow terminal
STOPPED = 130  # exit code after Ctrl-C

# Options of several commands.
Features = Annotated[
    str | None,
    typer.Option(help="What is compared: pixels, vectors, a name of timm's, a run, or package.module:factory."),
]
Weights = Annotated[str | None, typer.Option(help="File with the weights of the features' network.")]
Labels = Annotated[str | None, typer.Option(help="Column with the classes, or path:N, the N-th folder.")]
TestShare = Annotated[float, typer.Option(min=0, max=0.9, help="Share that is only tested on; 0: none.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else.")]


def progress_bar(shown: bool = True) -> Progress:
    """A progress bar on standard error; nothing where that is no terminal, or where `shown` is false."""
    columns = (BarColumn(30), MofNCompleteColumn(), TextColumn("{task.fields[note]}"), TimeElapsedColumn())
    columns = (TextColumn("{task.description:>6}"), *columns, TextColumn("left"), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not (shown and console.is_terminal))


def print_json(value: dict) -> None:
    """One JSON object on standard output."""
    print(json.dumps(value))


def print_table(columns: Iterable[str], rows: Iterable[Iterable], *below: str) -> None:
    """A table on standard output, the names in its first column in full, numbers with four digits, and lines below."""
    name, *others = columns
    rows = [tuple(row) for row in rows]
    space = min(MAX_NAME, max((len(str(row[0])) for row in rows), default=0))
    first = Column(name, min_width=space + 1, overflow="fold")
    table = Table(first, *(Column(one, overflow="fold") for one in others), box=SIMPLE_HEAD, collapse_padding=True)
    for row in rows:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row))
    Console().print(table, *below, sep="\n")


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
        console.print(f"kernelviz: {' '.join(message.split())}", style="red", markup=False, soft_wrap=True)
    return code
