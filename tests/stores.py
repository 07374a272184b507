"""`kernelviz embed` from and to an S3 server on this machine: the numbers of a folder, and what happens when it dies.

    python tests/stores.py --engine local     or ray; needs moto_server on the path (pip install "moto[server]")

It embeds files, archives and a table, is killed in the middle and goes on, loses the server and goes on, and says no
key of an address. What fails raises an AssertionError.
"""

import argparse
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from pyarrow import fs
from sklearn.datasets import load_digits

RUN, SECRET = "digits-neighbours", "topsecret"
SHARDS, IN_SHARD = 12, 30
EMBED = (sys.executable, "-m", "kernelviz", "embed", RUN)


def png(number: int) -> bytes:
    """A digit as a PNG file."""
    image = (load_digits().images[number] * 255 / 16).astype("uint8").repeat(4, 0).repeat(4, 1)
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def make(folder: Path) -> None:
    """Write 200 PNG files, one of them with a name of many signs, a bad one, archives, and a table."""
    pictures = [png(number) for number in range(SHARDS * IN_SHARD)]
    (folder / "a b #1%20ü").mkdir(parents=True)
    for number, picture in enumerate(pictures[:200]):
        (folder / ("a b #1%20ü" if not number else "") / f"{number}.png").write_bytes(picture)
    (folder / "bad.png").write_bytes(b"no picture")
    for shard in range(SHARDS):
        with tarfile.open(folder / f"{shard}.tar", "w") as archive:
            for number, picture in enumerate(pictures[shard * IN_SHARD : (shard + 1) * IN_SHARD]):
                info = tarfile.TarInfo(f"{number}.png")
                info.size = len(picture)
                archive.addfile(info, io.BytesIO(picture))
    with zipfile.ZipFile(folder / "shard.zip", "w") as archive:
        archive.writestr("1.png", pictures[1])
    pq.write_table(pa.table({"image": [{"bytes": one, "path": ""} for one in pictures[:50]]}), folder / "table.parquet")


def served(port: int) -> subprocess.Popen:
    """An S3 server, when it answers."""
    server = subprocess.Popen(["moto_server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        with socket.socket() as asked:
            if not asked.connect_ex(("127.0.0.1", port)):
                return server
        time.sleep(0.2)


def items(folder: Path) -> pd.DataFrame:
    """The items of a pass by their names in the source."""
    table = pd.read_parquet(folder / "items")
    return table.assign(name=table["name"].str.rpartition("source/")[2]).sort_values("name", ignore_index=True)


def stopped_at(words: tuple[str, ...], parts: Callable[[], int], stop: Callable[[subprocess.Popen], None]) -> str:
    """Start a pass, and stop something when three parts are there; gives what the pass has said in the end."""
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while parts() < 3 and process.poll() is None:
        time.sleep(0.05)
    assert process.poll() is None, f"it was done before it could be stopped: {process.communicate()[1]}"
    stop(process)
    return process.communicate()[1]


def killed(process: subprocess.Popen) -> None:
    """Kill a pass with all that it has started."""
    os.killpg(process.pid, signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    engine = parser.parse_args().engine
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    end = f"?scheme=http&endpoint_override=localhost:{port}"
    store = fs.S3FileSystem(
        access_key="name",
        secret_key=SECRET,
        scheme="http",
        endpoint_override=f"localhost:{port}",
        allow_bucket_creation=True,
    )

    def address(path: str) -> str:
        return f"s3://name:{SECRET}@{path}{end}"

    def parts(top: str) -> int:
        found = store.get_file_info(fs.FileSelector(f"{top}/items", allow_not_found=True))
        return sum(one.base_name.endswith(".parquet") for one in found)

    with tempfile.TemporaryDirectory() as folder:
        top, server = Path(folder), served(port)
        try:
            make(top / "source")
            store.create_dir("pictures")
            fs.copy_files(str(top / "source"), "pictures/source", destination_filesystem=store)
            subprocess.run([*EMBED, str(top / "source"), "--engine", "local", "--out", str(top / "disk")], check=True)
            words = (*EMBED, address("pictures/source"), "--engine", engine, "--out")

            stopped_at((*words, address("pictures/out")), lambda: parts("pictures/out"), killed)
            before = parts("pictures/out")
            done = subprocess.run(
                (*words, address("pictures/out"), "--json"), check=True, capture_output=True, text=True
            )
            assert SECRET not in done.stdout + done.stderr and json.loads(done.stdout)["refused"] == 1
            fs.copy_files("pictures/out", str(top / "out"), source_filesystem=store)
            assert items(top / "out").equals(items(top / "disk"))
            print(f"killed at {before} parts, gone on: the numbers of the folder, to the last bit")

            for nothing in ("nowhere/a", "pictures/a"):
                said = subprocess.run((*EMBED, address(nothing), *words[-3:], str(top / "x")), stderr=-1, text=True)
                assert said.returncode == 2 and "there is nothing at" in said.stderr and SECRET not in said.stderr

            def here() -> int:
                return len(list((top / "here" / "items").glob("part-*")))

            said = stopped_at((*words, str(top / "here")), here, lambda _: server.kill())
            assert "the same command goes on later" in said and SECRET not in said, said
            print(f"without the server at {here()} parts:", said.strip().splitlines()[-1])
        finally:
            server.kill()
    print("all as it should be")


if __name__ == "__main__":
    main()
