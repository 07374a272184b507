"""The commands of `kernelviz ...`, and what their errors mean."""

import json
import socket
import sys
from contextlib import nullcontext
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kernelviz import paper
from kernelviz.benchmarks import BENCHMARKS, benchmark
from kernelviz.cli import library, logs
from kernelviz.cli.doctor import doctor
from kernelviz.cli.figure import figure
from kernelviz.cli.jobs import jobs_cli
from kernelviz.cli.logs import Level
from kernelviz.cli.output import (
    STOPPED,
    AsJson,
    Device,
    Features,
    Labels,
    Seed,
    TestShare,
    Weights,
    failed,
    print_json,
    print_metrics,
    print_table,
    progress_bar,
    say,
)
from kernelviz.cli.search import search
from kernelviz.errors import UserError
from kernelviz.paper import EXPERIMENTS
from kernelviz.storage.record import Run
from kernelviz.text import visible

# torch takes seconds to import: each command imports what it needs, so that `kernelviz app` starts at once.

cli = typer.Typer(
    help="Maps of images made by networks with a 2-D kernel layer; any position of a map decodes into an image.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


MOST_COLUMNS = 8  # of a table in the terminal


Engine = StrEnum("Engine", ["local", "ray"])  # of `embed`
LOCAL = "127.0.0.1"
Experiment = StrEnum("Experiment", EXPERIMENTS)  # those of `reproduce`
Benchmark = StrEnum("Benchmark", {name: name for name in BENCHMARKS})  # those of `bench`


@cli.command()
def app(
    host: Annotated[str, typer.Option(help="Address that it listens at; 0.0.0.0 for all of this machine.")] = LOCAL,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port that it listens at; 0 for any that is free.")
    ] = 8501,
    run: Annotated[str | None, typer.Option(help="Name of the run to show first.")] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Only look: no training, nothing saved, changed or deleted.")
    ] = False,
    runs: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of runs; give it again for more. The first is for new runs, and wins for a name."),
    ] = None,
    data_root: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder that the page may list and read to train on; give it again for more. Without one: the home "
            "folder on this machine, and on another --host nothing, nor any training."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Trainings that may run side by side.")] = 1,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="KERNELVIZ_TOKEN",
            help="Token that visitors have to bring; a new one if not given, where others can reach it.",
        ),
    ] = None,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="Let in whoever can reach it, as where a proxy asks who they are.")
    ] = False,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(help="Name by which it is reached besides, as through a proxy; give it again for more."),
    ] = None,
    base_path: Annotated[str, typer.Option(help="Path below which a proxy serves it, as /maps.")] = "",
    log_level: Annotated[Level, typer.Option(help="What is logged; info: a line for each request.")] = Level.warning,
) -> None:
    """Open the dashboard in the browser."""
    from kernelviz.jobs import workers
    from kernelviz.ui.server.app import serve

    workers.slots = jobs
    logs.set_up()
    who = {"allowed_hosts": allowed_host or (), "token": token, "no_token": no_token, "base_path": base_path}
    try:
        serve(host, port, run, read_only, runs or [], data_root or [], log_level, **who)
    except socket.gaierror as error:
        raise UserError(f"--host {host} is not known ({error.strerror}); give an address of this machine") from None
    except OSError as error:
        raise OSError(f"{host}:{port} cannot be served ({error.strerror}); choose another with --port") from None


cli.command()(library.runs)


