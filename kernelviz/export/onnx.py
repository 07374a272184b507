"""A run as ONNX files: from images to coordinates and, with a decoder, from coordinates to images.

    embed.onnx        images -> coordinates, activation and, with a class head, probabilities
    decode.onnx       coordinates -> decoded
    reconstruct.onnx  images -> decoded
    README.md         what goes in, what comes out, and how to call them

The number of rows is free. What is between a picture of any size and the pixels that a network takes is not in the
files: the README says it.
"""

import json
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn

from kernelviz import __version__
from kernelviz.disk import replacing
from kernelviz.errors import UserError
from kernelviz.export.onnx_readme import MEANING, readme
from kernelviz.layers.probe import Probe, gaussian_bump
from kernelviz.library.portable import without_paths
from kernelviz.networks import EmbeddingNetwork
from kernelviz.networks.halted import said
from kernelviz.storage.record import EmbeddingRun, Run
from kernelviz.storage.store import of_kind
from kernelviz.storage.weights import HALVED, load_network

OPSET = 18
EMBED, DECODE, RECONSTRUCT = FILES = ("embed.onnx", "decode.onnx", "reconstruct.onnx")
ROWS = "n"  # the name of the free dimension
LARGEST = 2**31  # bytes of a file, by its format

Pictures = UInt8[Tensor, "n h w *c"] | Float32[Tensor, "n d"]


class Graph(NamedTuple):
    """A module that becomes a file.

    Attributes:
        takes: name of its input.
        example: of the input; its first dimension is free.
        gives: names of its outputs.
    """

    module: nn.Module
    takes: str
    example: Tensor
    gives: tuple[str, ...]


def write(run: Run, path: Path, pictures: bool = False) -> Path:
    """Write a folder of ONNX files with a README.md, and return it; `pictures` changes nothing.

    Raises a UserError for a run without a map, where a package is missing, and where a backbone cannot be exported.
    """
    check_installed("onnx", "onnxscript")
    mapped = of_kind([run], EmbeddingRun)
    if not mapped:
        raise UserError(f"the run {run.name!r} is a {run.kind}; only networks with a map are written as ONNX files")
    facts = facts_of(without_paths(mapped[0]))
    models = {name: to_model(graph, facts) for name, graph in graphs(mapped[0]).items()}
    text = readme(facts, {name: _values(model) for name, model in models.items()})
    contents = {name: model.SerializeToString() for name, model in models.items()} | {"README.md": text.encode()}
    path.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if name not in contents:
            (path / name).unlink(missing_ok=True)  # of another run that was written here
    for name, content in contents.items():
        with replacing(path / name) as partial:
            partial.write_bytes(content)
    return path


