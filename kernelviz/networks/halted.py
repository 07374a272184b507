"""A network that runs as it is and halts at one of its modules, however it gets there.

A vision transformer is more than its modules one after the other: its class token and its position embedding are added
between them, and some networks keep their blocks in a list. Such a network is run by its own code.
"""

import copy
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

SIDES = (64, 224, 32, 28, 96, 128, 256, 384, 299)  # pixels: of an image for a trial, where a network does not say


class _Reached(Exception):
    """The module has been reached; carries what it takes or gives."""


def _stop_after(module: nn.Module, inputs: tuple, output: object) -> None:
    raise _Reached(output)


def _stop_before(module: nn.Module, inputs: tuple) -> None:
    raise _Reached(inputs[0])


class Halted(nn.Module):
    """A network up to one of its modules: what that module gives or, with `before`, what it takes.

    Args:
        network: the network, which is changed.
        last: name of the module.
    """

    def __init__(self, network: nn.Module, last: str, before: bool = False):
        super().__init__()
        module = network.get_submodule(last)
        if before:
            module.register_forward_pre_hook(_stop_before)
        else:
            module.register_forward_hook(_stop_after)
        self.network = network

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n ..."]:
        try:
            self.network(x)
        except _Reached as reached:
            return reached.args[0]
        raise RuntimeError("the module is not used")


def halted(network: nn.Module, last: str, before: bool = False) -> Halted | None:
    """The network up to a module, with its weights shared and without the modules that are not used until there.

    None where no trial reaches the module, or where that gives no tensor.
    """
    whole = Halted(_sharing(network), last, before)
    trial = next(_trials(whole), None)
    if trial is None:
        return None
    image, output = trial
    lean = Halted(_without_unused(_sharing(network), last, image, before), last, before)
    try:
        same = torch.equal(_tried(lean, image), output)
    except Exception:  # code that asks for a module that was left out
        same = False
    return lean if same else whole


def is_chain(network: nn.Module, last: str, before: bool = False) -> bool:
    """Whether a network applies its modules one after the other up to a module, without anything in between.

    With `before`, whether what it does after all but the last leaves the numbers as they are (`flatten`). True where no
    trial is possible.
    """
    if type(network).forward is nn.Sequential.forward:
        return True
    names = [name for name, _ in network.named_children()]
    modules = [network.get_submodule(name) for name in names[: names.index(last.split(".")[0]) + 1]]
    for image, reached in _trials(Halted(_sharing(network), last, before)):
        takes, gives = _traced(network, modules, last, before, image)
        inner = zip(takes[1:], gives, strict=False) if not before else zip(takes[1:-1], gives, strict=False)
        linked = len(takes) == len(modules) and takes[0] is image and all(a is b for a, b in inner)
        if not before:
            return linked
        end = gives[-1].flatten() if linked and isinstance(gives[-1], Tensor) else None
        return end is not None and torch.equal(end, reached.flatten())
    return True


def _traced(
    network: nn.Module, modules: list[nn.Module], last: str, before: bool, image: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """What each of some modules takes and gives, in the order in which they run."""
    takes, gives = [], []
    hooks = [module.register_forward_pre_hook(lambda _, inputs: takes.extend(inputs[:1])) for module in modules]
    hooks += [module.register_forward_hook(lambda _, __, output: gives.append(output)) for module in modules]
    _run_until(network, last, image, before, hooks)
    return takes, gives


def _trials(network: Halted) -> Iterator[tuple[Tensor, Tensor]]:
    """An image of the first size that the network takes, and what it gives of that; nothing where it takes none."""
    generator = torch.Generator().manual_seed(0)
    for side in _sides(network.network):
        image = torch.rand(1, input_channels(network), side, side, generator=generator)
        try:
            output = _tried(network, image)
        except Exception:  # somebody else's code may raise anything for an image of the wrong size
            continue
        if isinstance(output, Tensor):
            yield image, output
            return


@torch.no_grad()
def _tried(network: nn.Module, image: Tensor) -> object:
    """What a network gives in evaluation mode; BatchNorm does not learn from a trial."""
    training = {module: module.training for module in network.modules()}
    try:
        return network.eval()(image)
    finally:
        for module, mode in training.items():
            module.training = mode


def _sides(network: nn.Module) -> tuple[int, ...]:
    """The sides of the images that a network takes: what it says of itself, else the usual ones."""
    config = getattr(network, "pretrained_cfg", None) or {}
    own = config["input_size"][-1] if "input_size" in config else getattr(network, "image_size", None)
    return (own,) if isinstance(own, int) else SIDES


def _sharing(network: nn.Module) -> nn.Module:
    """A copy of a network that has the very same weights."""
    tensors = [*network.parameters(), *network.buffers()]
    return copy.deepcopy(network, {id(tensor): tensor for tensor in tensors})


def _without_unused(network: nn.Module, last: str, image: Tensor, before: bool) -> nn.Module:
    """The network without the modules that come after the last one and do not run until it is reached."""
    used: set[nn.Module] = set()
    hooks = [m.register_forward_pre_hook(lambda module, _: used.add(module)) for m in network.modules()]
    _run_until(network, last, image, before, hooks)
    names = [name for name, _ in network.named_modules()]
    for name in names[names.index(last) + 1 :]:
        parent, _, own = name.rpartition(".")
        module = dict(network.named_modules()).get(name)
        if module is not None and not name.startswith(f"{last}.") and not any(one in used for one in module.modules()):
            network.get_submodule(parent)._modules[own] = nn.Identity()
    if before:
        parent, _, own = last.rpartition(".")
        network.get_submodule(parent)._modules[own] = nn.Identity()
    return network


def input_channels(network: nn.Module) -> int:
    """The channels of the images that a network takes: those of its first convolution, else three."""
    first = next((module for module in network.modules() if isinstance(module, nn.Conv2d)), None)
    return first.in_channels if first else 3


def said(error: BaseException) -> str:
    """The kind of an error and the first line of what it says."""
    first, *_ = str(error).strip().split("\n")
    return f"{type(error).__name__}: {first[:200].rstrip('.')}"


def _run_until(network: nn.Module, last: str, image: Tensor, before: bool, hooks: list) -> None:
    """Run a network up to a module, or to what comes before it, and remove the hooks that have watched it."""
    stop = network.get_submodule(last)
    stopped = stop.register_forward_pre_hook(_stop_before) if before else stop.register_forward_hook(_stop_after)
    try:
        _tried(network, image)
    except _Reached:
        pass
    finally:
        for hook in (*hooks, stopped):
            hook.remove()
