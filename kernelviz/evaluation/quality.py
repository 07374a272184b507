"""What the figures of merit mean, and what is published, and what was measured, to set beside them."""

import json

from kernelviz.disk import own_file, replacing, runs_folder

MEANING = {
    "test_accuracy": "share of the test images that the class head names rightly",
    "test_bce": "binary cross-entropy of the reconstruction, nats per pixel",
    "test_mse": "squared error per pixel in [0, 1], decoded from the image's own activation",
    "place_mse": "the same, decoded from a probe at the image's place: what the place alone knows",
    "map_1nn": "share of the test images whose nearest training image on the map has their label",
    "map_5nn": "the same by a vote of the five nearest",
    "silhouette": "how far apart the classes lie on the map, -1 to 1: mean silhouette of the test images",
    "trustworthiness": "how many neighbours on the map are neighbours in pixel space too (5 neighbours)",
    "unimodal_share": "share of the test activations that are one connected bump",
    "unplaced": "test images whose activation is zero everywhere",
    "probe_round_trip": "median distance between a probe and where its drawing lands, in grid steps",
    "test_rmse": "root mean square error of the predicted ratings on the test part",
    "new_rmse": "the same, as if every user were new and gave the ratings of the training part",
    "density": "share of the weights that are not gated to zero",
    "dead_share": "share of the locations that gate every weight to zero",
    "parameters": "numbers that were learned",
    "macs": "multiply-accumulates to predict every user's rating of an item that ten have rated",
    "seconds_per_10000": "time to place 10,000 images on this machine",
}

# Unseen MNIST digits in two dimensions (Sainburg, McInnes, Gentner 2021): fitted on 50,000 images, scored on the test.
PUBLISHED = [
    {"method": "openTSNE", "map_1nn": 0.9411, "map_5nn": 0.9502, "test_mse": None},
    {"method": "Parametric UMAP", "map_1nn": 0.9402, "map_5nn": 0.9614, "test_mse": 0.0374},
    {"method": "UMAP + autoencoder", "map_1nn": 0.9403, "map_5nn": 0.9537, "test_mse": 0.0360},
    {"method": "UMAP", "map_1nn": 0.9317, "map_5nn": 0.9544, "test_mse": 0.0393},
    {"method": "Parametric t-SNE", "map_1nn": 0.9118, "map_5nn": 0.9378, "test_mse": None},
    {"method": "Autoencoder, convolutional, 2-D", "map_1nn": 0.7647, "map_5nn": 0.7926, "test_mse": 0.0369},
    {"method": "VAE, convolutional, 2-D", "map_1nn": 0.7241, "map_5nn": 0.7649, "test_mse": 0.0371},
    {"method": "PCA", "map_1nn": 0.3765, "map_5nn": 0.4201, "test_mse": 0.0557},
]

PEERS_FILE, PROFILE_FILE, FIGURE3_FILE, TABLE1_FILE = "peers.json", "profile.json", "figure3.json", "table1.json"
TABLE3_FILE, TABLE4_FILE = "table3.json", "table4.json"

RATED = ("test_rmse", "new_rmse", "density", "dead_share", "parameters", "macs")  # of a recommender

# Ratings of MovieLens: RMSE of other methods, as the paper's Table 3 has them, and what came of them later.
OTHERS = [
    {"method": "LLORMA", "ml-1m": 0.833, "ml-100k": 0.898},
    {"method": "GC-MC", "ml-1m": 0.832, "ml-100k": 0.910},
    {"method": "I-CFN", "ml-1m": 0.832, "ml-100k": None},
    {"method": "CF-NADE (2)", "ml-1m": 0.829, "ml-100k": None},
    {"method": "GLocal-K (2021)", "ml-1m": 0.823, "ml-100k": 0.889},
]


def measured_peers() -> list[dict]:
    """What `kernelviz bench peers` measured: method, map_1nn, map_5nn."""
    return _measured(PEERS_FILE, ("method", "map_1nn", "map_5nn"))


def measured_profile(backbone: str) -> list[dict]:
    """What `kernelviz bench profile` measured of the backbone with that hash, the shallowest cut first."""
    rows = _measured(PROFILE_FILE, ("backbone", "layers", "test_accuracy", "map_1nn", "map_5nn", "silhouette"))
    return sorted((row for row in rows if row["backbone"] == backbone), key=lambda row: row["layers"])


def measured_figure3() -> list[dict]:
    """What `kernelviz reproduce figure3` measured: a row for each kernel, dimension and seed."""
    return _measured(FIGURE3_FILE, ("kernel", "dim", "seed", "rate", "l2", "validation_accuracy", "test_accuracy"))


def measured_table1() -> list[dict]:
    """What `kernelviz reproduce table1` measured: a row for each network."""
    return _measured(TABLE1_FILE, ("recipe", "noise", "seed", "test_accuracy", "shifted_accuracy"))


def measured_table3() -> list[dict]:
    """What `kernelviz reproduce table3` measured: a row for each recommender and split."""
    return _measured(TABLE3_FILE, ("recipe", "seed", *RATED, "seconds"))


def measured_table4() -> list[dict]:
    """What `kernelviz reproduce table4` measured: a row for each weight of the sparsity."""
    return _measured(TABLE4_FILE, ("recipe", "sparsity", *RATED))


def keep(name: str, rows: list[dict]) -> None:
    """Write rows that were measured, to be found again by the functions above."""
    path = runs_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_text(json.dumps({"rows": rows}, indent=1), encoding="utf-8")


def _measured(name: str, columns: tuple[str, ...]) -> list[dict]:
    """Rows measured on this machine, else where the shipped runs were made; none if the file is broken."""
    path = runs_folder() / name
    try:
        found = json.loads((path if path.is_file() else own_file("pretrained", name)).read_text(encoding="utf-8"))
        return [{key: row[key] for key in columns} for row in found["rows"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
