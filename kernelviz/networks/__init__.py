"""The networks, by the name under which a run stores them."""

from torch import nn

from kernelviz.networks.embedding import EmbeddingNetwork as EmbeddingNetwork

NETWORKS: dict[str, type[nn.Module]] = {"embedding": EmbeddingNetwork}
