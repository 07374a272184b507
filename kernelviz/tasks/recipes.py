"""What to train, as plain values: a recipe is what `kernelviz train RECIPE` takes and what a run records."""

from dataclasses import dataclass, field, replace

from kernelviz.data.batches import Jitter


@dataclass(frozen=True)
class Recipe:
    """One training.

    Args:
        data: name of an image set, a folder of pictures, or an .npz file; for a recommender, ratings.
        makes: "embedding", a network with a map; "recommender"; or the name of a backbone or another classifier.
        backbone, weights, kept: what the map stands on, if anything: the name of a backbone, the name of the run or
            the file that has its weights, and how much of it is kept, as `truncated` takes it.
        pictures: how the pictures of a folder are brought to one shape, as `Preprocess`; None: as they ask for.
        network: arguments of the network that differ from its defaults; the images give the rest.
        objectives: weight of each cost, by its name in OBJECTIVES; of a recommender, its penalties "l2" and "sparsity".
        epochs, batch, rate: length, images or items per step, and peak of the one-cycle learning rate.
        optimizer, decay: "adam" or "sgd" (with Nesterov's momentum), and its weight decay; for a recommender also
            "rprop" and "lbfgs" (an epoch is a round of 50 iterations), which take all items at once.
        smoothing: share of each label that `classify` spreads over all classes.
        validation: share of the training images, from their end, that is kept to choose settings by, and not shown.
        bump_share: share of each batch that the decoder or class head sees as a probe at its own center of mass.
        jitter: how far the input images are moved at random while the targets stay; with the objective `neighbours`
            only an image's partner is moved.
        labels: share of the training labels that the objectives see.
        neighbours: how many nearest neighbours of an image may be its partner, for the objective of that name.
        scale: half the side of the map, in the units of the similarity of `neighbours`, `gather`, `round_trip`.
        mixed: bfloat16 products where the processor has them, else float32 throughout.
    """

    data: str
    makes: str = "embedding"
    backbone: str = ""
    weights: str = ""
    kept: int | str = ""
    pictures: tuple[str, int, int, int] | None = None
    network: dict = field(default_factory=dict)
    objectives: dict[str, float] = field(default_factory=lambda: {"reconstruct": 1.0})
    epochs: int = 40
    batch: int = 512
    rate: float = 2e-3
    optimizer: str = "adam"
    decay: float = 0.0
    smoothing: float = 0.0
    validation: float = 1 / 6
    bump_share: float = 0.4
    jitter: Jitter = Jitter()
    labels: float = 1.0
    neighbours: int = 15
    scale: float = 30.0
    mixed: bool = True


HALF = {"encoder": (1000, 1000, 1500), "decoder": (1000, 1000)}  # of the paper's widths

TOGETHER = {"width": 4.0, "sparsity": 0.5, "canonical": 0.3}  # a wide kernel and a soft clip, for `neighbours`
SMALL = {"encoder": (300, 300, 500), "decoder": (300, 300), "grid": (30, 30)}  # for 8 x 8 pixels

NEIGHBOURS = Recipe(
    "mnist",
    network=HALF | TOGETHER,
    objectives={"neighbours": 1.0, "reconstruct": 1.0, "round_trip": 0.1},
    epochs=60,
    batch=1024,
    jitter=Jitter(turn=9.0),
)

# Section 3.4: flatten, dense 500, kernel layer of 30 x 30, clip, dense.
# Departure: a ReLU stands before the BatchNorm, and lambda is lower than for a map alone: a single sharp bump carries
# too little for ten classes that the lower layers have not sorted yet.
HEAD = Recipe(
    "",
    network={"encoder": (500,), "decoder": (), "grid": (30, 30), "sparsity": 0.5, "rectified": True, "dropout": 0.2},
    objectives={"classify": 1.0},
    epochs=20,
    batch=256,
    smoothing=0.1,
    bump_share=0.0,
)
ON_RESNET32 = replace(HEAD, data="cifar10", backbone="resnet32", validation=0.0)
LOWER = replace(  # where the classes are not apart yet, much is learned, and from images that move
    ON_RESNET32,
    network=HEAD.network | {"dropout": 0.1},
    epochs=64,
    rate=6e-3,
    decay=0.1,
    jitter=Jitter(pixels=2, mirror=True),
)

# Section 3.2: positions known, learned from random ones, or found in the images; images are not moved.
GRIDS = Recipe(
    "mnist",
    makes="grids",
    network={"known": True, "maps": (64, 64), "dropouts": (0.5, 0.5)},
    objectives={"classify": 1.0},
    epochs=14,
    batch=128,
    rate=0.01,
    decay=0.02,
    smoothing=0.1,
    validation=0.0,  # once all this was chosen on the last 10,000
)

# Section 3.5: item-based autoencoders of ratings; full batch, L-BFGS-B in rounds of 50 iterations.
EVERY = 1 << 30  # items per step: all that there are
RATINGS = Recipe(
    "ml-100k",
    makes="recommender",
    network={"kind": "sparse-fc", "hidden": (500,)},
    objectives={"l2": 100.0, "sparsity": 0.013},
    epochs=20,
    batch=EVERY,
    optimizer="lbfgs",
    validation=0.0,
    mixed=False,
)

