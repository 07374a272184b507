"""The film of a training: its map at its start, after its epochs and at times between, kept with the run."""

import time
from pathlib import Path

from kernelviz.storage.epochs import load_epochs
from kernelviz.training.loop import Training

LONGEST, SHORTEST = 8.0, 0.5  # seconds from one frame to the next: within long epochs, and after short ones
SHARE = 0.05  # of the training's time that frames may take within an epoch


class Film:
    """The frames of a training that goes on in a folder; those of its past are there if it is resumed."""

    def __init__(self, training: Training, folder: Path):
        self.training, self.folder = training, folder
        self.maps = training.task.no_frames()
        before = load_epochs(folder) if training.progress.step else None
        if before is not None:
            self.maps = before.until(self._epoch)
        self._taken, self._cost = time.monotonic(), 0.0
        if self.maps is not None and not len(self.maps):
            self._take()

    @property
    def _epoch(self) -> float:
        return self.training.progress.step / self.training.batches

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
        self.maps.save(self.folder)
        self._taken = time.monotonic()
        self._cost = self._taken - started
