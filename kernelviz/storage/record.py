"""The record of a run: the content of run.json, validated. A class for each kind of run.

The record is read without torch. Its keys on disk are those of format 1; where the code has a better word, a property
of the class translates it.
"""

from abc import ABC
from dataclasses import asdict, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Le
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import from_json, to_json

from kernelviz.disk import replacing
from kernelviz.errors import UserError
from kernelviz.ingest.preprocessing import Preprocess
from kernelviz.storage.schema import (
    BackboneFacts,
    EmbeddingFacts,
    ImageData,
    MadeBy,
    NetworkFacts,
    ProbeShape,
    RatingData,
    RecipeFacts,
    RecommenderFacts,
    RecommenderMetrics,
)
from kernelviz.text import one_line

FORMAT = 1
FILE = "run.json"
LARGEST_RECORD = 50_000_000  # bytes


class BrokenRun(UserError):
    """A folder holds no run that this version can read; the message says in one line what is wrong and what to do."""

    def __init__(self, message: str):
        super().__init__(one_line(message))


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Run(ABC):
    """The record of a trained network, and the folder that it was read from.

    Args:
        network: the network's name and the arguments that make it.
        data: what it was trained on.
        recipe, seed, history: how it was trained; `history` has a row for each epoch.
        metrics: numbers by name (`evaluation.quality.MEANING`).
        made_by: command, commit, versions, device and seconds of the training.
        weights_sha256: hash of weights.safetensors.
    """

    kind: ClassVar[str]

    folder: Path
    network: NetworkFacts
    data: ImageData | RatingData
    recipe: RecipeFacts
    seed: int
    made_by: MadeBy
    history: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    weights_sha256: str = ""
    format: Annotated[int, Ge(FORMAT), Le(FORMAT)] = FORMAT

    @property
    def name(self) -> str:
        """The name of the run, which is that of its folder."""
        return self.folder.name

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the network as stored on disk."""
        return self.network["arguments"]

    @property
    def aims(self) -> tuple[str, ...]:
        """What the network was trained to do: names of objectives."""
        return tuple(self.recipe.get("objectives", {}))

    def save(self) -> None:
        """Write run.json."""
        self.save_to(self.folder)

    def save_to(self, folder: Path) -> None:
        """Write run.json into any folder."""
        facts = {key: value for key, value in asdict(self).items() if key != "folder"}
        with replacing(folder / FILE) as partial:
            partial.write_bytes(to_json(facts, indent=1, inf_nan_mode="constants"))


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ImageRun(Run):
    """A network trained on images."""

    data: ImageData

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; none where the images have no labels."""
        return self.data["classes"]

    @property
    def preprocess(self) -> Preprocess:
        """How an image is brought to the form that the network takes."""
        return self.data["preprocess"]

    @property
    def validation(self) -> float:
        """Share of the training images that is the validation part."""
        return self.recipe.get("validation", 1 / 6)  # older runs lack the key

    @property
    def shares(self) -> dict[str, Any]:
        """How a source without splits of its own was divided, and where its classes come from."""
        recipe = self.recipe
        return {"validation": self.validation, "test": recipe.get("test", 0.2), "column": recipe.get("column", "")}


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class EmbeddingRun(ImageRun):
    """A network with a map. `probe` is the default shape of a probe on it."""

    kind: ClassVar[str] = "embedding"

    network: EmbeddingFacts
    probe: ProbeShape

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of what the network takes."""
        return self.arguments["image_shape"]

    @property
    def decoded_shape(self) -> tuple[int, int, int]:
        """Channels, height, width of what the decoder makes, and of the images that it learned."""
        return self.arguments.get("decoded_shape") or self.image_shape

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the kernel layer."""
        return self.arguments["grid"]

    @property
    def extent(self) -> float:
        """Half the longer side of the map, in the units of its coordinates."""
        return self.arguments["extent"]

    @property
    def sparsity(self) -> float:
        """Lambda of the clip, Eq. (9)."""
        return self.arguments["sparsity"]

    @property
    def has_decoder(self) -> bool:
        """Whether a position of the map can be decoded, into an image or into a vector."""
        return self.arguments["draws"]

    @property
    def is_of_vectors(self) -> bool:
        """Whether the map is made of vectors, of `image_shape[2]` numbers, in place of images."""
        return self.arguments.get("of_vectors", False)

    @property
    def decodes_images(self) -> bool:
        """Whether a position of the map can be decoded into an image."""
        return self.has_decoder and not self.is_of_vectors

    @property
    def unit(self) -> str:
        """What the points of the map are, in the plural."""
        return "vectors" if self.is_of_vectors else "images"

    @property
    def has_classifier(self) -> bool:
        """Whether the network has a class head."""
        return self.arguments["classes"] > 0

    @property
    def backbone(self) -> BackboneFacts | None:
        """The truncated network that the map is trained on, if any."""
        return self.arguments.get("backbone")


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ClassifierRun(ImageRun):
    """A classifier without a map: a backbone, or a network of kernel grids."""

    kind: ClassVar[str] = "classifier"

    probe: dict = field(default_factory=dict)  # older runs have an empty one


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class RecommenderRun(Run):
    """A recommender of items, from ratings."""

    kind: ClassVar[str] = "recommender"

    network: RecommenderFacts
    data: RatingData
    metrics: RecommenderMetrics
    probe: dict = field(default_factory=dict)

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest rating."""
        return self.data["range"]

    @property
    def aims(self) -> tuple[str, ...]:
        """What the network was trained to do."""
        return ("predict ratings",)


KINDS: dict[str, type[Run]] = {
    "embedding": EmbeddingRun,
    "recommender": RecommenderRun,
}  # by network; else a classifier


def new_run(folder: Path, facts: dict[str, Any]) -> Run:
    """The record with these facts, the content of run.json; pydantic's ValidationError says what is wrong with them."""
    network = facts.get("network")
    name = network.get("name") if isinstance(network, dict) else None
    kind = KINDS.get(name, ClassifierRun) if isinstance(name, str) else ClassifierRun
    return TypeAdapter(kind).validate_python(facts | {"folder": folder})


def read_run(folder: Path) -> Run:
    """The run in a folder; a BrokenRun says what is wrong with it."""
    path = folder / FILE
    try:
        if path.stat().st_size > LARGEST_RECORD:
            raise ValueError(f"it has {path.stat().st_size / 1e6:.0f} MB, allowed are {LARGEST_RECORD / 1e6:.0f} MB")
        facts = from_json(path.read_bytes())
        if not isinstance(facts, dict):
            raise ValueError("it is not a JSON object")
        if facts.get("format") != FORMAT:
            remedy = "update kernelviz" if _is_newer(facts.get("format")) else "delete the folder or train it again"
            came = f"{facts.get('format')!r:.60}"
            raise BrokenRun(f"{path} has format {came}; this version reads format {FORMAT}; {remedy}")
        return new_run(folder, facts)
    except BrokenRun:
        raise
    except ValidationError as error:
        reason = "; ".join(_said(one) for one in error.errors(include_url=False)[:3])
    except (OSError, ValueError) as error:
        reason = str(error)
    raise BrokenRun(f"{path} is not the record of a run ({reason}); delete the folder or train it again") from None


def _is_newer(form: object) -> bool:
    return isinstance(form, int) and FORMAT < form < 1000


def _said(error: dict) -> str:
    return f"{'.'.join(map(str, error['loc'])) or 'it':.100}: {error['msg']:.200}"
