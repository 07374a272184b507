"""Where networks compute, and how precisely."""

import math
import os
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from kernelviz.errors import UserError

VARIABLE = "KERNELVIZ_DEVICE"  # the device that is used where the user names one
PINNED = "cuda"  # kind of the devices to which pinned memory is copied while both compute
PRIVATE = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # names in torch.cpu


def devices() -> list[str]:
    """The names of this machine's devices, the fastest first."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = ["cuda"] * bool(gpus) + [f"cuda:{number}" for number in range(gpus)]
    return [*names, *["mps"] * torch.backends.mps.is_available(), "cpu"]


def best_device(name: str = "auto") -> str:
    """The device of that name, "auto" being what KERNELVIZ_DEVICE names, else the fastest.

    Raises a UserError that lists the devices. Of the processes that torchrun starts, each has a GPU of its own.
    """
    there = devices()
    name = os.environ.get(VARIABLE, name) if name == "auto" else name
    name = there[0] if name in ("auto", "") else name
    if name == "cuda" and "LOCAL_RANK" in os.environ:
        name = f"cuda:{os.environ['LOCAL_RANK']}"
    if name not in there:
        raise UserError(f"there is no device {name!r} on this machine; choose auto, {', '.join(there)}")
    return name


def use_device(name: str) -> str:
    """Compute on the device of that name from now on; a UserError where there is none such."""
    os.environ[VARIABLE] = name
    return best_device()


def device_of(network: nn.Module) -> torch.device:
    """The device that a network computes on."""
    return next(network.parameters()).device


def memory_of(device: torch.device) -> float:
    """Bytes of memory that a GPU has; without end where there is no telling."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return torch.mps.recommended_max_memory() if device.type == "mps" else math.inf


def on_device(tensor: Tensor, device: str | torch.device) -> Tensor:
    """A tensor of the CPU's memory on a device; a GPU of NVIDIA's and the CPU do not wait for each other."""
    if torch.device(device).type == PINNED:
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def mixed_precision(wanted: bool, device: str) -> AbstractContextManager:
    """A context with bfloat16 products if wanted and the hardware has them, else with float32."""
    kind = torch.device(device).type
    if kind == "cuda":
        has_it = torch.cuda.is_bf16_supported(including_emulation=False)
    else:  # without the names, and on Apple's GPUs: float32
        has_it = kind == "cpu" and any(getattr(torch.cpu, name, lambda: False)() for name in PRIVATE)
    return torch.autocast(kind, torch.bfloat16) if wanted and has_it else nullcontext()


def full_precision() -> AbstractContextManager:
    """A context in which a GPU of NVIDIA's convolves in float32 and not in TensorFloat-32, and always alike."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
