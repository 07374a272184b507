"""Table 2: the accuracy on CIFAR-10 of a ResNet, and of kernel heads on it at three depths."""

from kernelviz.evaluation.quality import PUBLISHED_DEPTHS
from kernelviz.storage.store import load_run

SPREAD = "one seed"
TITLE = "Accuracy on CIFAR-10 of a ResNet, and of kernel heads on it at three depths"
PAPER = [
    {"run": "cifar10-resnet32", "layers": 32, "accuracy": 0.923},
    *(
        {"run": f"cifar10-resnet32-kept{layers}", "layers": layers, "accuracy": accuracy}
        for layers, accuracy in PUBLISHED_DEPTHS.items()
    ),
]
VERDICT = (
    "The network and the head on all of its convolutions agree with the paper. The depths at the ends of stages 2 and "
    "1, which it calls 21 and 11 layers, do not reach its 90.5 % and 82.3 % with any head that was tried; the curve "
    "over all depths (page Depth) reaches those between 25 and 27 and between 19 and 21 layers."
)
COMMANDS = tuple(f"kernelviz train {row['run']}" for row in PAPER)


def rows() -> list[dict]:
    """The test accuracies on CIFAR-10."""
    rows = []
    for row in PAPER:
        run = load_run(row["run"])
        ours = f"{run.metrics['test_accuracy']:.4f}"
        what = "ResNet (n = 5)" if row["layers"] == 32 else f"ResNet + ker, {row['layers']} layers"
        rows.append({"what": f"{what}: {run.name}", "paper": f"{row['accuracy']:.3f}", "ours": ours})
    return rows
