"""Trains with two processes, as torchrun starts them; `test_ranks.py` runs it and compares."""

import os
import socket
import sys
from contextlib import suppress

from kernelviz.data.batches import Jitter
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.training.session import Stopped, Watcher, train_run

STOPPED_AT = 4


def recipe_of(path):
    """A recipe of every objective, with steps that two processes cannot halve."""
    network = {"encoder": (30, 20), "decoder": (20,), "grid": (10, 10), "sparsity": 0.5}
    objectives = ("reconstruct", "classify", "neighbours", "supervised_neighbours", "round_trip")
    return EmbeddingRecipe(
        data=path,
        network=network,
        objectives=dict.fromkeys(objectives, 1.0),
        jitter=Jitter(0.05, 10.0, 0.1, 0.02, pixels=1, mirror=True),
        epochs=2,
        batch=43,
        rate=1e-3,
        optimizer="sgd",
        labels=0.5,
        neighbours=5,
        scale=5.0,
        validation=0.1,
        mixed=False,
    )


def trained(port, name, resume, stopped=lambda: False):
    os.environ["MASTER_PORT"] = str(port)
    with suppress(Stopped, SystemExit):
        train_run(recipe_of(sys.argv[1]), name, 0, resume, "torchrun", Watcher(stopped=stopped))


def main():
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [each.getsockname()[1] for each in (one, two)]
    child = os.fork()  # so that torch is imported once
    os.environ |= {"RANK": str(int(child == 0)), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    steps = iter(range(STOPPED_AT + 1))  # before the first, a training asks, too
    trained(ports[0], "begun", False, lambda: next(steps) == STOPPED_AT)
    trained(ports[1], "ended", True)
    if child:
        sys.exit(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main()
