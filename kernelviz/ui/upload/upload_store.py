"""Uploaded files, stored on disk and not in memory."""

import tempfile


class UploadStore:
    """The bytes of many files, one after the other in a temporary file without a name that ends with this object."""

    def __init__(self):
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  it stays open as long as this object lives
        self._starts = [0]

    def __len__(self) -> int:
        return len(self._starts) - 1

    @property
    def n_bytes(self) -> int:
        """The bytes of all files together."""
        return self._starts[-1]

    def append(self, data: bytes) -> None:
        """Store the bytes of a file; an OSError where the disk is full."""
        self._file.seek(self.n_bytes)
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            self._file.truncate(self.n_bytes)  # what was written takes space that others may need
            raise
        self._starts.append(self.n_bytes + len(data))

    def __getitem__(self, at: int) -> bytes:
        self._file.seek(self._starts[at])
        return self._file.read(self._starts[at + 1] - self._starts[at])
