"""A run: a trained network on disk with its record and its map.

    <folder>/run.json             what it is, what it was trained on, how well it does (format 1)
    <folder>/weights.safetensors  the network's weights, read strictly, never by pickle
    <folder>/map.parquet          where every image lies

The user's own runs lie in `runs_folder()`, the shipped ones beside the package. A user's run hides a shipped one of
the same name.
"""

import json
import math
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kernelviz.data.images import Preprocess
from kernelviz.disk import own_file, replacing, runs_folder

FORMAT = 1
RELIED_ON = (  # what of a record is used without the network
    ("recipe", ("data", "objectives", "epochs")),
    ("made_by", ("command", "commit", "device", "seconds", "versions")),
)
OF_A_MAP = (("arguments", ("grid", "extent", "width", "sparsity", "draws")), ("probe", ("width", "amplitude")))
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class BrokenRun(ValueError):
    """What lies on disk is no run that this version can read; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Run:
    """The record of a trained network: the content of run.json, and the folder that it came from.

    Args:
        network: {"name", "arguments"}: a key of NETWORKS or, for a backbone, of BACKBONES, and what to call it with.
        data: {"name", "classes", "preprocess"}; of a recommender {"name", "range"}, the lowest and highest rating.
        recipe, seed, history: how it was trained; a row for each epoch.
        metrics: figures of merit by name (`kernelviz evaluate`).
        probe: the default shape of a probe, {"width", "amplitude"}; empty without a map.
        made_by: {"command", "commit", "versions", "device", "seconds"}.
    """

    folder: Path
    network: dict
    data: dict
    recipe: dict
    seed: int
    probe: dict
    made_by: dict
    history: list[dict] = field(default_factory=list)
    metrics: dict = field(default_factory=dict)
    weights_sha256: str = ""
    format: int = FORMAT

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def has_map(self) -> bool:
        """Whether it is a network with a map; else it is a backbone, on which others stand."""
        return bool(self.probe)

    @property
    def recommends(self) -> bool:
        """Whether it is a recommender, of ratings and not of images."""
        return "range" in self.data

    @property
    def backbone(self) -> dict | None:
        """Of a network that stands on another one: {"network", "kept", "layers", "sha256"}."""
        return self.arguments.get("backbone")

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.data["classes"])

    @property
    def arguments(self) -> dict:
        """What the network was called with."""
        return self.network["arguments"]

    @property
    def preprocess(self) -> Preprocess:
        return Preprocess(**self.data["preprocess"])

    def save(self) -> None:
        """Write run.json."""
        facts = {key: value for key, value in asdict(self).items() if key != "folder"}
        with replacing(self.folder / "run.json") as partial:
            partial.write_text(json.dumps(facts, indent=1), encoding="utf-8")


def load_run(name: str) -> Run:
    """The run of that name; FileNotFoundError lists the runs that there are, BrokenRun says what is wrong with it."""
    for folder in _folders():
        if NAME.fullmatch(name) and (folder / name / "run.json").is_file():
            return read_run(folder / name)
    have = ", ".join(run_names()) or "none yet: train one with `kernelviz train digits-autoencoder`"
    raise FileNotFoundError(f"no run {name!r}; there is {have}")


def read_run(folder: Path) -> Run:
    """The run in a folder."""
    path = folder / "run.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts["format"] != FORMAT:
            raise BrokenRun(f"{path} has format {facts['format']!r}; this version reads format {FORMAT}")
        run = Run(folder=folder, **facts)
        relied_on = RELIED_ON + (OF_A_MAP if run.has_map else ())
        _ = [getattr(run, part)[name] for part, names in relied_on for name in names]
        _ = _of_ratings(run) if run.recommends else (run.preprocess, run.classes)
        _ = run.backbone and [run.backbone[name] for name in ("network", "kept", "layers", "sha256")]
        if not all(0 < size < math.inf for size in run.probe.values()):
            raise ValueError(f"the width and the amplitude of its probe are {run.probe}, not above 0")
        return run
    except BrokenRun:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BrokenRun(f"{path} is no record of a run ({error}); delete the folder or train it again") from None


def _of_ratings(run: Run) -> list:
    """What the pages rely on of a recommender."""
    low, high = run.data["range"]
    figures = [run.metrics[name] for name in ("test_rmse", "new_rmse")]
    return [float(low), float(high), *map(float, figures), run.arguments["kind"], [*run.arguments["hidden"]]]


def load_mapped(name: str) -> Run:
    """The same, where a map is needed; a ValueError says that a backbone has none."""
    run = load_run(name)
    if not run.has_map:
        raise ValueError(f"the run {name!r} is a backbone and has no map; choose a run that stands on it, or train one")
    return run


def run_names() -> list[str]:
    """Names of all runs, the shipped ones first."""
    shipped, own = ([p.parent.name for p in sorted(f.glob("*/run.json"))] for f in reversed(_folders()))
    return [name for name in dict.fromkeys(shipped + own) if NAME.fullmatch(name)]


def new_folder(name: str) -> Path:
    """The folder for a new run of that name, made if needed; a ValueError says which names are allowed."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a run; use letters, digits, '.', '_' and '-', at most 64 of them")
    folder = runs_folder() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"cannot make {folder} ({error.strerror}); set KERNELVIZ_RUNS to another folder") from None
    return folder


def _folders() -> tuple[Path, Path]:
    return runs_folder(), own_file("pretrained")
