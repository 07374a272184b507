"""What writes runs is killed at some of its writes; `tests/durability.py`, run by hand, does so at all of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "durability.py"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs the processes of Unix")
@pytest.mark.parametrize(("act", "every"), [("train", 13), ("cancel", 2), ("rename", 2), ("import", 4), ("delete", 1)])
def test_a_kill_at_a_write_harms_nothing(act, every):
    command = [sys.executable, str(SCRIPT), "--writes", str(every), "--only", act]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 ended badly" in done.stdout and len(done.stdout.splitlines()) > 1
