"""New digits placed on a map by one of our runs beside the transforms of other tools."""

from collections.abc import Callable
from statistics import median

import kernelviz
from kernelviz.benchmarks.measuring import in_turn, ratio
from kernelviz.benchmarks.tools.peers import PEERS, installed, pixels_of, titled
from kernelviz.data.images import load
from kernelviz.evaluation.inference import embed

OURS, TOOLS = "mnist-neighbours", ("openTSNE", "umap-learn")
FITTED, FEW = 10_000, 100  # images that the tools are fitted to, and those that everything places first, uncounted
ROUNDS = 3


def report(note: Callable[[str], None]) -> dict:
    """A row for each way: the seconds for MNIST's test images, and how many times ours by the Python API they are."""
    tools = {name: installed(name) for name in TOOLS}
    images = load("mnist")
    train, test = images.split("train")[0][:FITTED], images.split("test")[0]
    run = kernelviz.load(OURS)
    ways = {f"{OURS}, network": lambda images: embed(run.network, images), f"{OURS}, Python API": run.transform}
    for name, tool in tools.items():
        note(f"{name}: fitting {len(train):,} images")
        _, place = PEERS[name](tool, pixels_of(train), 0)
        ways[titled(name)] = lambda images, place=place: place(pixels_of(images))
    for name, way in ways.items():
        note(f"{name}: the first {FEW}")
        way(test[:FEW])
    note(f"{len(test):,} images, {ROUNDS} rounds")
    seconds = in_turn({name: lambda way=way: way(test) for name, way in ways.items()}, ROUNDS)
    ours = seconds[f"{OURS}, Python API"]
    rows = [
        {"placed by": name, "images": len(test), "seconds": median(taken), "times ours": ratio(taken, ours)}
        for name, taken in seconds.items()
    ]
    return {"rows": rows, "notes": [f"The tools are fitted to {len(train):,} images, by their default settings."]}
