"""Small files that take a decoder's time or memory: how much of both each takes here. Run by hand:

    python tests/hostile.py

Each file is taken by a process of its own, as `kernelviz embed` and an upload take it. The table says how large it is,
how many seconds of a processor it takes, by how many MB the process grows at most, and what came of it. Linux only.
"""

import argparse
import os
import struct
import sys
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pillow_heif
from corpus import GOOD, encoded, png_chunk
from PIL import Image

from kernelviz.ingest.costly import give_memory_back
from kernelviz.ingest.files import RejectedFile, ingest
from kernelviz.ingest.image_file import open_image
from kernelviz.ingest.preprocessing import Preprocess

pillow_heif.register_heif_opener()
LARGE = (8000, 6250)  # pixels: 50 million
END = len(png_chunk(b"IEND", b""))
DIGIT = Preprocess("digit", 28, 28, 1, 20)


def progressive(scans: int, size: tuple[int, int]) -> bytes:
    """A JPEG whose last scan is repeated."""
    data = encoded(Image.new("RGB", size, "grey"), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * scans + b"\xff\xd9"


def with_chunks(chunk: bytes, n: int) -> bytes:
    """A small PNG with a chunk so many times before its end."""
    return GOOD[:-END] + chunk * n + GOOD[-END:]


def png(kind: int, bits: int, channels: int, *chunks: bytes) -> bytes:
    """A black PNG of LARGE."""
    packer = zlib.compressobj(9)
    row = bytes(1 + -(-LARGE[0] * channels * bits // 8))
    pixels = b"".join([*(packer.compress(row) for _ in range(LARGE[1])), packer.flush()])
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", *LARGE, bits, kind, 0, 0, 0))
    return b"".join([b"\x89PNG\r\n\x1a\n", header, *chunks, png_chunk(b"IDAT", pixels), png_chunk(b"IEND", b"")])


def gif(frames: int) -> bytes:
    """A GIF of LARGE with its first frame repeated."""
    data = encoded(Image.new("L", LARGE, 3), "GIF")
    start = data.index(b"\x2c")
    return data[:start] + data[start:-1] * frames + b";"


FILES: dict[str, Callable[[], bytes]] = {
    "JPEG of 2,000 scans": lambda: progressive(2000, (2000, 2000)),
    "JPEG of 90 scans, 50 megapixels": lambda: progressive(80, LARGE),
    "JPEG, progressive, 50 megapixels": lambda: encoded(Image.new("RGB", LARGE), "JPEG", progressive=True),
    "PNG of a million chunks": lambda: with_chunks(png_chunk(b"tEXt", b"a\0b"), 1_000_000),
    "PNG of texts that unpack to 200 MB": lambda: with_chunks(
        png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000))), 200
    ),
    "PNG of 16 bits and alpha, 50 megapixels": lambda: png(6, 16, 4),
    "PNG with alpha, 50 megapixels": lambda: png(6, 8, 4),
    "PNG of grey and alpha, 50 megapixels": lambda: png(4, 8, 2),
    "PNG with a clear palette, 50 megapixels": lambda: png(
        3, 8, 1, png_chunk(b"PLTE", bytes(768)), png_chunk(b"tRNS", bytes(256))
    ),
    "TIFF of floats, 25 megapixels": lambda: encoded(
        Image.fromarray(np.ones((5000, 5000), np.float32)), "TIFF", compression="tiff_lzw"
    ),
    "TIFF in one strip, 50 megapixels": lambda: encoded(
        Image.new("RGB", LARGE), "TIFF", compression="tiff_adobe_deflate", tiffinfo={278: LARGE[1]}
    ),
    "TIFF of Lab colours, 50 megapixels": lambda: encoded(
        Image.new("LAB", LARGE), "TIFF", compression="tiff_adobe_deflate"
    ),
    "WebP, 48 megapixels": lambda: encoded(Image.new("RGB", (16_000, 3000)), "WEBP", lossless=True),
    "WebP, 25 megapixels": lambda: encoded(Image.new("RGB", (5000, 5000)), "WEBP", lossless=True),
    "AVIF, 50 megapixels": lambda: encoded(Image.new("RGB", LARGE), "AVIF", speed=10),
    "AVIF, 25 megapixels": lambda: encoded(Image.new("RGB", (5000, 5000)), "AVIF", speed=10),
    "HEIC, 50 megapixels": lambda: encoded(Image.new("RGB", LARGE), "HEIF", quality=10),
    "GIF of 90 frames, 50 megapixels": lambda: gif(90),
}


TOGETHER = ("PNG of 16 bits and alpha, 50 megapixels", "TIFF in one strip, 50 megapixels", "WebP, 25 megapixels")
THREADS = 12


def row(name: str) -> None:
    """Take a file in a process of its own, and print its row."""
    data = FILES[name]()
    measured(name, len(data), lambda: [*ingest([(name, data)], DIGIT)])


def together() -> None:
    """Open several of the files in all threads of a server at once, and print a row."""
    files = [FILES[name]() for name in TOGETHER] * (THREADS // len(TOGETHER))

    def opened() -> list:
        with ThreadPoolExecutor(THREADS) as pool:
            return [*pool.map(lambda data: open_image(data).size, files)]

    measured(f"{len(files)} of these at once", sum(map(len, files)), opened)


def measured(name: str, size: int, take: Callable[[], list]) -> None:
    """Do something in a process of its own, and print a row."""
    sys.stdout.flush()
    if pid := os.fork():
        os.waitpid(pid, 0)
        return
    give_memory_back()
    list(ingest([("warm", GOOD)], DIGIT))
    with open("/proc/self/clear_refs", "w") as peak:
        peak.write("5")
    before, started = memory("VmRSS"), time.process_time()
    found, *_ = take()
    seconds, grown = time.process_time() - started, memory("VmHWM") - before
    said = f"refused: {found.reason}" if isinstance(found, RejectedFile) else "taken"
    print(f"{name:40} | {size / 1e3:9,.1f} kB | {seconds:6.2f} s | {max(0, grown):6,.0f} MB | {said}", flush=True)
    os._exit(0)


def memory(which: str) -> float:
    """A size of this process in MB."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(which)) / 1000


def main() -> None:
    """Take all files, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=FILES, help="this alone; give it again for more")
    given = parser.parse_args()
    for name in given.only or FILES:
        row(name)
    if not given.only:
        together()


if __name__ == "__main__":
    main()
