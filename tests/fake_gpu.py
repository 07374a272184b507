"""A GPU that is not there: tensors on it have shapes and no values, so that whoever waits for a value fails.

What is checked is that tensors meet on one device, that no value is asked for on the way, and that nothing is copied to
the GPU in a way that waits. Gradients of such tensors cannot be computed.
"""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

GPU = "cuda:0"


class Copies(TorchDispatchMode):
    """Counts the tensors that are read from the GPU; one that is copied to it and waited for is an error."""

    read = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        found = operation(*args, **(kwargs or {}))
        given = dict(zip((one.name for one in operation._schema.arguments), args, strict=False)) | (kwargs or {})
        if "non_blocking" in (one.name for one in operation._schema.arguments):
            way = given["self"].device.type, found.device.type
            assert way != ("cpu", "cuda") or given.get("non_blocking"), "waits for a copy to the GPU"
            self.read += way == ("cuda", "cpu")
        return found


@contextmanager
def fake_gpu():
    """Within it, what is made on GPU or moved there has no values; arrays that are read from it are zeros."""
    with pytest.MonkeyPatch.context() as patched, FakeTensorMode(allow_non_fake_inputs=True), Copies() as copies:
        numpy = torch.Tensor.numpy
        patched.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
        patched.setattr(
            torch.Tensor,
            "numpy",
            lambda tensor: (
                np.zeros(tensor.shape, np.uint8 if tensor.dtype == torch.uint8 else np.float32)
                if isinstance(tensor, FakeTensor)
                else numpy(tensor)
            ),
        )
        yield copies


def moved(network: nn.Module) -> nn.Module:
    """A network on the GPU; within `fake_gpu`."""
    for module in network.modules():
        for name, weight in module._parameters.items():
            if weight is not None:
                module._parameters[name] = nn.Parameter(torch.empty_like(weight, device=GPU), weight.requires_grad)
        for name, value in module._buffers.items():
            if value is not None:
                module._buffers[name] = torch.empty_like(value, device=GPU)
    return network
