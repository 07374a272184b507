"""Trainings on two machines, which are network namespaces of this one: the weights of two processes of one machine.

    python tests/machines.py        Linux, as root

Each machine has runs of its own at first; the second is then killed in the middle of a training, and one process
goes on with that. What fails raises an AssertionError.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from safetensors.numpy import load_file

RECIPE, ADDRESSES = "digits-neighbours", ("10.77.0.1", "10.77.0.2")
TORCHRUN = (sys.executable, "-m", "torch.distributed.run")


def ip(words: str) -> None:
    """Run iproute2's ip."""
    subprocess.run(["ip", *words.split()], check=True)


def started(rank: int, runs: Path, *words: str) -> subprocess.Popen:
    """A training on one of the machines."""
    nodes = f"--nnodes 2 --nproc-per-node 1 --node-rank {rank} --master-addr {ADDRESSES[0]} --master-port 29500"
    return subprocess.Popen(
        [
            "ip",
            "netns",
            "exec",
            f"machine{rank}",
            *TORCHRUN,
            *nodes.split(),
            "-m",
            "kernelviz",
            "train",
            RECIPE,
            *words,
        ],
        env=os.environ | {"GLOO_SOCKET_IFNAME": f"link{rank}", "KERNELVIZ_RUNS": str(runs)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def compared(top: Path) -> None:
    """Train on both, with folders of their own, and with two processes of this machine."""
    words = ("--epochs", "2", "--name")
    both = [started(rank, top / str(rank), *words, "apart") for rank in (0, 1)]
    assert [one.wait(300) for one in both] == [0, 0]
    local = [*TORCHRUN, "--nproc-per-node", "2", "-m", "kernelviz", "train", RECIPE, *words, "together"]
    subprocess.run(local, env=os.environ | {"KERNELVIZ_RUNS": str(top / "0")}, check=True, capture_output=True)
    apart, together = (load_file(top / "0" / name / "weights.safetensors") for name in ("apart", "together"))
    assert all((apart[name] == together[name]).all() for name in together)
    print("two machines: the weights of two processes, to the last bit")


def killed(top: Path) -> None:
    """Kill the second machine in the middle; the first ends, and one process goes on."""
    first, second = (started(rank, top, "--epochs", "30", "--name", "killed") for rank in (0, 1))
    while not (top / "killed" / "checkpoint.safetensors").exists():
        assert first.poll() is None
        time.sleep(0.1)
    inside = subprocess.run(["ip", "netns", "pids", "machine1"], check=True, capture_output=True, text=True)
    for number in inside.stdout.split():
        os.kill(int(number), signal.SIGKILL)
    second.wait()
    began = time.monotonic()
    assert first.wait(120)
    print(f"the first machine has ended {time.monotonic() - began:.0f} s after the death of the second")
    words = [sys.executable, "-m", "kernelviz", "resume", "killed"]
    subprocess.run(words, env=os.environ | {"KERNELVIZ_RUNS": str(top)}, check=True, capture_output=True)
    assert (top / "killed" / "run.json").exists()
    print("one process has gone on with it")


def main() -> None:
    for rank in (0, 1):
        ip(f"netns add machine{rank}")
    try:
        ip("link add link0 netns machine0 type veth peer name link1 netns machine1")
        for rank, address in enumerate(ADDRESSES):
            ip(f"-n machine{rank} addr add {address}/24 dev link{rank}")
            for name in (f"link{rank}", "lo"):
                ip(f"-n machine{rank} link set {name} up")
        with tempfile.TemporaryDirectory() as folder:
            compared(Path(folder))
            killed(Path(folder))
    finally:
        for rank in (0, 1):
            ip(f"netns del machine{rank}")


if __name__ == "__main__":
    main()
