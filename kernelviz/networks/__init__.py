"""The networks: those with a map, the classifiers that a map can be trained on, and the recommender."""

from kernelviz.networks.backbones import BACKBONES as BACKBONES
from kernelviz.networks.backbones import Backbone as Backbone
from kernelviz.networks.backbones import new_backbone as new_backbone
from kernelviz.networks.embedding import EmbeddingNetwork as EmbeddingNetwork
from kernelviz.networks.grid_classifier import GridClassifier as GridClassifier
from kernelviz.networks.recommender import Recommender as Recommender

NETWORKS = {  # by their names in run.json
    "embedding": EmbeddingNetwork,
    "grids": GridClassifier,
    "recommender": Recommender,
    **BACKBONES,
}
