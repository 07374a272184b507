"""Where blocks are placed: by the threads of this process, or by Ray on the cores and GPUs of a cluster."""

import logging
import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch

from kernelviz.blocks.cutting import Block
from kernelviz.blocks.placing import Placer
from kernelviz.errors import UserError
from kernelviz.ingest.files import on_all_cores
from kernelviz.networks.devices import best_device

if TYPE_CHECKING:
    import ray.data

RAY_BLOCKS = 4096  # of Ray's own, at most: each costs its driver memory and time
Numbered = tuple[int, Block]


def locally(placer: Placer, blocks: Iterable[Numbered]) -> Iterator[int]:
    """Place blocks in this process, on its GPU or one on each core; gives the number of items of each."""
    device = best_device()
    place = placer.on(device)
    if device != "cpu":
        yield from (place(*one) for one in blocks)
        return
    threads = torch.get_num_threads()
    try:
        yield from on_all_cores(lambda one: place(*one), blocks, torch.set_num_threads, (1,))
    finally:
        torch.set_num_threads(threads)


class Worker:
    """An actor of Ray's on one core or one GPU: the placer comes to it once, then blocks."""

    def __init__(self, placer: "ray.ObjectRef"):
        import ray

        torch.set_num_threads(1)
        self.place = ray.get(placer).on(best_device())

    def __call__(self, batch: dict) -> dict:
        blocks = map(pickle.loads, batch["block"])
        return {"items": [self.place(int(number), one) for number, one in zip(batch["number"], blocks, strict=True)]}


def on_ray(placer: Placer, blocks: Iterable[Numbered]) -> Iterator[int]:
    """Place blocks on the cluster of RAY_ADDRESS, else on this machine; gives the number of items of each.

    Ray starts an actor that has died again, and gives its blocks to another one.
    """
    if not find_spec("ray"):
        raise UserError('--engine ray needs Ray: pip install "kernelviz[ray]"; or choose --engine local')
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anybody
    import ray
    from ray.exceptions import RayError

    own = not ray.is_initialized()
    if own:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        for batch in _placed(placer, list(blocks)).iter_batches(batch_size=None):
            yield from batch["items"].tolist()
    except RayError as error:
        raise _of_user(error) or error from None
    finally:
        if own:
            ray.shutdown()


def _placed(placer: Placer, blocks: list[Numbered]) -> "ray.data.Dataset":
    """The numbers of items as Ray computes them, with a GPU for each actor, else a core."""
    import ray

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    resources = ray.cluster_resources()
    gpus, cores = int(resources.get("GPU", 0)), int(resources["CPU"])
    rows = [{"number": number, "block": pickle.dumps(block)} for number, block in blocks]
    return ray.data.from_items(rows, override_num_blocks=min(len(rows), RAY_BLOCKS)).map_batches(
        Worker,
        fn_constructor_args=(ray.put(placer),),  # kept for actors that are started again
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=gpus or cores),
        **({"num_gpus": 1} if gpus else {"num_cpus": 1}),
    )


def _of_user(error: BaseException | None) -> UserError | None:
    """What the user can correct of what a worker raised."""
    while error and not isinstance(error, UserError):
        error = getattr(error, "cause", None) or error.__cause__
    return error


ENGINES: dict[str, Callable[[Placer, Iterable[Numbered]], Iterator[int]]] = {"local": locally, "ray": on_ray}
