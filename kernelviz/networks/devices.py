"""Where networks compute, and how precisely."""

from contextlib import AbstractContextManager, nullcontext

import torch

PRIVATE = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # names in torch.cpu


def best_device() -> str:
    """The GPU if there is one, else the processor."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def mixed_precision(wanted: bool, device: str) -> AbstractContextManager:
    """A context with bfloat16 products if wanted and the hardware has them, else with float32."""
    if device == "cuda":
        has_it = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has_it = any(getattr(torch.cpu, name, lambda: False)() for name in PRIVATE)  # without them: float32
    return torch.autocast(device, torch.bfloat16) if wanted and has_it else nullcontext()
