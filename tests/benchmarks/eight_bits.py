"""Measures runs with their matrices in 8 bits beside float16, and with --write stores them so:

    python tests/benchmarks/eight_bits.py RUN... [--write]

The map and what is usual on it are computed anew with the weights as they are then stored. A run that others are
trained on, which find it by the hash of its weights, stays as it is.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from kernelviz.disk import replacing
from kernelviz.evaluation.calibrating import calibrate
from kernelviz.evaluation.inference import make_map
from kernelviz.library.names import needing
from kernelviz.storage.record import Run
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import WEIGHTS, as_stored, load_network, save_weights
from kernelviz.tasks import TASKS

TIMED = "seconds_per_10000"  # a metric that does not depend on the weights


def in_eight_bits(run: Run, folder: Path) -> Run:
    """Write weights, map and calibration of a run into a folder; the run with its new metrics and hash."""
    task, network = TASKS[run.kind], load_network(run)
    data = task.load_data(run, None)
    sha256 = save_weights(network, folder, eight_bits=True)
    stored = as_stored(network, folder)
    measured = replace(run, folder=folder, weights_sha256=sha256)
    if (run.folder / "map.parquet").exists():
        points = make_map(stored, data)
        points.save(folder)
        usual = calibrate(stored, points, data)
        if usual:
            usual.save(folder)
    metrics = {name: value for name, value in task.evaluate(measured, stored, data).items() if name in run.metrics}
    return replace(measured, folder=run.folder, metrics=run.metrics | metrics | _kept(run))


def _kept(run: Run) -> dict:
    return {TIMED: run.metrics[TIMED]} if TIMED in run.metrics else {}


def main() -> None:
    """Print each metric before and after, and the bytes of the weights."""
    write = "--write" in sys.argv
    for name in [word for word in sys.argv[1:] if not word.startswith("-")]:
        run = load_run(name)
        if needing(name):
            print(f"{name}: {', '.join(needing(name))} need its weights; it stays as it is")
            continue
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            made = in_eight_bits(run, folder)
            print(f"{name}: {(run.folder / WEIGHTS).stat().st_size:,} to {(folder / WEIGHTS).stat().st_size:,} bytes")
            for metric, before in run.metrics.items():
                if isinstance(before, float) and metric in made.metrics and metric != TIMED:
                    after = made.metrics[metric]
                    print(f"  {metric:20s} {before:9.5f} {after:9.5f} {after - before:+9.5f}")
            if write:
                for path in folder.iterdir():
                    with replacing(run.folder / path.name) as partial:
                        partial.write_bytes(path.read_bytes())
                made.save()


if __name__ == "__main__":
    main()
