"""A module for each figure or table of the paper, which sets ours beside its numbers. Each has

TITLE: what it shows; VERDICT: what agrees with the paper and what does not, where there is something to say;
COMMANDS: what makes the runs or the rows that it reads; SPREAD: of how many seeds they are;
rows(): {"what", "paper", "ours"} of each number, none where nothing has been run yet;
draw(): writes a picture into the working folder, where there is one, and says where;
figure(): the same to point at, where there is one;
train(note, again): makes the rows, where they do not come from runs.
"""

from importlib import import_module
from types import ModuleType

EXPERIMENTS = ("figure3", "table1", "figure4", "figure5", "figure6", "table2", "figure7", "table3", "table4")


def experiment(name: str) -> ModuleType:
    """The module of one of EXPERIMENTS."""
    return import_module(f"kernelviz.paper.{name}")
