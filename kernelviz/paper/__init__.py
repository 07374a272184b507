"""A module for each figure or table of the paper, which sets kernelviz's numbers beside the paper's. Each has

TITLE: what the figure or table shows; VERDICT: what agrees with the paper and what does not (in some modules);
COMMANDS: the commands that train the runs or measure the rows that it reads; SPREAD: the number of their seeds;
rows(): a list of {"what", "paper", "ours"}, a row for each number; empty before anything is trained;
and, in some modules,
render(): writes a picture file into the working folder and returns its path;
figure(): an interactive Plotly figure;
train(note, again): measures the rows, where they do not come from runs.
"""

from importlib import import_module
from types import ModuleType

EXPERIMENTS = ("figure3", "table1", "figure4", "figure5", "figure6", "table2", "figure7", "table3", "table4")


def experiment(name: str) -> ModuleType:
    """The module of one of EXPERIMENTS."""
    return import_module(f"kernelviz.paper.{name}")
