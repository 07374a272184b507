"""`kernelviz figure`: a run on paper, and animations."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kernelviz.cli.output import AsJson, print_json


class What(StrEnum):
    """What a figure shows."""

    map = "map"
    images = "images"
    decoded = "decoded"
    depth = "depth"
    path = "path"
    film = "film"


def figure(
    run: str,
    what: What,
    out: Annotated[
        Path | None, typer.Option(help="File to write: .pdf, .svg, .png; of an animation .gif, .webp.")
    ] = None,
    width: Annotated[str, typer.Option(help="Such as 8.5cm, 85mm, 3.35in, 240pt.")] = "",
    dpi: Annotated[int, typer.Option(help="Of a PNG, and of what are pixels in a PDF or SVG.")] = 300,
    split: Annotated[str, typer.Option(help="Whose points: train, validation, test, added.")] = "",
    colour: Annotated[str, typer.Option(help="Of the points: label, prediction, right or wrong.")] = "label",
    side: Annotated[int, typer.Option(help="Images along each side.")] = 0,
    pictures: Annotated[bool, typer.Option("--pictures", help="In images, those of the data.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a figure of a run for print, as those of the paper, or an animation."""
    from kernelviz.export import figures
    from kernelviz.storage.store import load_mapped

    path = figures.figure(load_mapped(run), what, out, figures.Look(width, dpi, split, colour, side, pictures))
    if as_json:
        return print_json({"run": run, "figure": what.value, "file": str(path), "bytes": path.stat().st_size})
    Console().print(f"{path} is written.", markup=False, soft_wrap=True, highlight=False)
