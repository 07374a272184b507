"""The networks, by the name under which a run stores them."""

from kernelviz.networks.embedding import EmbeddingNetwork as EmbeddingNetwork

NETWORKS: dict[str, type[EmbeddingNetwork]] = {"embedding": EmbeddingNetwork}
