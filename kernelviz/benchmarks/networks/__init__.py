"""Benchmarks of layers, of whole networks, and of their training."""
