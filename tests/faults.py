"""Damages each kind of file that a run has, and reads it: it opens, or one line says why not. Run by hand:

    python tests/faults.py --cuts 100 --changes 200

A copy of each file is cut short at so many points, and so many copies have some bytes changed. The table says how many
of them opened all the same, how many were refused in one line, and the slowest in seconds. Anything else that happens
is told, and the script ends with 1.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from kernelviz.disk import own_file
from kernelviz.errors import UserError
from kernelviz.library.handing_on import export_run
from kernelviz.library.importing import import_run
from kernelviz.library.notes import read_notes
from kernelviz.storage.calibration import load_calibration
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.epochs import load_epochs, no_frames
from kernelviz.storage.item_table import load_item_table, map_table
from kernelviz.storage.items import fold_in, load_items
from kernelviz.storage.record import read_run
from kernelviz.storage.store import use_runs
from kernelviz.storage.thumbnails import content_hashes, read_thumbnails
from kernelviz.storage.weights import load_network
from kernelviz.tasks.recipes import RECIPES
from kernelviz.training.files import load_history
from kernelviz.training.plan import load_plan
from kernelviz.training.standing import load_standing

LONGEST_LINE = 1500  # letters of a reason
OF_DIGITS, OF_SHAPES, OF_FILMS = "digits-autoencoder", "shapes", "ml100k-sparse-fc-2"  # shipped runs


def open_map(folder: Path) -> None:
    points = load_map(folder)
    points.of_split("test"), points.agreement, map_table(points, ("a",) * 40, folder)


def open_weights(folder: Path) -> None:
    """The record names the damaged weights by their hash, which otherwise tells of every change."""
    record = json.loads((folder / "run.json").read_text())
    record["weights_sha256"] = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    (folder / "run.json").write_text(json.dumps(record))
    load_network(read_run(folder))


def open_pictures(folder: Path) -> None:
    read_thumbnails(folder, [0, 1, 70]), content_hashes(folder)


def open_items(folder: Path) -> None:
    fold_in(load_items(folder), np.array([0, 1]), np.array([3.0, 4.0]), 1.0)


def open_exported(folder: Path) -> None:
    run = import_run(folder / "run.kernelviz", "imported")
    shutil.rmtree(run.folder)


KINDS: dict[str, tuple[str, Callable[[Path], object]]] = {  # by file: a shipped run that has one, and what reads it
    "run.json": (OF_DIGITS, lambda folder: load_network(read_run(folder))),
    "weights.safetensors": (OF_DIGITS, open_weights),
    "map.parquet": (OF_DIGITS, open_map),
    "novelty.safetensors": (OF_DIGITS, load_calibration),
    "thumbnails.parquet": (OF_SHAPES, open_pictures),
    "table.parquet": (OF_SHAPES, load_item_table),
    "items.parquet": (OF_FILMS, open_items),
    "epochs.safetensors": (OF_DIGITS, load_epochs),
    "notes.json": (OF_DIGITS, read_notes),
    "training.json": (OF_DIGITS, load_plan),
    "history.json": (OF_DIGITS, load_history),
    "progress.json": (OF_DIGITS, load_standing),
    "run.kernelviz": (OF_DIGITS, open_exported),
}


def prepared(kind: str, folder: Path) -> Path:
    """A copy of a shipped run with a file of that kind; returns the file."""
    of, _ = KINDS[kind]
    shutil.copytree(own_file("pretrained", of), folder)
    run = read_run(folder)
    if kind == "epochs.safetensors":
        maps = no_frames("validation", run.classes, run.extent, 3, np.zeros(50, np.int64))
        maps.added(1.0, np.ones((50, 2), np.float32), np.zeros((4, 8, 8), np.uint8)).save(folder)
    elif kind == "run.kernelviz":
        export_run(run, folder / kind)
    elif kind == "training.json":
        RECIPES["digits-autoencoder"].plan(0, "kernelviz train digits-autoencoder").save(folder)
    made = {
        "notes.json": '{"tags": ["a", "b"], "note": "a note\\nof two lines"}',
        "history.json": json.dumps(run.history),
        "progress.json": '{"stage": "train", "share": 0.5, "note": "", "epoch": 1.5, "loss": 0.25}',
    }
    if kind in made:
        (folder / kind).write_text(made[kind])
    return folder / kind


def cut(data: bytes, n: int, rng: random.Random) -> Iterator[bytes]:
    """The file cut short at n places all over it, its last bytes among them."""
    for at in range(n):
        yield data[: min(len(data) - 1, len(data) * at // n + rng.randrange(1 + len(data) // n))]


def changed(data: bytes, n: int, rng: random.Random) -> Iterator[bytes]:
    """The file with one to twenty bytes changed, half of them near its ends, where headers are."""
    for _ in range(n):
        copy = bytearray(data)
        for _ in range(rng.choice([1, 1, 2, 20])):
            at = rng.randrange(len(copy))
            near = rng.choice([at, at, at % 200, -1 - at % 200])
            copy[near if -len(copy) <= near < len(copy) else at] = rng.choice([0, 255, rng.randrange(256)])
        yield bytes(copy)


def outcome(path: Path, data: bytes, read: Callable[[Path], object]) -> str:
    """Read a damaged file: "opened", "refused", or what else happened."""
    path.write_bytes(data)
    try:
        read(path.parent)
        return "opened"
    except UserError as error:
        said = str(error)
        return "refused" if "\n" not in said and len(said) < LONGEST_LINE else f"BAD: {said[:300]!r}"
    except Exception as error:
        return f"BAD: {type(error).__name__}: {error}"


def tried(kind: str, cuts: int, changes: int, seed: int, base: Path) -> tuple[int, int, float, list[str]]:
    """How many damaged files opened, how many were refused, the slowest in seconds, and what else happened."""
    rng = random.Random(seed)
    path = prepared(kind, base / kind / "run")
    data, record = path.read_bytes(), (path.parent / "run.json").read_bytes()
    opened, refused, slowest, bad = 0, 0, 0.0, []
    for damaged in [*cut(data, cuts, rng), *changed(data, changes, rng)]:
        (path.parent / "run.json").write_bytes(record)
        started = time.perf_counter()
        found = outcome(path, damaged, KINDS[kind][1])
        slowest = max(slowest, time.perf_counter() - started)
        opened, refused = opened + (found == "opened"), refused + (found == "refused")
        bad += [found] if found.startswith("BAD") else []
    return opened, refused, slowest, bad


def main() -> None:
    """Damage files of all kinds, and end with 1 if anything but a refusal came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuts", type=int, default=100, help="places at which each file is cut short")
    parser.add_argument("--changes", type=int, default=200, help="copies of each file with bytes changed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=KINDS, help="of this kind alone; give it again for more")
    given = parser.parse_args()
    any_bad = False
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KERNELVIZ_DATA"] = f"{folder}/data"
        (Path(folder) / "runs").mkdir()
        use_runs([Path(folder) / "runs"])
        print(f"{'file':22} {'opened':>8} {'refused':>8} {'slowest':>8}")
        for kind in given.only or KINDS:
            opened, refused, slowest, bad = tried(kind, given.cuts, given.changes, given.seed, Path(folder))
            print(f"{kind:22} {opened:8} {refused:8} {slowest:7.2f}s", *sorted(set(bad)), sep="\n    ", flush=True)
            any_bad |= bool(bad)
    sys.exit(any_bad)


if __name__ == "__main__":
    main()
