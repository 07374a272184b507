"""A trained network in use, of any kind."""

import html
from functools import cached_property
from pathlib import Path

import pandas as pd
from torch import nn

from kernelviz.export import write
from kernelviz.library.handing_on import export_run
from kernelviz.networks.devices import best_device
from kernelviz.storage.record import Run
from kernelviz.storage.weights import load_network


class LoadedRun:
    """A trained network in use.

    Attributes:
        record: what is on disk of it (`kernelviz.storage.record`).
    """

    def __init__(self, record: Run, device: str = "auto"):
        self.record, self._device = record, best_device(device)

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.record.name

    @property
    def kind(self) -> str:
        """ "embedding", "classifier" or "recommender"."""
        return self.record.kind

    @property
    def metrics(self) -> dict[str, float]:
        """What was measured on the test part, by name."""
        return dict(self.record.metrics)

    @property
    def history(self) -> pd.DataFrame:
        """A row for each epoch of the training."""
        return pd.DataFrame(self.record.history)

    @cached_property
    def network(self) -> nn.Module:
        """The network in float32 and evaluation mode, on the device that the run was loaded for."""
        return load_network(self.record, self._device)

    def export(self, path: str | Path, with_pictures: bool = False, format: str = "kernelviz") -> Path:
        """Write the run as one file, to be handed on (`kernelviz.import_run`); returns its path, ending .kernelviz.

        Args:
            with_pictures: whether the small pictures and the table of your own data go along.
            format: another format to write, one of `kernelviz.export.FORMATS` ("parquet", "csv", "hub", ...).
        """
        if format == "kernelviz":
            return export_run(self.record, Path(path), with_pictures)
        return write(self.record, format, Path(path), with_pictures)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, trained on {self.record.data['name']})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{value:.4g}</td></tr>" for name, value in self.metrics.items()
        )
        return f"<b>{html.escape(self.name)}</b> {html.escape(repr(self))}<table>{rows}</table>"
