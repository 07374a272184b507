"""Fine-tunes EfficientNet-Lite0 on CIFAR-10 with the map of layers.md inside and without it, on the same batches:

    python tests/benchmarks/map_inside.py [STEPS]

It prints the accuracy of both on test images that neither was trained with. Nothing is chosen by it.
"""

import re
import sys
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

from kernelviz.data.images import load
from kernelviz.networks.checkpoints import read_weights
from kernelviz.networks.timm_backbones import LITE0, packaged_weights

ROOT = Path(__file__).parents[2]
SIDE, BATCH, RATE, TESTED = 96, 32, 1e-3, 1000


def classifier(map_inside: bool) -> nn.Sequential:
    """The pretrained network, the map or nothing, and a new last layer."""
    torch.manual_seed(0)
    network = timm.create_model(LITE0)
    weights = read_weights(packaged_weights(LITE0))  # of other names, in the same order
    network.load_state_dict(dict(zip(network.state_dict(), weights.values(), strict=True)))
    network.reset_classifier(0)
    names: dict = {"__name__": "__main__"}
    exec(re.findall(r"```python\n(.*?)```", (ROOT / "assets/docs/layers.md").read_text(), re.DOTALL)[0], names)
    middle = names["Map"](network.num_features) if map_inside else nn.Identity()
    return nn.Sequential(network, middle, nn.Linear(400 if map_inside else network.num_features, 10))


def pixels(images: Tensor) -> Tensor:
    """[n, 32, 32, 3] uint8 as the network was trained to take them, [n, 3, SIDE, SIDE] in [-1, 1]."""
    images = images.permute(0, 3, 1, 2).float() / 127.5 - 1
    return nn.functional.interpolate(images, size=SIDE, mode="bilinear")


def accuracy(map_inside: bool, steps: int) -> float:
    """The share of the first TESTED test images that is classified rightly after a number of steps."""
    data = load("cifar10")
    images, labels = map(torch.as_tensor, data.split("train"))
    network = classifier(map_inside).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    generator = torch.Generator().manual_seed(1)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / steps)
        batch = torch.randint(len(images), (BATCH,), generator=generator)
        loss = nn.functional.cross_entropy(network(pixels(images[batch])), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    tested, wanted = (torch.as_tensor(one[:TESTED]) for one in data.split("test"))
    with torch.inference_mode():
        found = torch.cat([network.eval()(pixels(one)).argmax(1) for one in tested.split(100)])
    return float((found == wanted).float().mean())


if __name__ == "__main__":
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 120
    for map_inside in (False, True):
        print("with the map" if map_inside else "without", accuracy(map_inside, steps), flush=True)
