"""Table 2: the accuracy on CIFAR-10 of a ResNet, and of kernel heads on it at three depths."""

from kernelviz.evaluation.quality import PUBLISHED_DEPTHS, measured_profile
from kernelviz.paper.beside import accuracy_beside
from kernelviz.plots.curves import profile_figure
from kernelviz.storage.record import Run
from kernelviz.storage.store import load_run

SPREAD = "one seed"
TITLE = "Accuracy on CIFAR-10 of a ResNet, and of kernel heads on it at three depths"
SHOWS = (
    "Test accuracy of a ResNet-32, and of a dense layer, a 2-D kernel layer and a softmax on top of its first 31, 21 "
    "and 11 layers, which are frozen."
)
PAPER = [
    {"run": "cifar10-resnet32", "layers": 32, "accuracy": 0.923},
    *(
        {"run": f"cifar10-resnet32-kept{layers}", "layers": layers, "accuracy": accuracy}
        for layers, accuracy in PUBLISHED_DEPTHS.items()
    ),
]
RUNS = tuple(row["run"] for row in PAPER)
FIGURE = (
    "Ours over all depths. The curve is of heads that were trained for 6 epochs on images as they are; the dots are "
    "the heads of the table, trained for longer on moved and mirrored images; those on 21 and 11 layers begin with "
    "convolutions."
)
VERDICT = (
    "The network and the head on all of its convolutions agree with the paper. At the ends of stages 2 and 1, which it "
    "calls 21 and 11 layers, its head, a dense layer at once, reaches 86.3 % and 75.6 %, not 90.5 % and 82.3 %; the "
    "heads of the table begin with one and two convolutions there, which count as layers too. The caption of the "
    "paper's Figure 7 counts 51 layers, by which the same depths would lie higher: that fits."
)
COMMANDS = tuple(f"kernelviz train {run}" for run in RUNS)


def rows() -> list[dict]:
    """The test accuracies on CIFAR-10."""
    runs = [load_run(row["run"]) for row in PAPER]
    return [
        accuracy_beside(_name(run, row["layers"]), run.metrics["test_accuracy"], row["accuracy"])
        for run, row in zip(runs, PAPER, strict=True)
    ]


def _name(run: Run, layers: int) -> str:
    if layers == 32:
        return "ResNet (n = 5)"
    convolutions = len(run.network["arguments"].get("convolutions") or ())
    own = f" + {convolutions} conv" if convolutions else ""
    return f"ResNet, {layers} layers{own} + ker"


def figure():
    """The accuracy over the depth, a Plotly figure."""
    heads = [load_run(run) for run in RUNS[1:]]
    rows = measured_profile(heads[0].backbone["sha256"])
    longer = [(head.backbone["layers"], head.metrics["test_accuracy"]) for head in heads]
    return profile_figure(rows, [*PUBLISHED_DEPTHS.items()], longer)
