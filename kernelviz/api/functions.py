"""List, load and train runs."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from kernelviz.api.loaded_map import LoadedMap
from kernelviz.api.loaded_recommender import LoadedRecommender
from kernelviz.api.loaded_run import LoadedRun
from kernelviz.library import importing
from kernelviz.storage.record import EmbeddingRun, RecommenderRun, Run
from kernelviz.storage.store import load_run, readable_runs

if TYPE_CHECKING:
    from kernelviz.training.task import Recipe

LOADED: dict[type[Run], type[LoadedRun]] = {EmbeddingRun: LoadedMap, RecommenderRun: LoadedRecommender}


def runs() -> pd.DataFrame:
    """All runs, the shipped ones first: a row for each, by name, with its kind, its data and its metrics.

    What cannot be read is left out with a warning.

        >>> import kernelviz
        >>> kernelviz.runs().loc["digits-neighbours", "kind"]
        'embedding'
    """
    found, broken = readable_runs()
    for reason in broken:
        warnings.warn(reason, stacklevel=2)
    rows = [{"name": run.name, "kind": run.kind, "data": run.data["name"]} | run.metrics for run in found]
    return pd.DataFrame(rows, columns=None if rows else ["name", "kind", "data"]).set_index("name")


def load(name: str, device: str = "auto") -> LoadedRun:
    """The run of that name, ready to use: a LoadedMap, a LoadedRecommender, or a LoadedRun for a plain classifier.

    Raises UserError (NotFound) where there is no such run, or it is broken, and for a device that is not there.

    Args:
        device: where its network computes: "cpu", "cuda", "cuda:1", "mps"; "auto": what
            KERNELVIZ_DEVICE names, else the fastest.

        >>> import kernelviz
        >>> kernelviz.load("digits-neighbours")
        LoadedMap('digits-neighbours', trained on digits)
    """
    run = load_run(name)
    return LOADED.get(type(run), LoadedRun)(run, device)


def import_run(file: str | Path, name: str | None = None) -> LoadedRun:
    """Bring in a run from a file, or a model folder, that `LoadedRun.export` or `kernelviz export` wrote, and load it.

    Raises UserError, in one line, where the file holds no sound run, or where there is a run of that name.

    Args:
        name: name of the run; None: that in the file.
    """
    return load(importing.import_run(Path(file), name or "").name)


def train(
    recipe: str,
    *,
    data: str | Path | None = None,
    name: str | None = None,
    epochs: int | None = None,
    labels: float | None = None,
    backbone: str | None = None,
    weights: str | Path | None = None,
    depth: str | int | None = None,
    titles: str | Path | None = None,
    seed: int = 0,
    resume: bool = False,
    progress: bool = True,
) -> LoadedRun:
    """Train a recipe, as `kernelviz train` does, and load the run.

    Args:
        recipe: name of a recipe ("mnist-neighbours", "head", "sparse-fc", ...).
        data: a named data set, any source of pictures, or a table of ratings; None: the recipe's own.
        name: name of the run; None: that of the recipe.
        epochs, labels: length of the training; share of the labels that it may see.
        backbone, weights, depth: for a head, what it is trained on, and where that is truncated.
        titles: file with the columns item and title, for a recommender of your own ratings.
        seed: the same seed gives the same weights.
        resume: go on where a stopped training of this name stands.
        progress: whether to show a progress bar on standard error.

    Raises UserError for what cannot be trained. KeyboardInterrupt keeps a checkpoint: call again with `resume=True`.
    """
    from kernelviz.tasks.recipes import changed_recipe

    chosen = changed_recipe(
        recipe,
        data=str(data) if data else None,
        epochs=epochs,
        labels=labels,
        backbone=backbone,
        weights=str(weights) if weights else None,
        depth=depth,
        titles=str(titles) if titles else None,
    )
    return _trained(chosen, name or recipe, seed, resume, f"kernelviz train {recipe}", progress)


def map(  # noqa: A001 (as kernelviz.map it is what the command line calls it)
    source: str | Path,
    *,
    name: str | None = None,
    features: str | None = None,
    weights: str | Path | None = None,
    labels: str | None = None,
    test: float = 0.2,
    epochs: int | None = None,
    views: int | None = None,
    seed: int = 0,
    resume: bool = False,
    progress: bool = True,
) -> LoadedMap:
    """Make a map of pictures, as `kernelviz map` does, and load the run.

    Args:
        source: a folder, an archive, a table of paths, Parquet, .npz, or the name of an image set.
        name: name of the run; None: that of the source.
        features: "pixels", a name of timm's, a classifier's run, "package.module:factory"; None: the pictures decide.
        weights: file with the weights of the features' network.
        labels: column with the classes, or "path:N", the N-th folder below the source; None: found by itself.
        test: share that is only tested on, unless the source has a test part.
        epochs: None: by the number of pictures.
        views: of each picture that count as alike, itself and random parts of it; None: 2.
        seed, resume, progress: as of `train`.

    Raises UserError for a source that cannot be read.
    """
    from kernelviz.cli.map import chosen
    from kernelviz.tasks.choosing import name_of

    given = (str(source), features, str(weights) if weights else None, labels, test, epochs, views)
    recipe = chosen(*given, aloud=progress)
    return _trained(recipe, name or name_of(str(source)), seed, resume, f"kernelviz map {source}", progress)


def _trained(recipe: "Recipe", name: str, seed: int, resume: bool, command: str, progress: bool) -> LoadedRun:
    from kernelviz.cli.output import progress_bar
    from kernelviz.cli.train import Bars, ctrl_c
    from kernelviz.training.session import Stopped, train_run

    try:
        with progress_bar(shown=progress) as bar, ctrl_c() as pressed:
            train_run(recipe, name, seed, resume, command, Bars(bar).watcher(pressed))
    except Stopped as stopped:
        raise KeyboardInterrupt(f"{stopped}; resume with resume=True") from None
    return load(name)