def check_installed(*packages: str) -> None:
    """Raise a UserError that says what to install, where a package is missing."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise UserError(f'{" and ".join(missing)} must be installed for ONNX: `pip install "kernelviz[onnx]"`')


def facts_of(run: EmbeddingRun) -> dict[str, Any]:
    """What the metadata of every file say of a run, as plain values by name."""
    rows, columns = run.grid
    return {
        "run": run.name,
        "kernelviz": __version__,
        "data": run.data["name"],
        "takes": run.unit,
        "shape": list(run.image_shape),
        "decoded_shape": list(run.decoded_shape) if run.has_decoder else None,
        "preprocess": None if run.is_of_vectors else asdict(run.preprocess),
        "classes": list(run.classes),
        "class_head": run.has_classifier,
        "grid": {"rows": rows, "columns": columns, "extent": run.extent},
        "probe": dict(run.probe),
        "weights_sha256": run.weights_sha256,
    }


def graphs(run: EmbeddingRun) -> dict[str, Graph]:
    """What is exported of a run, by the names of the files."""
    network = load_network(run)
    example = _example(run)
    head = ("probabilities",) if run.has_classifier else ()
    found = {EMBED: Graph(Embed(network), run.unit, example, ("coordinates", "activation", *head))}
    if run.has_decoder:
        gives = ("decoded",) if run.is_of_vectors else ("decoded", "pixels")
        found[DECODE] = Graph(Decode(network, Probe(**run.probe)), "coordinates", torch.zeros(2, 2), gives)
        found[RECONSTRUCT] = Graph(Reconstruct(network), run.unit, example, gives)
    return found


def _example(run: EmbeddingRun) -> Pictures:
    """Two blank images as a network takes them, or two vectors."""
    channels, height, width = run.image_shape
    if run.is_of_vectors:
        return torch.zeros(2, width)
    return torch.zeros((2, height, width) if channels == 1 else (2, height, width, channels), dtype=torch.uint8)


class Embed(nn.Module):
    """Images, uint8 as they are stored, or vectors -> coordinates, activation and the probabilities of the classes."""

    def __init__(self, network: EmbeddingNetwork):
        super().__init__()
        self.network = network

    def forward(self, images: Pictures) -> tuple[Tensor, ...]:
        activation = self.network.activation(_as_floats(images))
        head = (self.network.class_logits(activation).softmax(1),) if self.network.classifier else ()
        return self.network.coordinates(activation), activation, *head


class Reconstruct(nn.Module):
    """Images or vectors -> what is decoded of their own activation, or of the probe at their coordinates."""

    def __init__(self, network: EmbeddingNetwork):
        super().__init__()
        self.network = network

    def forward(self, images: Pictures) -> tuple[Tensor, ...]:
        return _decoded(self.network, self.network.code(self.network.activation(_as_floats(images))))


class Decode(nn.Module):
    """Coordinates in the units of the grid -> what is decoded of a probe there."""

    def __init__(self, network: EmbeddingNetwork, probe: Probe):
        super().__init__()
        self.network, self.probe = network, probe

    def forward(self, coordinates: Float[Tensor, "n 2"]) -> tuple[Tensor, ...]:
        return _decoded(self.network, self.network.clip(gaussian_bump(coordinates, self.network.grid, self.probe)))


def _as_floats(images: Pictures) -> Float[Tensor, "n channels h w"]:
    """As `data.batches.pixels` of an array."""
    if images.dtype == torch.float32:
        return images[:, None, None]
    images = images.float() / 255
    return images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)


def _decoded(network: EmbeddingNetwork, activation: Float[Tensor, "n units"]) -> tuple[Tensor, ...]:
    """Images as uint8, and before they are rounded as pixels in [0, 1]; or vectors."""
    decoded = network.decode(activation)
    if network.of_vectors:
        return (decoded.flatten(1),)
    pixels = decoded[:, 0] if decoded.shape[1] == 1 else decoded.permute(0, 2, 3, 1)
    return (255 * pixels).round().to(torch.uint8), pixels


def to_model(graph: Graph, facts: dict[str, Any]) -> "onnx.ModelProto":
    """The content of the file of a graph; a UserError where it is too large, or where torch cannot export it."""
    size = sum(tensor.nbytes for tensor in graph.module.state_dict().values())
    if size >= LARGEST:
        raise UserError(f"the network of the run {facts['run']!r} has {size / 1e9:.1f} GB; an ONNX file has at most 2")
    try:
        with torch.no_grad():
            program = torch.onnx.export(
                graph.module.eval(),
                (graph.example,),
                input_names=[graph.takes],
                output_names=list(graph.gives),
                dynamic_shapes=[{0: torch.export.Dim(ROWS)}],
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # the backbone may be anybody's code
        run, reason = facts["run"], said(error.__cause__ or error)
        raise UserError(f"the network of the run {run!r} cannot be written as ONNX: {reason}") from None
    return _finished(program.model_proto, facts)


def _finished(model: "onnx.ModelProto", facts: dict[str, Any]) -> "onnx.ModelProto":
    """A model with its large matrices in float16, descriptions and metadata."""
    import onnx

    for tensor in model.graph.initializer:
        _halve(tensor, model.graph)
    for value in [*model.graph.input, *model.graph.output]:
        value.doc_string = MEANING[value.name]
    model.producer_name, model.producer_version, model.graph.name = "kernelviz", __version__, facts["run"]
    plain = {key: value if isinstance(value, str) else json.dumps(value) for key, value in facts.items()}
    onnx.helper.set_model_props(model, plain)
    onnx.checker.check_model(model)
    return model


def _halve(tensor: "onnx.TensorProto", graph: "onnx.GraphProto") -> None:
    """Store a large matrix whose numbers float16 has, as a run's own do, in half the bytes.

    It is cast to float32 in the graph: by onnxruntime once, as it loads the file.
    """
    import onnx

    if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < HALVED:
        return
    values, name = onnx.numpy_helper.to_array(tensor), tensor.name
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if np.array_equal(half.astype(np.float32), values):
        tensor.CopyFrom(onnx.numpy_helper.from_array(half, f"{name}.half"))
        graph.node.insert(0, onnx.helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT))


def _values(model: "onnx.ModelProto") -> list[tuple[str, str, str]]:
    """The inputs and outputs of a model: "takes" or "gives", name, and type with shape."""
    import onnx

    def form(value: "onnx.ValueInfoProto") -> str:
        tensor = value.type.tensor_type
        sides = ", ".join(side.dim_param or str(side.dim_value) for side in tensor.shape.dim)
        return f"{onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)} [{sides}]"

    ways = (("takes", model.graph.input), ("gives", model.graph.output))
    return [(way, value.name, form(value)) for way, values in ways for value in values]
