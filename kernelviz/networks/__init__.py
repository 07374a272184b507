"""The networks: those with a map, those that one can stand on, and the recommender."""

from kernelviz.networks.backbones import Backbone as Backbone
from kernelviz.networks.backbones import new_backbone as new_backbone
from kernelviz.networks.embedding import EmbeddingNetwork as EmbeddingNetwork
from kernelviz.networks.grid_classifier import GridClassifier
from kernelviz.networks.recommender import Recommender

NETWORKS: dict[str, type[EmbeddingNetwork]] = {"embedding": EmbeddingNetwork}  # with a map
CLASSIFIERS: dict[str, type[GridClassifier]] = {"grids": GridClassifier}  # without one, and nothing stands on them
RECOMMENDERS: dict[str, type[Recommender]] = {"recommender": Recommender}  # of ratings
