"""How well a ResNet-32 separates classes at the end of every block: the metrics of a head on each depth.

The paper's Table 2 and its Figure 7 count layers differently; the profile shows at which depth each of its accuracies
is reached.
"""

import json
from collections.abc import Callable
from dataclasses import replace

from kernelviz.data.images import load
from kernelviz.disk import runs_folder
from kernelviz.evaluation.inference import make_map
from kernelviz.evaluation.measured_rows import store_rows
from kernelviz.evaluation.metrics import evaluate_map
from kernelviz.evaluation.quality import PROFILE_FILE
from kernelviz.networks.devices import best_device
from kernelviz.storage.weights import pretrained_backbone
from kernelviz.tasks.recipes import RECIPES
from kernelviz.training.session import new_training

RECIPE = replace(RECIPES["head"], data="cifar10", backbone="resnet32", validation=0.0, epochs=6)  # no jitter
DEPTHS = range(1, 32, 2)  # the first convolution, then the end of each block
MEASURED = ("test_accuracy", "map_1nn", "map_5nn", "silhouette")


def report(note: Callable[[str], None]) -> dict:
    """Train a head at each depth and store its metrics for the app; depths that are measured already are skipped."""
    images = replace(load(RECIPE.data), validation=RECIPE.validation)
    path = runs_folder() / PROFILE_FILE
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []
    for depth in DEPTHS:
        sha256 = pretrained_backbone(RECIPE.backbone, RECIPE.weights, depth).sha256
        if any((row["backbone"], row["layers"]) == (sha256, depth) for row in rows):
            continue
        note(f"{depth} layers")
        training = new_training(replace(RECIPE, depth=depth), images, 0, best_device())
        for progress in training.run():
            note(f"{depth} layers, step {progress.step} of {training.steps}")
        network = training.network.cpu().eval().requires_grad_(False)
        note(f"{depth} layers, embedding every image")
        metrics = evaluate_map(network, training.task.probe, make_map(network, images), images)
        rows.append({"backbone": sha256, "layers": depth, **{name: metrics[name] for name in MEASURED}})
        store_rows(PROFILE_FILE, rows)
    return {
        "rows": rows,
        "notes": [f"One seed; the recipe of a head, {RECIPE.epochs} epochs, no jitter."],
    }
