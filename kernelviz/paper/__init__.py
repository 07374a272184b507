"""A module for each figure or table of the paper, which sets kernelviz's numbers beside the paper's. Each has

TITLE: what the figure or table shows; SHOWS: what the paper's has, in a sentence; VERDICT: what agrees with it and what
does not (in some modules); COMMANDS: the commands that train the runs or measure the rows that it reads;
SPREAD: the number of their seeds; RUNS: the runs that it reads (in some modules);
rows(): a row for each number, see `beside.py`; empty before anything is measured;
and, in some modules,
FIGURE: what our own figure shows;
figure(): it is an interactive Plotly figure; or picture(): it is a picture, uint8;
render(): writes the figure into a file in the working folder and returns its path;
train(note, again): measures the rows, where they do not come from runs.
"""

from importlib import import_module
from types import ModuleType

from kernelviz.paper.beside import AGREES as AGREES
from kernelviz.paper.beside import VERDICTS as VERDICTS

EXPERIMENTS = ("figure3", "table1", "figure4", "figure5", "figure6", "table2", "figure7", "table3", "table4")


def experiment(name: str) -> ModuleType:
    """The module of one of EXPERIMENTS."""
    return import_module(f"kernelviz.paper.{name}")
