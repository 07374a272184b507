"""What the benchmarks share: rounds in turn, work in a process of its own, the machine, and rows that are kept."""

import json
import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from kernelviz.disk import runs_folder

KEPT = "benchmarks.jsonl"  # among the runs: a line for each report


def in_turn(sides: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """The seconds of each side in each round.

    Every round does each side once, so that whatever else the machine does hits all of them.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, work in sides.items():
            started = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def ratio(seconds: list[float], beside: list[float]) -> float:
    """The median over the rounds of how many times as long one side took as the other."""
    return median(one / other for one, other in zip(seconds, beside, strict=True))


def alone(work: Callable, *given):
    """The result of some work in a process of its own; this process stays small, since a new one counts its memory."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(work, *given).result()


def machine() -> dict:
    """What a time is worth no more than: the processor, its cores, the threads and the version of torch, the load."""
    import torch  # seconds to import

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def keep(name: str, report: dict) -> None:
    """Append the rows of a benchmark to those of before, with the time and the machine."""
    path = runs_folder() / KEPT
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {"benchmark": name, "date": datetime.now(UTC).isoformat(timespec="seconds"), **report}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(kept) + "\n")


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8").splitlines() if facts.is_file() else []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
