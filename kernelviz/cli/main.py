"""The command line: `kernelviz ...`. Results go to standard output, progress and errors to standard error."""

import json
import shlex
import sys
import traceback
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from kernelviz import paper
from kernelviz.paper import EXPERIMENTS

# torch takes seconds to import: each command imports what it needs, so that `kernelviz app` starts at once.

cli = typer.Typer(
    help="Maps of images made by networks with a 2-D kernel layer, and a way back from any place to an image.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True)
STOPPED = 130  # exit code after Ctrl-C
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else.")]


class Benchmark(StrEnum):
    """What `bench` knows."""

    peers = "peers"
    graph = "graph"
    million = "million"
    profile = "profile"
    uploads = "uploads"
    drawn = "drawn"
    sparse = "sparse"
    ratings = "ratings"


Experiment = StrEnum("Experiment", EXPERIMENTS)  # what `reproduce` knows


@cli.command()
def app(host: str = "127.0.0.1", port: int = 8501) -> None:
    """Open the dashboard in the browser."""
    from kernelviz.ui.server.app import serve

    try:
        serve(host, port)
    except OSError as error:
        raise OSError(f"{host}:{port} cannot be served ({error.strerror}); choose another with --port") from None


@cli.command()
def runs(as_json: AsJson = False) -> None:
    """List the trained networks."""
    from kernelviz.runs.record import BrokenRun, load_run, run_names

    found, broken = [], []
    for name in run_names():
        try:
            found.append(load_run(name))
        except BrokenRun as error:
            broken.append(str(error))
    if as_json:
        rows = [{"name": r.name, "data": r.data["name"], "metrics": r.metrics, "folder": str(r.folder)} for r in found]
        return _print_json({"runs": rows, "broken": broken})
    table = Table("run", "data", "objectives", "5-NN on the map", "place MSE", "accuracy")
    for run in found:
        figures = [f"{run.metrics[key]:.4f}" if key in run.metrics else "" for key in FIGURES]
        table.add_row(run.name, run.data["name"], ", ".join(run.recipe["objectives"]), *figures)
    Console().print(table if found else "There is no run yet: train one with `kernelviz train digits-autoencoder`.")
    for reason in broken:
        console.print(reason, style="yellow")


FIGURES = ("map_5nn", "place_mse", "test_accuracy")


@cli.command()
def train(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe.")],
    data: Annotated[str | None, typer.Option(help="Image set by name, folder of pictures, or .npz file.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run; the recipe's if not given.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    backbone: Annotated[
        str | None,
        typer.Option(help="What a head stands on: resnet32, resnet18, …, or package.module:factory, your own code."),
    ] = None,
    weights: Annotated[str | None, typer.Option(help="Run or file with the backbone's weights.")] = None,
    keep: Annotated[str | None, typer.Option(help="How many layers of it are kept, or the last part by name.")] = None,
    labels: Annotated[float | None, typer.Option(min=0, max=1, help="Share of the labels that it may see.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    resume: Annotated[bool, typer.Option(help="Go on where a stopped training of this name stands.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a network and keep it as a run. Ctrl-C stops it at any step without losing anything."""
    from kernelviz.cli.train import train_run
    from kernelviz.data import movielens
    from kernelviz.data.images import SETS
    from kernelviz.runs.record import run_names
    from kernelviz.tasks.recipes import HEADS, RECIPES, on_backbone

    if recipe not in RECIPES:
        raise ValueError(f"unknown recipe {recipe!r}; choose one of {', '.join(RECIPES)}")
    if data and data not in (*SETS, *movielens.SETS):
        data = str(Path(data).expanduser().resolve())  # the run may be measured again from another folder
    if weights and weights not in run_names():
        weights = str(Path(weights).expanduser().resolve())
    given = {"data": data, "epochs": epochs, "labels": labels}
    changed = replace(RECIPES[recipe], **{key: value for key, value in given.items() if value is not None})
    if recipe in HEADS:
        changed = on_backbone(changed, backbone, weights, keep)
    elif backbone or weights or keep:
        raise ValueError(f"the recipe {recipe!r} stands on no backbone; choose one of {', '.join(HEADS)}")
    if not changed.data:
        raise ValueError(f"{recipe!r} learns from ratings of yours: give --data, a table of user, item, rating")
    command = shlex.join(["kernelviz", *sys.argv[1:]])
    with _progress() as bar:
        run = train_run(changed, name or recipe, seed, resume, command, bar)
    if run is None:
        raise typer.Exit(STOPPED)
    if as_json:
        return _print_json({"run": run.name, "folder": str(run.folder), "metrics": run.metrics})
    _print_figures(run.metrics)
    Console().print(f"The run {run.name!r} is in {run.folder}; look at it with `kernelviz app`.")


@cli.command()
def embed(
    run: str,
    paths: Annotated[list[Path], typer.Argument(help="Pictures, folders of them, or .zip archives.")],
    out: Annotated[Path | None, typer.Option(help="File to write: .csv, .parquet, .json or .npz.")] = None,
    as_json: AsJson = False,
) -> None:
    """Place pictures on a run's map. Without --out, a table as CSV on standard output."""
    from kernelviz.evaluation.novelty import land_files
    from kernelviz.ingest.files import take_paths
    from kernelviz.runs.embedding_map import load_map
    from kernelviz.runs.record import load_mapped
    from kernelviz.runs.weights import load_network
    from kernelviz.tables import check_ending, to_json, write_table

    if out:
        check_ending(out)
    found = load_mapped(run)
    network, points = load_network(found), load_map(found.folder)
    with _progress() as bar:
        task = bar.add_task("embed", total=None, note="")
        table, refused = land_files(
            network,
            points,
            found.classes,
            take_paths(paths, found.preprocess),
            lambda done: bar.update(task, completed=done),
        )
    if out and len(table):
        write_table(table, out)
    if as_json:
        _print_json({"run": run, "images": json.loads(to_json(table)), "refused": [asdict(one) for one in refused]})
    elif not out:
        print(table.to_csv(index=False), end="")
    for one in refused:
        console.print(f"{one.name}: {one.reason}", style="yellow", markup=False, soft_wrap=True)
    if not len(table):
        raise ValueError(
            f"none of the {len(refused)} files could be placed" if refused else "no picture was found there"
        )


@cli.command()
def evaluate(run: str, as_json: AsJson = False) -> None:
    """Measure a run on the test images of its set."""
    from kernelviz.data.images import load
    from kernelviz.data.ratings import load_ratings
    from kernelviz.evaluation.metrics import evaluate_run
    from kernelviz.runs.record import load_run
    from kernelviz.runs.weights import load_network

    found = load_run(run)
    with _progress() as bar:
        task = bar.add_task("data", total=1, note="")
        source, report = found.recipe["data"], lambda share, note: bar.update(task, completed=share, note=note)
        data = load_ratings(source, report) if found.recommends else load(source, report, preprocess=found.preprocess)
        bar.update(task, completed=1, note="measuring")
        figures = evaluate_run(found, load_network(found), data)
    return _print_json(figures) if as_json else _print_figures(figures)


@cli.command()
def probe(
    run: str,
    at: Annotated[tuple[float, float], typer.Option(help="Center X Y, in the units of the map.")],
    out: Annotated[Path, typer.Option(help="PNG file to write.")],
    width: Annotated[float | None, typer.Option(help="Standard deviation; the run's own if not given.")] = None,
) -> None:
    """Draw what the decoder makes of a Gaussian probe."""
    import numpy as np
    from PIL import Image

    from kernelviz.disk import replacing
    from kernelviz.evaluation.inference import draw_probes
    from kernelviz.layers.probe import Probe
    from kernelviz.runs.record import load_mapped
    from kernelviz.runs.weights import load_network

    found = load_mapped(run)
    if not found.arguments["draws"]:
        raise ValueError(f"the run {run!r} has no decoder; choose one that was trained to reconstruct")
    shape = Probe(**found.probe | ({"width": width} if width is not None else {}))
    if not np.isfinite(at).all():
        raise ValueError(f"--at {at[0]} {at[1]} is no place; give two numbers")
    image = draw_probes(load_network(found), np.array([at]), shape)[0]
    with replacing(out) as partial:
        Image.fromarray(image).save(partial, "PNG")


@cli.command()
def reproduce(
    experiment: Experiment,
    again: Annotated[bool, typer.Option(help="Train anew what is measured already.")] = False,
    splits: Annotated[int | None, typer.Option(min=1, help="Random splits of the ratings, for table3.")] = None,
    as_json: AsJson = False,
) -> None:
    """Redo a figure or table of the paper and print ours beside the paper's."""
    module = paper.experiment(experiment.value)
    if splits and not hasattr(module, "SPLITS"):
        raise ValueError(f"{experiment.value} has no random splits of ratings; --splits is for table3")
    options = {"splits": splits} if splits else {}
    if hasattr(module, "train"):
        with _progress() as bar:
            task = bar.add_task(experiment.value, total=None, note="")
            module.train(lambda note: bar.update(task, note=note), again, **options)
    elif again:
        raise ValueError(f"{experiment.value} shows runs; train these again: {', '.join(module.COMMANDS)}")
    rows = module.rows()
    figure = {"figure": str(module.draw())} if hasattr(module, "draw") else {}
    if as_json:
        return _print_json(figure | {"rows": rows})
    table = Table(module.TITLE, "paper", "ours")
    for row in rows:
        table.add_row(row["what"], row["paper"], row["ours"])
    Console().print(table, *figure.values(), sep="\n")


@cli.command()
def bench(
    names: Annotated[list[Benchmark] | None, typer.Argument(help="Which; all of them if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure other tools, or ways of ours, on the same data in one run."""
    from importlib import import_module

    reports = {}
    with _progress() as bar:
        for name in names or list(Benchmark):
            task = bar.add_task(name.value, total=None, note="")
            module = import_module(f"kernelviz.benchmarks.{name.value}")
            reports[name.value] = module.report(lambda note, task=task: bar.update(task, note=note))
            bar.remove_task(task)
    if as_json:
        return _print_json(reports)
    for report in reports.values():
        _print_rows(report)


def _print_rows(report: dict) -> None:
    table = Table(*report["rows"][0])
    for row in report["rows"]:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table, *report["notes"], sep="\n")


def main() -> None:
    """Entry point: 0 done, 2 the user's mistake in one line, 1 ours with its traceback, 130 stopped by Ctrl-C."""
    try:
        sys.exit(cli(standalone_mode=False))
    except typer.TyperException as error:
        sys.exit(_failed(error.format_message(), 2))
    except KeyboardInterrupt:
        sys.exit(_failed("stopped", STOPPED))
    except (ValueError, OSError) as error:
        if not _raised_by_us(error):
            raise
        sys.exit(_failed(str(error), 2))


def _raised_by_us(error: Exception) -> bool:
    """Whether an error comes from a check of ours, or from the file system, and so is the user's to mend."""
    *_, last = traceback.walk_tb(error.__traceback__)
    return isinstance(error, OSError) or (last[0].f_globals.get("__package__") or "").startswith("kernelviz")


def _failed(message: str, code: int) -> int:
    if message:  # without any argument there is none, only the help
        console.print(f"kernelviz: {' '.join(message.split())}", style="red", markup=False, soft_wrap=True)
    return code


def _progress() -> Progress:
    columns = (BarColumn(30), MofNCompleteColumn(), TextColumn("{task.fields[note]}"), TimeElapsedColumn())
    columns = (TextColumn("{task.description:>6}"), *columns, TextColumn("left"), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _print_json(value: dict) -> None:
    print(json.dumps(value))


def _print_figures(figures: dict[str, float]) -> None:
    from kernelviz.evaluation.quality import MEANING

    table = Table("figure", "value", "meaning")
    for name, value in figures.items():
        table.add_row(name, f"{value:.4f}" if isinstance(value, float) else str(value), MEANING[name])
    Console().print(table)
