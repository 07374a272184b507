"""What writes runs is killed at some of its writes; `tests/durability.py`, run by hand, does so at all of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "durability.py"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs the processes of Unix")
def test_a_kill_at_a_write_harms_nothing():
    only = [word for act in ("train", "rename", "import", "cancel") for word in ("--only", act)]
    command = [sys.executable, str(SCRIPT), "--writes", "12", *only]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) > 3
