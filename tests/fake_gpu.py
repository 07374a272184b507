"""A GPU that is not there: the device "meta", whose tensors have shapes and no values.

It says whether tensors meet on one device, whether the CPU waits for a copy to it, and how often one is read from it;
whoever asks for a value in any other way fails on "meta" anyway.
"""

from contextlib import contextmanager, nullcontext

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from kernelviz.networks import devices

GPU = "meta"


class Watch(TorchDispatchMode):
    """Counts the tensors that are read from the GPU, as zeros; what makes the CPU wait otherwise is an error."""

    read = 0

    @classmethod
    def _should_skip_dynamo(cls):
        return False  # else torch imports its compiler, which takes seconds

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        given = dict(zip((one.name for one in operation._schema.arguments), args, strict=False)) | (kwargs or {})
        kinds = {one.device.type for one in tree_leaves(given) if isinstance(one, torch.Tensor) and one.ndim}
        if not any(one.name == "non_blocking" for one in operation._schema.arguments):
            assert len(kinds) <= 1, f"{operation} of tensors on several devices"
        elif given.get("device") is not None and kinds != {to := torch.device(given["device"]).type}:
            assert to != GPU or given.get("non_blocking"), "the CPU waits for a copy to the GPU"
            if to == "cpu":
                self.read += 1
                return torch.zeros(given["self"].shape, dtype=given.get("dtype") or given["self"].dtype)
        return operation(*args, **(kwargs or {}))


@contextmanager
def fake_gpu():
    """Within it, GPU is like one of NVIDIA's."""
    with pytest.MonkeyPatch.context() as patched, Watch() as watch:
        patched.setattr(devices, "PINNED", GPU)
        patched.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
        patched.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # which knows no such device
        yield watch
