"""What people who open the dashboard may do."""

from pathlib import Path

from kernelviz.disk import data_folder


def read_only() -> bool:
    """Whether nothing may be changed: no training, and no file written for others to see."""
    return False


def cache_folder() -> Path:
    """Where files that take long to make are kept."""
    return data_folder()
