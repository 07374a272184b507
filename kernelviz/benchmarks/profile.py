"""What a ResNet-32 keeps apart at the end of every block: a head on each, and how well it names and places images.

The paper's Table 2 and its Figure 7 count layers differently; the profile shows at which depth each of its accuracies
is reached.
"""

import json
from collections.abc import Callable
from dataclasses import replace

from kernelviz.data.images import load
from kernelviz.disk import runs_folder
from kernelviz.evaluation.inference import make_map
from kernelviz.evaluation.metrics import evaluate
from kernelviz.evaluation.quality import PROFILE_FILE, keep
from kernelviz.runs.weights import pretrained_backbone
from kernelviz.tasks.recipes import RECIPES
from kernelviz.training.loop import Training, best_device

RECIPE = replace(RECIPES["head"], data="cifar10", backbone="resnet32", validation=0.0, epochs=6)  # images are not moved
CUTS = range(1, 32, 2)  # the first convolution, then the end of each block
MEASURED = ("test_accuracy", "map_1nn", "map_5nn", "silhouette")


def report(note: Callable[[str], None]) -> dict:
    """Train a head on each cut and keep its figures for the app; cuts that are measured already are not done again."""
    images = replace(load(RECIPE.data), validation=RECIPE.validation)
    path = runs_folder() / PROFILE_FILE
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []
    for kept in CUTS:
        backbone = pretrained_backbone(RECIPE.backbone, RECIPE.weights, kept)
        if any((row["backbone"], row["layers"]) == (backbone.sha256, kept) for row in rows):
            continue
        note(f"{kept} layers kept")
        training = Training(replace(RECIPE, kept=kept), images, 0, best_device(), backbone)
        for progress in training.run():
            note(f"{kept} layers kept, step {progress.step} of {training.steps}")
        network = training.network.cpu().eval().requires_grad_(False)
        note(f"{kept} layers kept, placing every image")
        metrics = evaluate(network, training.progress.probe, make_map(network, images), images)
        rows.append({"backbone": backbone.sha256, "layers": kept, **{name: metrics[name] for name in MEASURED}})
        keep(PROFILE_FILE, rows)
    return {
        "rows": rows,
        "notes": [f"One seed; the recipe of a head, {RECIPE.epochs} epochs, images that are not moved."],
    }
