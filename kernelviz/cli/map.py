"""`kernelviz map`: from whatever a person has to a map of it."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from kernelviz.cli.output import progress_bar, say
from kernelviz.data.listings import listing_of
from kernelviz.errors import UserError
from kernelviz.tasks import adding
from kernelviz.tasks.choosing import chosen_recipe, described, expected_seconds, in_words, sizes_of
from kernelviz.tasks.embedding import EmbeddingRecipe

USUAL_PORT = 8501


def chosen(
    source: str,
    features: str | None,
    weights: str | None,
    labels: str | None,
    test: float,
    epochs: int | None,
    views: int | None = None,
    aloud: bool = True,
    timed: bool = True,
) -> EmbeddingRecipe:
    """Look at a source and give the recipe for it.

    If aloud, it says what was found, what is trained for which reason and, if timed, about how long that takes.
    """
    with progress_bar(shown=aloud) as bar:
        task = bar.add_task("look", total=1, note=source)
        listing = listing_of(source, labels or "", lambda share, note: bar.update(task, completed=share, note=note))
        sizes = sizes_of(listing) if listing.has_pictures else None
    recipe, reason = chosen_recipe(source, listing, sizes, features, weights, labels)
    if views and not recipe.backbone:
        raise UserError("--views are views of pictures by their features; it does not apply to pixels or vectors")
    given = {"epochs": epochs, "views": views}
    recipe = replace(recipe, test=test, **{key: value for key, value in given.items() if value})
    if not aloud:
        return recipe
    for line in described(listing, sizes):
        say(line)
    say(f"{reason}; {recipe.epochs} epochs")
    if timed and recipe.views:
        say(f"expected: about {in_words(expected_seconds(recipe, len(listing)))}")
    return recipe


@contextmanager
def dashboard(name: str) -> Iterator[None]:
    """Open the dashboard on a run while it is trained, as a process of its own, and leave it open until Ctrl-C."""
    server = subprocess.Popen(
        [sys.executable, "-m", "kernelviz.cli", "app", "--port", str(_free_port()), "--run", name]
    )
    try:
        yield
        server.wait()
    finally:
        server.terminate()


def _free_port() -> int:
    """The usual port, else any other that is free."""
    for port in (USUAL_PORT, 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as found:
            return found.getsockname()[1]
    return USUAL_PORT


def add(name: str, source: str) -> dict:
    """Put the pictures of a source onto the map of a run, and say what they are like."""
    with progress_bar() as bar:
        task = bar.add_task("add", total=1, note=source)
        return adding.add(name, source, lambda share, note: bar.update(task, completed=share, note=note))


def said(added: dict) -> str:
    """What was added, in words."""
    n, novel = added["added"], added["novel"]
    text = f"{n:,} pictures are on the map of {added['run']} now, {added['known']:,} were on it before; "
    text += f"{novel:,} of the new ones are unlike the pictures it was trained on."
    if added["train_again"]:
        text += " Training again pays: it starts from the features that are known already."
    return text
