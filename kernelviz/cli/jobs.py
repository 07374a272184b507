"""`kernelviz jobs` and `resume`: trainings that wait, run, or were stopped."""

from typing import Annotated

import typer
from rich.console import Console

from kernelviz.cli.output import AsJson, print_json, print_table
from kernelviz.jobs import folder, queue
from kernelviz.storage.record import Run

jobs_cli = typer.Typer(help="Trainings that wait, run or were stopped; without a command, a list of them.")
Name = Annotated[str, typer.Argument(help="Name of the training.")]


@jobs_cli.callback(invoke_without_command=True)
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the trainings that wait, run or were stopped."""
    if context.invoked_subcommand:
        return
    found = folder.jobs()
    if as_json:
        print_json({"jobs": [{"name": job.name, "state": job.state, "error": job.error} for job in found]})
    elif found:
        print_table(("training", "state", "how far"), [(job.name, job.state, _how_far(job)) for job in found])
    else:
        Console().print("No training waits, runs or is stopped. Start one with `kernelviz map` or `train`.")


@jobs_cli.command()
def pause(name: Name) -> None:
    """Stop a training; it keeps its checkpoint."""
    queue.pause(name)


@jobs_cli.command("continue")
def go_on(name: Name) -> None:
    """Put a stopped or failed training into the queue again."""
    queue.go_on(name)


@jobs_cli.command()
def finish(name: Name) -> None:
    """Have a running training make its run now, of the weights that it has."""
    queue.finish(name)


@jobs_cli.command()
def cancel(name: Name) -> None:
    """End a training at once and delete what it has made."""
    queue.cancel(name)


def resumed(name: str) -> Run:
    """Train what the folder of that name says, from its checkpoint if it has one."""
    from kernelviz.cli.search import searched_run
    from kernelviz.cli.train import trained
    from kernelviz.search.searching import finished
    from kernelviz.search.trials import FILE, load_search
    from kernelviz.tasks.recipes import recipe_of
    from kernelviz.training import files

    job = folder.job_of(name)
    plan = job.plan
    recipe, searched = recipe_of(plan.kind, plan.recipe), (job.folder / FILE).exists()
    if plan.minutes:
        run = searched_run(recipe, name, plan.seed, plan.minutes, None, searched, plan.command)
    else:
        run = trained(recipe, name, plan.seed, files.is_begun(job.folder), plan.command)
    if searched:
        finished(load_search(run.folder), run.folder)
    folder.end(run.folder)
    return run


def _how_far(job: folder.Job) -> str:
    if job.error:
        return job.error
    at = job.standing
    if not at:
        return ""
    left = f", {at.seconds_left / 60:.0f} min left" if at.seconds_left and job.state == folder.State.running else ""
    return f"{at.stage} {100 * at.share:.0f} %{left}"
