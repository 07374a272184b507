"""Where blocks are placed: by the threads of this process, or by Ray on the cores and GPUs of a cluster."""

import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch

from kernelviz.blocks.cutting import Block
from kernelviz.blocks.placing import Placer
from kernelviz.errors import UserError
from kernelviz.ingest.files import torch_on_all_cores
from kernelviz.networks.devices import VARIABLE, best_device

if TYPE_CHECKING:
    import ray.data

RAY_BLOCKS = 4096  # of Ray's own, at most: each costs its driver memory and time
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent to anybody
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_DATA_LOG_LEVEL": "CRITICAL",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}
Numbered = tuple[int, Block]


def locally(placer: Placer, blocks: Iterable[Numbered]) -> Iterator[int]:
    """Place blocks in this process, on its GPU or one on each core; gives the number of items of each."""
    place = placer.on(best_device())
    if place.device != "cpu":
        yield from (place(*one) for one in blocks)
        return
    yield from torch_on_all_cores(lambda one: place(*one), blocks)


class Worker:
    """An actor of Ray's on one core or one GPU: the placer comes to it once, then blocks."""

    def __init__(self, placer: "ray.ObjectRef"):
        import ray

        torch.set_num_threads(1)
        self.place = ray.get(placer).on(best_device())

    def __call__(self, batch: dict) -> dict:
        (number,), (block,) = batch["number"], map(pickle.loads, batch["block"])
        try:
            block.check_seen()
            return {"items": [self.place(int(number), block)], "error": [""]}
        except (UserError, OSError) as error:  # what Ray raises of it says where it was raised, too
            return {"items": [0], "error": [str(error)]}


def on_ray(placer: Placer, blocks: Iterable[Numbered]) -> Iterator[int]:
    """Place blocks on the cluster of RAY_ADDRESS, else on this machine; gives the number of items of each.

    Ray starts an actor that has died again, and gives its blocks to another one.
    """
    if not find_spec("ray"):
        raise UserError('--engine ray needs Ray: pip install "kernelviz[ray]"; or choose --engine local')
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import ray

    own = not ray.is_initialized()
    if own:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        for batch in _placed(placer, list(blocks)).iter_batches(batch_size=None):
            for items, error in zip(batch["items"].tolist(), batch["error"].tolist(), strict=True):
                if error:
                    raise UserError(error)
                yield items
    finally:
        if own:
            ray.shutdown()


def _placed(placer: Placer, blocks: list[Numbered]) -> "ray.data.Dataset":
    """The numbers of items as Ray computes them, with a GPU for each actor, else a core."""
    import ray

    resources = ray.cluster_resources()
    gpus = 0 if os.environ.get(VARIABLE) == "cpu" else int(resources.get("GPU", 0))
    rows = [{"number": number, "block": pickle.dumps(block)} for number, block in blocks]
    return ray.data.from_items(rows, override_num_blocks=min(len(rows), RAY_BLOCKS)).map_batches(
        Worker,
        fn_constructor_args=(ray.put(placer),),  # kept for actors that are started again
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=gpus or int(resources["CPU"])),
        **({"num_gpus": 1} if gpus else {"num_cpus": 1}),
    )


ENGINES: dict[str, Callable[[Placer, Iterable[Numbered]], Iterator[int]]] = {"local": locally, "ray": on_ray}