@cli.command()
def train(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe.")],
    data: Annotated[str | None, typer.Option(help="Image set by name, or any source of pictures.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run; the recipe's if not given.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="What a head is trained on: resnet32, a name of timm's, a classifier's run, or "
            "package.module:factory, your own code."
        ),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Run or file with the backbone's weights; FILE#KEY for those under a key.")
    ] = None,
    depth: Annotated[
        str | None, typer.Option("--depth", "--keep", help="Depth of the backbone: a number of layers, or a module.")
    ] = None,
    labels: Annotated[float | None, typer.Option(min=0, max=1, help="Share of the training labels to use.")] = None,
    titles: Annotated[
        str | None, typer.Option(help="File with the columns item and title, for a recommender of your ratings.")
    ] = None,
    seed: Seed = 0,
    resume: Annotated[bool, typer.Option(help="Resume the stopped training of this name.")] = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a network and store it as a run. Ctrl-C stops it at any step without losing anything."""
    from kernelviz.cli.train import trained
    from kernelviz.tasks.recipes import changed_recipe

    chosen = changed_recipe(
        recipe,
        data=data,
        epochs=epochs,
        labels=labels,
        backbone=backbone,
        weights=weights,
        depth=depth,
        titles=titles,
    )
    _say_trained(trained(chosen, name or recipe, seed, resume), as_json)


@cli.command("map")
def map_(
    source: Annotated[
        str | None,
        typer.Argument(
            help="Folder, archive, table of paths, Parquet, .npz of pictures, .npy or .npz of vectors, or the name of "
            "an image set."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run; that of the source if not given.")] = None,
    features: Features = None,
    weights: Weights = None,
    labels: Labels = None,
    test: TestShare = 0.2,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    views: Annotated[
        int | None,
        typer.Option(min=1, max=16, help="Views of each picture that count as alike: parts of it, mirrored, relit."),
    ] = None,
    seed: Seed = 0,
    resume: Annotated[bool, typer.Option(help="Go on with the stopped training of this name.")] = False,
    add: Annotated[str | None, typer.Option(help="Put these onto the map of --name, without training.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the dashboard on the map.")] = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Make a map of your pictures or vectors: see what is there, choose what to train, train it, store it as a run."""
    from kernelviz.cli import map as making

    _check_paths(source or "", add or "")
    if add:
        if not name:
            raise UserError("--add puts pictures onto the map of a run; name it with --name")
        added = making.add(name, add)
        return print_json(added) if as_json else say(making.said(added))
    if not source:
        raise UserError("a map is made of a SOURCE: a folder of pictures, an archive, a table, or an array file")
    from kernelviz.tasks.choosing import name_of

    name = name or name_of(source)
    recipe = making.chosen(source, features, weights, labels, test, epochs, views)
    from kernelviz.cli.train import trained

    with making.dashboard(name) if open_ else nullcontext():
        _say_trained(trained(recipe, name, seed, resume), as_json)


cli.command()(search)


def _say_trained(run: Run, as_json: bool) -> None:
    if as_json:
        return print_json({"run": run.name, "folder": str(run.folder), "metrics": run.metrics})
    print_metrics(run.metrics)
    say(f"The run {run.name!r} is in {run.folder}; look at it with `kernelviz app`.", to=Console())


@cli.command()
def resume(name: str, device: Device = "auto", as_json: AsJson = False) -> None:
    """Go on with a stopped training, whose settings are with it."""
    from kernelviz.cli.jobs import resumed

    _say_trained(resumed(name), as_json)


cli.add_typer(jobs_cli, name="jobs")


@cli.command()
def embed(
    run: str,
    paths: Annotated[
        list[str],
        typer.Argument(help="Pictures, folders of them, or .zip archives; on a map of vectors, files of vectors."),
    ],
    out: Annotated[
        str | None, typer.Option(help="File to write: .csv, .parquet, .json or .npz; of an engine, a folder.")
    ] = None,
    engine: Annotated[
        Engine | None,
        typer.Option(help="Write a folder block by block, and go on with a stopped one: here (local), or on Ray."),
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Embed pictures or vectors: coordinates on a run's map. Without --out, a table as CSV on standard output."""
    from kernelviz.cli.embed import embedded, embedded_in_blocks
    from kernelviz.storage.store import load_mapped
    from kernelviz.tables import check_ending, to_csv, to_json, write_table

    if engine:
        return embedded_in_blocks(load_mapped(run), paths, engine, out, as_json)
    _check_paths(*paths)
    if out:
        check_ending(Path(out))
    found = load_mapped(run)
    table, rejected = embedded(found, [Path(path) for path in paths])
    if out and len(table):
        write_table(table, Path(out))
    if as_json:
        print_json({"run": run, found.unit: json.loads(to_json(table)), "refused": [asdict(one) for one in rejected]})
    elif not out:
        text = to_csv(table)
        print(visible(text) if sys.stdout.isatty() else text, end="")
    for one in rejected:
        say(f"{one.name}: {one.reason}", "yellow")
    if not len(table):
        raise UserError(
            f"none of the {len(rejected)} files could be read" if rejected else "no picture was found there"
        )


def _check_paths(*paths: str) -> None:
    if any("://" in path for path in paths):  # which is not repeated: there may be a key in it
        raise UserError("an address of a store is read by `kernelviz embed` only; add --engine local --out FOLDER")


@cli.command()
def evaluate(
    run: str,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Store with the run what is usual for its images, too.")
    ] = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure a run on the test images or ratings of its set."""
    from kernelviz.networks.devices import best_device
    from kernelviz.storage.store import load_mapped, load_run
    from kernelviz.storage.weights import load_network
    from kernelviz.tasks import TASKS
    from kernelviz.tasks.embedding import calibrate_run

    found = load_mapped(run) if calibrate else load_run(run)
    task = TASKS[found.kind]
    with progress_bar() as bar:
        task_id = bar.add_task("data", total=1, note="")
        data = task.load_data(found, lambda share, note: bar.update(task_id, completed=share, note=note))
        bar.update(task_id, completed=1, note="measuring")
        network = load_network(found, best_device())
        if calibrate:
            calibrate_run(found, network, data)
        metrics = task.evaluate(found, network, data)
    return print_json(metrics) if as_json else print_metrics(metrics)


@cli.command()
def probe(
    run: str,
    at: Annotated[tuple[float, float], typer.Option(help="Center X Y, in the units of the map.")],
    out: Annotated[Path, typer.Option(help="PNG file to write.")],
    width: Annotated[float | None, typer.Option(help="Standard deviation; the run's own if not given.")] = None,
) -> None:
    """Decode a Gaussian probe into an image."""
    import numpy as np
    from PIL import Image

    from kernelviz.disk import replacing
    from kernelviz.evaluation.inference import decode_probes
    from kernelviz.layers.probe import Probe
    from kernelviz.storage.store import load_mapped
    from kernelviz.storage.weights import load_network

    found = load_mapped(run)
    if found.is_of_vectors:
        raise UserError(f"the run {run!r} decodes vectors and no images; `kernelviz.load({run!r}).decode` gives them")
    if not found.has_decoder:
        raise UserError(f"the run {run!r} has no decoder; choose one that was trained to reconstruct")
    shape = Probe(**found.probe | ({"width": width} if width is not None else {}))
    if not np.isfinite(at).all():
        raise UserError(f"--at {at[0]} {at[1]} is no position on the map; give two finite numbers")
    image = decode_probes(load_network(found), np.array([at]), shape)[0]
    with replacing(out) as partial:
        Image.fromarray(image).save(partial, "PNG")


cli.command()(figure)
library.register(cli)


@cli.command()
def reproduce(
    experiment: Experiment,
    again: Annotated[bool, typer.Option(help="Train again what is measured already.")] = False,
    splits: Annotated[int | None, typer.Option(min=1, help="Random splits of the ratings, for table3.")] = None,
    as_json: AsJson = False,
) -> None:
    """Redo a figure or table of the paper and print ours beside the paper's."""
    module = paper.experiment(experiment.value)
    if splits and not hasattr(module, "SPLITS"):
        raise UserError(f"{experiment.value} has no random splits of ratings; --splits is for table3")
    options = {"splits": splits} if splits else {}
    if hasattr(module, "train"):
        with progress_bar() as bar:
            task = bar.add_task(experiment.value, total=None, note="")
            module.train(lambda note: bar.update(task, note=note), again, **options)
    elif again:
        raise UserError(f"{experiment.value} is made from runs; train these again: {', '.join(module.COMMANDS)}")
    rows = module.rows()
    figure = {"figure": str(module.render())} if hasattr(module, "render") else {}
    if as_json:
        return print_json(figure | {"rows": rows})
    rows_ = [row.values() for row in rows]
    Console().print(module.TITLE, markup=False)
    print_table(("", "paper", "ours", "verdict"), rows_, *figure.values())


@cli.command()
def bench(
    names: Annotated[list[Benchmark] | None, typer.Argument(help="Which ones; all of them if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure kernelviz beside other tools or methods, on the same data in one run."""
    from kernelviz.benchmarks.measuring import keep, machine

    reports = {}
    with progress_bar() as bar:
        for name in names or list(Benchmark):
            task = bar.add_task(name.value, total=None, note="")
            report = benchmark(name).report(lambda note, task=task: bar.update(task, note=note))
            reports[name.value] = report | {"machine": machine()}
            keep(name.value, reports[name.value])
            bar.remove_task(task)
    if as_json:
        return print_json(reports)
    for report in reports.values():
        lines = [list(report["rows"][0]), *(list(row.values()) for row in report["rows"])]
        if len(lines[0]) > MOST_COLUMNS:  # then they are lines
            lines = [[values[at] if at < len(values) else "" for values in lines] for at in range(len(lines[0]))]
        said = ", ".join(f"{key} {value}" for key, value in report["machine"].items())
        print_table(lines[0], lines[1:], *report["notes"], f"Measured with {said}.")


cli.command()(doctor)


def main() -> None:
    """Entry point: exits with 0 when done, 2 for a user's mistake, 1 for a bug with its traceback, 130 for Ctrl-C."""
    try:
        sys.exit(cli(standalone_mode=False))
    except typer.TyperException as error:
        sys.exit(failed(error.format_message(), 2))
    except KeyboardInterrupt:
        sys.exit(failed("stopped", STOPPED))
    except (UserError, OSError) as error:  # what the file system refuses, the user can correct too
        sys.exit(failed(str(error), 2))
