"""What run.json holds, as types that pydantic validates: the keys of format 1, which stay as they are."""

import math
from typing import Annotated, Any, NotRequired

from annotated_types import Ge, Gt, Le, Len, Lt
from pydantic import AfterValidator, ConfigDict
from typing_extensions import TypedDict

from kernelviz.ingest.preprocessing import Preprocess

OPEN = ConfigDict(extra="allow")  # keys of other versions are kept


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("a finite number is needed")
    return value


Finite = Annotated[float, AfterValidator(_finite)]
Positive = Annotated[Finite, Gt(0)]
Count = Annotated[int, Ge(1)]


class BackboneFacts(TypedDict):
    """The truncated network that a map is trained on: its name, its depth, its layers, the hash of its weights."""

    __pydantic_config__ = OPEN
    network: str
    kept: int | str
    layers: int
    sha256: str
    mean: NotRequired[tuple[Finite, Finite, Finite]]  # of the channels; runs without have those of ImageNet
    std: NotRequired[tuple[Positive, Positive, Positive]]


class EmbeddingArguments(TypedDict):
    """The arguments of `networks.EmbeddingNetwork`; "draws" is its `has_decoder`."""

    __pydantic_config__ = OPEN
    image_shape: tuple[Count, Count, Count]
    grid: tuple[Annotated[int, Ge(2)], Annotated[int, Ge(2)]]
    extent: Positive
    width: Positive
    sparsity: Annotated[float, Ge(0), Lt(1)]
    draws: bool
    classes: Annotated[int, Ge(0)]
    decoded_shape: NotRequired[tuple[Count, Count, Count] | None]
    of_vectors: NotRequired[bool]
    canonical: NotRequired[Positive | None]
    backbone: NotRequired[BackboneFacts | None]


class EmbeddingFacts(TypedDict):
    """A network with a map."""

    name: str
    arguments: EmbeddingArguments


class RecommenderArguments(TypedDict):
    """The arguments of `networks.recommender.Recommender`."""

    __pydantic_config__ = OPEN
    users: Count
    kind: str
    hidden: Annotated[tuple[Count, ...], Len(1)]


class RecommenderFacts(TypedDict):
    """A network that predicts ratings."""

    name: str
    arguments: RecommenderArguments


class NetworkFacts(TypedDict):
    """A key of `networks.NETWORKS`, and the arguments that make the network."""

    name: str
    arguments: dict[str, Any]


class ImageData(TypedDict):
    """The images that a network was trained on."""

    __pydantic_config__ = OPEN
    name: str
    classes: tuple[str, ...]
    preprocess: Preprocess


class RatingData(TypedDict):
    """The ratings that a recommender was trained on; `range` is the lowest and the highest."""

    __pydantic_config__ = OPEN
    name: str
    range: tuple[Finite, Finite]


class RecipeFacts(TypedDict):
    """The recipe of a training as plain values; more keys by kind and by version."""

    __pydantic_config__ = OPEN
    data: str
    epochs: Count
    objectives: NotRequired[dict[str, float]]
    validation: NotRequired[Annotated[float, Ge(0), Le(1)]]


class ProbeShape(TypedDict):
    """The default shape of a probe, the arguments of `layers.probe.Probe`."""

    width: Positive
    amplitude: Positive


class MadeBy(TypedDict):
    """Where a run comes from."""

    __pydantic_config__ = OPEN
    command: str
    commit: str
    versions: dict[str, str]
    device: str
    seconds: float


class RecommenderMetrics(TypedDict):
    """The metrics of a recommender that the pages rely on."""

    __pydantic_config__ = OPEN
    test_rmse: Finite
    new_rmse: Finite
