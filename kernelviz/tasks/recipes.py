"""The recipes by name: what `kernelviz train RECIPE` trains."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kernelviz.data import images, movielens
from kernelviz.data.batches import Jitter
from kernelviz.data.named import SHAPES
from kernelviz.errors import UserError
from kernelviz.networks.backbones import BACKBONES
from kernelviz.networks.timm_backbones import LITE0, is_timm, timm_side
from kernelviz.networks.truncated import FEATURES
from kernelviz.storage.store import load_classifier, run_names
from kernelviz.tasks.classifier import ClassifierRecipe
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.tasks.recommender import RecommenderRecipe
from kernelviz.training.task import Recipe

WIDE_AND_SOFT = {"width": 4.0, "sparsity": 0.5, "canonical": 0.3}  # a wide kernel and a soft clip, for `neighbours`
SMALL = {"encoder": (300, 300, 500), "decoder": (300, 300), "grid": (30, 30)}  # for 8 x 8 pixels

NEIGHBOURS = EmbeddingRecipe(
    data="mnist",
    network={"convolutions": (32, 64), "encoder": (700, 700), "decoder": (1000, 1000)} | WIDE_AND_SOFT,
    objectives={"neighbours": 1.0, "reconstruct": 1.0, "round_trip": 0.1},
    epochs=80,
    batch=1024,
    bend=10.0,
    jitter=Jitter(warp=0.025),
)

# Grey images of any kind: what edges they have generalises from few images, what their pixels are does not.
GREY = replace(
    NEIGHBOURS,
    data="",
    network={"gradients": True, "unit_features": True, "encoder": (500, 500), "decoder": (500, 500), "grid": (30, 30)}
    | WIDE_AND_SOFT,
    epochs=90,
    batch=256,
    bend=1.0,
    jitter=Jitter(shift=0.05, turn=8.0, zoom=0.05, warp=0.025),
    neighbours=5,
    scale=10.0,
)

# Section 3.4: flatten, dense 500, kernel layer of 30 x 30, clip, dense.
# Departure: a ReLU stands before the BatchNorm, and lambda is lower than for a map alone: a single sharp bump carries
# too little for ten classes that the layers before it have not separated.
HEAD = EmbeddingRecipe(
    data="",
    backbone="",
    network={"encoder": (500,), "decoder": (), "grid": (30, 30), "sparsity": 0.5, "rectified": True, "dropout": 0.2},
    objectives={"classify": 1.0},
    epochs=20,
    batch=256,
    smoothing=0.1,
    bump_share=0.0,
)
ON_RESNET32 = replace(HEAD, data="cifar10", backbone="resnet32", validation=0.0)
# Where the classes are not separated yet: a longer training, with jitter.
# Departure: convolutions halve the features to 64 of 8 x 8, which is what the dense layer takes at full depth.
SHALLOW = replace(
    ON_RESNET32,
    network=HEAD.network | {"convolutions": (64,), "dropout": 0.1},
    epochs=60,
    rate=6e-3,
    decay=0.1,
    jitter=Jitter(pixels=2, mirror=True),
)

# Section 3.2: positions known, learned from random ones, or found in the images; no jitter.
GRIDS = ClassifierRecipe(
    data="mnist",
    makes="grids",
    network={"known": True, "maps": (64, 64), "dropouts": (0.5, 0.5)},
    epochs=14,
    batch=128,
    rate=0.01,
    decay=0.02,
    smoothing=0.1,
    validation=0.0,  # the settings were chosen on the last 10,000 training images; the recipe learns from these too
)

# Section 3.5: item-based autoencoders of ratings; full batch, L-BFGS-B in rounds of 50 iterations.
RATINGS = RecommenderRecipe(
    data="ml-100k", network={"kind": "sparse-fc", "hidden": (500,)}, l2=100.0, sparsity=0.013, epochs=20
)

# Neighbours by the features of a frozen backbone: a map of photographs without a label.
PHOTOS = EmbeddingRecipe(
    data="",
    backbone=LITE0,
    depth=FEATURES,
    pictures=("crop", 192, 192, 3),
    network={
        "encoder": (500, 500, 1000),
        "decoder": (512, 192),
        "grid": (30, 30),
        "width": 1.0,
        "sparsity": 0.5,
        "canonical": 0.3,
        "unit_features": True,
        "noise": 0.6,
    },
    objectives={"neighbours": 1.0, "reconstruct": 1.0},
    neighbours=15,
    epochs=60,
    batch=512,
    views=2,
)

# Neighbours by the cosine of vectors, and a decoder that gives vectors.
VECTORS = replace(
    PHOTOS,
    backbone=None,
    depth="",
    pictures=None,
    views=1,
)

SIDE, SIDES = 224, {"resnet32": 32, LITE0: 192}  # pixels: the pictures of a folder are cropped to, by backbone

OWN_RATINGS = replace(RATINGS, data="", validation=0.1)

# l2, sparsity and epochs of each, compared on a tenth of the training ratings: assets/docs/settings.md.
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
    return replace(RATINGS, data=data, network=network, l2=l2, sparsity=sparsity, epochs=epochs)


RECIPES: dict[str, Recipe] = {
    "mnist-neighbours": NEIGHBOURS,
    "mnist-labelled": replace(NEIGHBOURS, objectives=NEIGHBOURS.objectives | {"supervised_neighbours": 0.3}),
    "mnist-autoencoder": EmbeddingRecipe(data="mnist", epochs=36),
    "mnist-classifier": EmbeddingRecipe(
        data="mnist",
        network={
            "convolutions": (16, 32),
            "encoder": (1000, 1000),
            "decoder": (1000, 1000),
            "width": 4.0,
            "sparsity": 0.5,
        },
        objectives={"classify": 1.0, "supervised_neighbours": 0.1},
        epochs=34,
        bump_share=0.25,
        jitter=Jitter(shift=0.08, warp=0.025),
    ),
    "mnist-grids": GRIDS,
    "mnist-grids-unknown": replace(GRIDS, network=GRIDS.network | {"known": False, "widths": (6.0, 4.0)}),
    "mnist-grids-found": replace(GRIDS, network=GRIDS.network | {"known": False, "found": True}),
    "digits-autoencoder": EmbeddingRecipe(
        data="digits",
        network=SMALL,
        epochs=60,
        batch=128,
    ),
    "digits-neighbours": EmbeddingRecipe(
        data="digits",
        network=SMALL | WIDE_AND_SOFT,
        objectives=NEIGHBOURS.objectives,
        epochs=100,
        batch=256,
        jitter=Jitter(shift=0.05, turn=8.0, zoom=0.05),
        scale=10.0,
    ),
    "grey-neighbours": GREY,
    "cifar10-resnet32": ClassifierRecipe(
        data="cifar10",
        makes="resnet32",
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
        ON_RESNET32, depth=31, epochs=12, network=HEAD.network | {"sparsity": 0.8, "dropout": 0.3}
    ),
    "cifar10-resnet32-kept21": replace(SHALLOW, depth=21),
    "cifar10-resnet32-kept11": replace(SHALLOW, depth=11, network=SHALLOW.network | {"convolutions": (64, 64)}),
    "head": HEAD,
    "photos": PHOTOS,
    "photos-labelled": replace(PHOTOS, objectives=PHOTOS.objectives | {"supervised_neighbours": 0.3}),
    "photos-classifier": replace(PHOTOS, objectives={"classify": 1.0, "reconstruct": 1.0}, smoothing=0.1),
    "cifar10-photos": replace(  # of many pictures fewer neighbours are enough
        PHOTOS, data="cifar10", views=4, decoded=32, neighbours=5, network=PHOTOS.network | {"noise": 0.3}
    ),
    **{f"{data.replace('-', '')}-{kind}-{layers}": _ratings(data, kind, layers) for data, kind, layers in RATED},
    # L-BFGS is slow for this network
    "ml1m-kernelnet-1": replace(_ratings("ml-1m", "kernelnet", 1), optimizer="adam", rate=6e-3, batch=128),
    "sparse-fc": OWN_RATINGS,
    "sparse-fc-rprop": replace(OWN_RATINGS, optimizer="rprop", rate=1e-3),
    "sparse-fc-adam": replace(OWN_RATINGS, optimizer="adam", rate=3e-3, batch=128, epochs=60),
}

HEADS = tuple(name for name, recipe in RECIPES.items() if getattr(recipe, "backbone", None) is not None)


KINDS = {kind.kind: kind for kind in (EmbeddingRecipe, ClassifierRecipe, RecommenderRecipe)}


def recipe_of(kind: str, values: dict[str, Any]) -> Recipe:
    """The recipe of that kind with plain values, those of a plan or of a record; a UserError says what is wrong."""
    try:
        recipe = TypeAdapter(KINDS[kind]).validate_python(values)
    except KeyError:
        raise UserError(f"no recipe makes a {kind!r}; a run is one of {', '.join(KINDS)}") from None
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:3])
        raise UserError(f"these settings are no recipe of this version ({said})") from None
    network = {name: tuple(value) if isinstance(value, list) else value for name, value in recipe.network.items()}
    return replace(recipe, network=network)


def changed_recipe(
    name: str,
    *,
    data: str | None = None,
    epochs: int | None = None,
    labels: float | None = None,
    backbone: str | None = None,
    weights: str | None = None,
    depth: str | int | None = None,
    titles: str | None = None,
) -> Recipe:
    """The recipe of that name, with the given values instead of its own.

    Raises a UserError that says what cannot be changed, or what is missing.

    Args:
        data, weights: name of a set or run, else a path, which becomes absolute: a run is evaluated from any folder.
        labels: share of the training labels that are used, for recipes with a map.
        backbone, depth: network of a head, or the run of a classifier, and the depth at which it is truncated.
        titles: path of a file with the titles of the items, for recommenders of the user's own ratings.
    """
    if name not in RECIPES:
        raise UserError(f"unknown recipe {name!r}; choose one of {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    if data and data not in (*images.SETS, SHAPES, *movielens.SETS):
        data = str(Path(data).expanduser().resolve())
    if weights and weights not in run_names():
        weights = str(Path(weights).expanduser().resolve())
    if labels is not None and not hasattr(recipe, "labels"):
        raise UserError(f"the recipe {name!r} makes no map, so that --labels does not apply to it")
    if titles and (not hasattr(recipe, "titles") or (data or recipe.data) in movielens.SETS):
        raise UserError("--titles is for recommenders of your own ratings, such as `sparse-fc`")
    titles = titles and str(Path(titles).expanduser().resolve())
    given = {"data": data, "epochs": epochs, "labels": labels, "titles": titles}
    recipe = replace(recipe, **{key: value for key, value in given.items() if value is not None})
    if name in HEADS:
        return _with_backbone(recipe, backbone, weights, depth)
    if backbone or weights or depth:
        raise UserError(f"the recipe {name!r} takes no backbone; choose one of {', '.join(HEADS)}")
    if not recipe.data:
        source = "a folder or an archive of images" if hasattr(recipe, "views") else "a table of user, item, rating"
        raise UserError(f"{name!r} learns from your own data: give --data, {source}")
    return recipe


def _with_backbone(
    recipe: EmbeddingRecipe, backbone: str | None, weights: str | None, depth: str | int | None
) -> EmbeddingRecipe:
    """The recipe of a head on the chosen backbone; what is not given stays. Raises a UserError if any is missing."""
    if backbone and backbone not in BACKBONES and backbone in run_names():
        backbone, weights = _of_run(backbone, weights)
    recipe = replace(
        recipe,
        backbone=backbone or recipe.backbone,
        weights=weights or recipe.weights,
        depth=int(depth) if str(depth).isdecimal() else depth or recipe.depth or FEATURES,
    )
    needed = {"--backbone": recipe.backbone, "--data": recipe.data}
    missing = [option for option, given in needed.items() if not given]
    if missing:
        raise UserError(
            f"{', '.join(missing)} missing: a head is trained on a --backbone (without --depth, on all but its "
            "classifier), and learns from --data"
        )
    side = SIDES.get(recipe.backbone) or (timm_side(recipe.backbone) if is_timm(recipe.backbone) else SIDE)
    return replace(recipe, pictures=("crop", side, side, 3))


def _of_run(name: str, weights: str | None) -> tuple[str, str]:
    """The network of a classifier's run as a backbone, and the run as its weights unless others are given."""
    network = load_classifier(name).network["name"]
    if network not in BACKBONES:
        raise UserError(f"the run {name!r} is a network of kernel {network}, which cannot be truncated; give another")
    return network, weights or name
