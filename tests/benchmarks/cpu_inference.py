"""What runs a network on one thread of the CPU the fastest: `python tests/benchmarks/cpu_inference.py [BATCH ...]`.

(a) the features of photographs by EfficientNet-Lite0 at 192 pixels, (b) the encoder of mnist-neighbours. It prints the
milliseconds of the processor for each image, medians of rounds in which all ways take turns, how many times as fast as
torch that is, and how far the numbers are apart. OpenVINO takes part where it is installed.
"""

import copy
import io
import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

import numpy as np
import onnxruntime
import torch
from timm.layers import BatchNormAct2d
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from kernelviz.networks.devices import mixed_precision
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network, pretrained_backbone

ROUNDS, SECONDS = 5, 0.4  # of each way in a round
Way = Callable[[], np.ndarray]


def torch_way(network: nn.Module, images: Tensor) -> Way:
    def run() -> np.ndarray:
        with torch.inference_mode():
            return network(images).numpy()

    return run


def in_bfloat16(network: nn.Module, images: Tensor) -> Way:
    """As torch computes where a processor multiplies in bfloat16, elsewhere in float32."""

    def run() -> np.ndarray:
        with torch.inference_mode(), mixed_precision(True, "cpu"):
            return network(images).float().numpy()

    return run


def folded(network: nn.Module) -> nn.Module:
    """Each BatchNorm of timm's in the convolution before it."""
    network = copy.deepcopy(network)
    for module in list(network.modules()):
        children = list(module._modules.items())
        for (before, conv), (name, norm) in zip(children, children[1:], strict=False):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, BatchNormAct2d):
                module._modules[before] = fuse_conv_bn_eval(conv, norm)
                module._modules[name] = norm.act
    return network.to(memory_format=torch.channels_last)


def traced(network: nn.Module, images: Tensor) -> nn.Module:
    with torch.no_grad():
        return torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, images)))


def as_onnx(network: nn.Module, images: Tensor) -> bytes:
    file = io.BytesIO()
    torch.onnx.export(network, (images,), file, dynamo=False, input_names=["images"], output_names=["features"])
    return file.getvalue()


def by_onnxruntime(model: bytes, images: Tensor) -> Way:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    given = {"images": images.numpy()}
    return lambda: session.run(None, given)[0]


def by_openvino(model: bytes, images: Tensor) -> Way:
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    compiled = core.compile_model(core.read_model(io.BytesIO(model)), "CPU", settings)
    request, given = compiled.create_infer_request(), images.numpy()
    return lambda: request.infer({0: given})[compiled.output(0)]


def ways(network: nn.Module, images: Tensor) -> dict[str, Way]:
    model = as_onnx(network, images)
    torch._inductor.config.freezing = True
    found = {
        "torch": torch_way(network, images),
        "torch, bfloat16": in_bfloat16(network, images),
        "torch, BatchNorm folded": torch_way(folded(network), images),
        "torch.jit, frozen": torch_way(traced(network, images), images),
        "torch.compile, frozen": torch_way(torch.compile(copy.deepcopy(network)), images),
        "ONNX Runtime": by_onnxruntime(model, images.contiguous()),
    }
    return found | ({"OpenVINO": by_openvino(model, images.contiguous())} if find_spec("openvino") else {})


def measured(found: dict[str, Way], n: int) -> dict[str, list[float]]:
    """Milliseconds of the processor for an image, by way."""
    taken: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(ROUNDS + 1):  # the first does not count
        for name, run in found.items():
            started, times = time.process_time(), 0
            while time.process_time() - started < SECONDS:
                run()
                times += 1
            taken[name].append(1e3 * (time.process_time() - started) / (times * n))
    return {name: values[1:] for name, values in taken.items()}


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    backbone = pretrained_backbone("tf_efficientnet_lite0", None, "features")
    networks = {
        "a": (backbone.extractor.eval(), (3, 192, 192)),
        "b": (load_network(load_run("mnist-neighbours")).encoder, (1, 28, 28)),
    }
    for batch in [int(word) for word in sys.argv[1:]] or [1, 64]:
        for name, (network, shape) in networks.items():
            images = torch.rand(batch, *shape).contiguous(memory_format=torch.channels_last)
            found = ways(network.requires_grad_(False), images)
            own = found["torch"]()
            for way, values in (taken := measured(found, batch)).items():
                times = median(one / other for one, other in zip(taken["torch"], values, strict=True))
                apart = np.abs(found[way]() - own).max()
                print(f"{name} {batch:3} {way:24} {median(values):8.3f} ms  {times:5.2f} x  apart by {apart:.0e}")


if __name__ == "__main__":
    main()
