"""One module for each benchmark: its `report(note)` measures the compared methods in one run."""

from importlib import import_module
from types import ModuleType

BENCHMARKS = {  # the module of each
    "peers": "tools.peers",
    "other": "tools.other",
    "place": "tools.place",
    "map": "tools.whole_map",
    "graph": "graph",
    "million": "million",
    "ten-million": "ten_million",
    "layer": "networks.layer",
    "step": "networks.step",
    "profile": "networks.profile",
    "uploads": "uploads",
    "photographs": "photographs",
    "ray": "blocks",
    "sketch": "sketch",
    "sparse": "networks.sparse",
    "ratings": "networks.ratings",
    "novelty": "novelty",
    "search": "search",
    "onnx": "networks.onnx",
}


def benchmark(name: str) -> ModuleType:
    """The module of one of BENCHMARKS."""
    return import_module(f"kernelviz.benchmarks.{BENCHMARKS[name]}")
