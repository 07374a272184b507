"""The film of a training: its map at its start, after its epochs and at times between, kept with the run."""

import time
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np

from kernelviz.storage.epochs import EpochMaps, load_epochs
from kernelviz.storage.record import BrokenRun
from kernelviz.training.loop import Training

LONGEST, SHORTEST = 8.0, 0.5  # seconds from one frame to the next: within long epochs, and after short ones
SHARE = 0.05  # of the training's time that frames may take within an epoch


class Film:
    """The frames of a training that goes on in a folder; those of its past are there if it is resumed."""

    def __init__(self, training: Training, folder: Path):
        self.training, self.folder = training, folder
        self.maps = training.task.no_frames()
        if self.maps is not None and training.progress.step:
            self.maps = self._before()
        self._taken, self._cost = time.monotonic(), 0.0
        if self.maps is not None and not len(self.maps):
            self._take()

    @property
    def _epoch(self) -> float:
        return self.training.progress.step / self.training.batches

    def _before(self) -> EpochMaps:
        """The frames of the training's past; none where they cannot be read, or are of something else."""
        with suppress(BrokenRun):
            before = load_epochs(self.folder)
            if before and before.split == self.maps.split and np.array_equal(before.index, self.maps.index):
                return before.until(self._epoch)
        return self.maps

    def take(self, at_epoch: bool) -> None:
        """Take a frame if it is time for one: after an epoch, and within one that is long."""
        since = time.monotonic() - self._taken
        last = self.training.progress.step == self.training.steps
        wanted = last or since >= (SHORTEST if at_epoch else max(LONGEST, self._cost / SHARE))
        if self.maps is not None and wanted:
            self._take()

    def _take(self) -> None:
        started = time.monotonic()
        self.maps = self.maps.added(self._epoch, *self.training.task.frame(self.maps))
        try:
            self.maps.save(self.folder)
        except OSError as error:  # the training is worth more than its film
            warnings.warn(f"a frame of the film cannot be written to {self.folder} ({error.strerror})", stacklevel=2)
        self._taken = time.monotonic()
        self._cost = self._taken - started
