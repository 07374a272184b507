"""Table 2: the accuracy on CIFAR-10 of a ResNet, and of kernel heads on its lower layers."""

from kernelviz.runs import load_run

PAPER = [
    {"run": "cifar10-resnet32", "layers": 32, "accuracy": 0.923},
    {"run": "cifar10-resnet32-kept31", "layers": 31, "accuracy": 0.926},
    {"run": "cifar10-resnet32-kept21", "layers": 21, "accuracy": 0.905},
    {"run": "cifar10-resnet32-kept11", "layers": 11, "accuracy": 0.823},
]


def report() -> dict:
    """The accuracies of our runs beside the paper's."""
    rows = []
    for row in PAPER:
        run = load_run(row["run"])
        ours = f"{run.metrics['test_accuracy']:.4f}"
        what = "ResNet (n = 5)" if row["layers"] == 32 else f"ResNet + ker, {row['layers']} layers kept"
        rows.append({"what": f"{what}: {run.name}", "paper": f"{row['accuracy']:.3f}", "ours": ours})
    return {"rows": rows, "notes": ["Test accuracy on CIFAR-10. `kernelviz bench profile` measures every depth."]}
