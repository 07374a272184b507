"""What the metrics mean, and published and measured numbers of other methods beside them."""

from kernelviz.evaluation.measured_rows import measured_rows

NAMES = {  # of the metrics, as people read them
    "test_accuracy": "accuracy",
    "test_bce": "cross-entropy of the reconstruction",
    "test_mse": "error of the reconstruction (MSE)",
    "place_mse": "error from the position alone (MSE)",
    "map_1nn": "1-NN on the map",
    "map_5nn": "5-NN on the map",
    "map_15nn": "15-NN on the map",
    "features_1nn": "1-NN in the features",
    "features_5nn": "5-NN in the features",
    "features_15nn": "15-NN in the features",
    "silhouette": "silhouette",
    "trustworthiness": "trustworthiness",
    "unimodal_share": "activations of one bump",
    "wrong_certain": "wrong where the position is certain",
    "wrong_uncertain": "wrong where the position is uncertain",
    "unplaced": "images without a position",
    "probe_round_trip": "probe round trip, grid steps",
    "test_rmse": "RMSE",
    "new_rmse": "RMSE for new users",
    "density": "open gates",
    "dead_share": "dead locations",
    "parameters": "parameters",
    "macs": "multiply-accumulates",
    "seconds_per_10000": "seconds to embed 10,000 images",
}

MEANING = {
    "test_accuracy": "share of the test images that the class head names rightly",
    "test_bce": "binary cross-entropy of the reconstruction, nats per pixel",
    "test_mse": "squared error per pixel in [0, 1], decoded from the image's own activation",
    "place_mse": "squared error per pixel in [0, 1], or of vectors as a share of their variance, decoded from the "
    "position on the map alone",
    "map_1nn": "share of the test images whose nearest training image on the map has their label",
    "map_5nn": "share of the test images whose five nearest training images on the map vote for their label",
    "map_15nn": "share of the test images whose fifteen nearest training images on the map vote for their label",
    "features_1nn": "1-NN among the features that the map is made of, by their cosine",
    "features_5nn": "5-NN among these features",
    "features_15nn": "15-NN among these features",
    "silhouette": "how far apart the classes lie on the map, -1 to 1: mean silhouette of the test images",
    "trustworthiness": "how many of the 5 neighbours on the map are neighbours in pixels, or in the features, too",
    "unimodal_share": "share of the test activations that are one connected bump",
    "wrong_certain": "share of wrong predictions among the half of the test images whose position is the most certain",
    "wrong_uncertain": "share of wrong predictions among the tenth of them whose position is the least certain",
    "unplaced": "test images without a position on the map (their activation is zero)",
    "probe_round_trip": "median distance between a probe and the position of its decoded image, in grid steps",
    "test_rmse": "root mean square error of the predicted ratings on the test part",
    "new_rmse": "root mean square error on the test part as if every user were new and gave the training ratings",
    "density": "share of the weights that are not gated to zero",
    "dead_share": "share of the locations that gate every weight to zero",
    "parameters": "number of learned weights",
    "macs": "multiply-accumulates to predict every user's rating of an item that ten have rated",
    "seconds_per_10000": "seconds to embed 10,000 images on this machine",
}
LOWER_IS_BETTER = {
    *(
        "test_bce",
        "test_mse",
        "place_mse",
        "unplaced",
        "wrong_certain",
        "wrong_uncertain",
        "probe_round_trip",
        "test_rmse",
        "new_rmse",
    ),
    *("seconds_per_10000", "macs", "parameters", "dead_share", "density"),
}

# Unseen MNIST digits in two dimensions (Sainburg, McInnes, Gentner 2021): fitted on 50,000 images, tested on 10,000.
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

# Accuracy on CIFAR-10 of heads on a ResNet-32 by the number of its layers: Table 2 of the paper.
PUBLISHED_DEPTHS = {31: 0.926, 21: 0.905, 11: 0.823}

PEERS_FILE, PROFILE_FILE, SPARSITY_FILE = "peers.json", "profile.json", "table4.json"
RECOMMENDER_METRICS = ("test_rmse", "new_rmse", "density", "dead_share", "parameters", "macs")


def measured_peers() -> list[dict]:
    """What `kernelviz bench peers` measured: method, map_1nn, map_5nn."""
    return measured_rows(PEERS_FILE, ("method", "map_1nn", "map_5nn"))


def measured_profile(backbone: str) -> list[dict]:
    """What `kernelviz bench profile` measured of the backbone with that hash, the shallowest depth first."""
    rows = measured_rows(PROFILE_FILE, ("backbone", "layers", "test_accuracy", "map_1nn", "map_5nn", "silhouette"))
    return sorted((row for row in rows if row["backbone"] == backbone), key=lambda row: row["layers"])


def measured_sparsity() -> list[dict]:
    """What `kernelviz reproduce table4` measured: a row for each weight of the sparsity, the smallest first."""
    rows = measured_rows(SPARSITY_FILE, ("recipe", "sparsity", *RECOMMENDER_METRICS))
    return sorted(rows, key=lambda row: row["sparsity"])