SIDE, SIDES = 224, {"resnet32": 32}  # pixels: to what a folder's pictures are cropped for a backbone

OWN_RATINGS = replace(RATINGS, data="", validation=0.1)

# l2, sparsity and epochs of each, compared on a tenth of the training ratings (README.md says what each gave).
RATED = {
    ("ml-100k", "sparse-fc", 1): (120.0, 0.006, 4),
    ("ml-100k", "sparse-fc", 2): (40.0, 0.02, 20),
    ("ml-100k", "autorec", 1): (120.0, 0.0, 10),
    ("ml-100k", "kernelnet", 1): (100.0, 0.0, 20),
    ("ml-100k", "kernelnet", 2): (20.0, 0.0, 20),
    ("ml-1m", "sparse-fc", 1): (180.0, 0.01, 10),
    ("ml-1m", "sparse-fc", 2): (60.0, 0.03, 20),
    ("ml-1m", "autorec", 1): (180.0, 0.0, 10),
    ("ml-1m", "kernelnet", 1): (100.0, 0.0, 130),
}


def _ratings(data: str, kind: str, layers: int) -> Recipe:
    l2, sparsity, epochs = RATED[data, kind, layers]
    network = {"kind": kind, "hidden": (500,) * layers}
    return replace(RATINGS, data=data, network=network, objectives={"l2": l2, "sparsity": sparsity}, epochs=epochs)


RECIPES: dict[str, Recipe] = {
    "mnist-neighbours": NEIGHBOURS,
    "mnist-labelled": replace(NEIGHBOURS, objectives=NEIGHBOURS.objectives | {"gather": 0.3}),
    "mnist-autoencoder": Recipe("mnist", epochs=36),
    "mnist-classifier": Recipe(
        "mnist", network=HALF, objectives={"classify": 1.0}, epochs=34, bump_share=0.25, jitter=Jitter(shift=0.08)
    ),
    "mnist-grids": GRIDS,
    "mnist-grids-unknown": replace(GRIDS, network=GRIDS.network | {"known": False, "widths": (6.0, 4.0)}),
    "mnist-grids-found": replace(GRIDS, network=GRIDS.network | {"known": False, "found": True}),
    "digits-autoencoder": Recipe(
        "digits",
        network=SMALL,
        epochs=60,
        batch=128,
    ),
    "digits-neighbours": Recipe(
        "digits",
        network=SMALL | TOGETHER,
        objectives=NEIGHBOURS.objectives,
        epochs=100,
        batch=256,
        jitter=Jitter(shift=0.05, turn=8.0, zoom=0.05),
        scale=10.0,
    ),
    "cifar10-resnet32": Recipe(
        "cifar10",
        makes="resnet32",
        objectives={"classify": 1.0},
        epochs=130,
        batch=128,
        rate=0.2,
        optimizer="sgd",
        decay=5e-4,
        smoothing=0.1,
        validation=0.0,
        jitter=Jitter(pixels=4, mirror=True),
    ),
    "cifar10-resnet32-kept31": replace(
        ON_RESNET32, kept=31, epochs=12, network=HEAD.network | {"sparsity": 0.8, "dropout": 0.3}
    ),
    "cifar10-resnet32-kept21": replace(LOWER, kept=21),
    "cifar10-resnet32-kept11": replace(LOWER, kept=11),
    "head": HEAD,
    **{f"{data.replace('-', '')}-{kind}-{layers}": _ratings(data, kind, layers) for data, kind, layers in RATED},
    # L-BFGS gets on slowly with this one
    "ml1m-kernelnet-1": replace(_ratings("ml-1m", "kernelnet", 1), optimizer="adam", rate=6e-3, batch=128),
    "sparse-fc": OWN_RATINGS,
    "sparse-fc-rprop": replace(OWN_RATINGS, optimizer="rprop", rate=1e-3),
    "sparse-fc-adam": replace(OWN_RATINGS, optimizer="adam", rate=3e-3, batch=128, epochs=60),
}

HEADS = tuple(name for name, recipe in RECIPES.items() if recipe.backbone or recipe is HEAD)  # on a backbone


def on_backbone(recipe: Recipe, backbone: str | None, weights: str | None, kept: str | None) -> Recipe:
    """The recipe of a head on the chosen backbone; what is not chosen stays as it is.

    A ValueError says what is missing.
    """
    recipe = replace(
        recipe,
        backbone=backbone or recipe.backbone,
        weights=weights or recipe.weights,
        kept=int(kept) if kept and kept.isdecimal() else kept or recipe.kept,
    )
    needed = {"--backbone": recipe.backbone, "--keep": recipe.kept, "--data": recipe.data}
    missing = [option for option, given in needed.items() if not given]
    if missing:
        raise ValueError(
            f"{', '.join(missing)} missing: a head stands on a --backbone, of which it has so much to --keep (a number "
            "of layers, or the name of the last part), and learns from --data"
        )
    side = SIDES.get(recipe.backbone, SIDE)
    return replace(recipe, pictures=("crop", side, side, 3))
