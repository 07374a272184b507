"""Files that people and their systems really have, and worse: made by code. Each is read or rejected with a reason."""

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image

from kernelviz.ingest import image_file

TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # by EXIF orientation: the transposition that a camera stores


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def quarters() -> Image.Image:
    """Six by four: red, green over blue, white."""
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:2, :3, 0] = pixels[:2, 3:, 1] = pixels[2:, :3, 2] = 255
    pixels[2:, 3:] = 255
    return Image.fromarray(pixels)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int) -> bytes:
    """A PNG file of a few bytes that says to have so many pixels."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(b"\0" * 100)) + png_chunk(b"IEND", b"")


def packed(files, compression=zipfile.ZIP_DEFLATED) -> bytes:
    """A .zip of (name, bytes)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file:
        for name, data in files:
            file.writestr(name, data)
    return out.getvalue()


def stored(orientation: int, kind: str) -> bytes:
    """What a camera stores of `quarters`, 48 x 32, in one of eight orientations."""
    image = quarters().resize((48, 32), Image.Resampling.NEAREST)
    if orientation > 1:
        image = image.transpose(Image.Transpose(TURNS[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(image, kind, exif=exif)


def _palette() -> bytes:
    image = Image.new("P", (8, 8))
    image.putpalette([10, 20, 30, 40, 50, 60])
    return encoded(image, transparency=0)


def _floats(value: float) -> bytes:
    return encoded(Image.fromarray(np.full((8, 8), value, np.float32)), "TIFF")


FRAMES = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
GOOD = encoded(quarters().resize((60, 40)))
PLACED = {
    "photo.png": GOOD,
    "named as another.jpg": GOOD,
    "no ending": GOOD,
    "cmyk.jpg": encoded(Image.new("CMYK", (8, 8), (0, 99, 99, 0)), "JPEG"),
    "cmyk.tif": encoded(Image.new("CMYK", (8, 8), (0, 99, 99, 0)), "TIFF"),
    "sixteen bits.png": encoded(Image.fromarray(np.arange(0, 65536, 1024, dtype=np.uint16).reshape(8, 8))),
    "palette with transparency.png": _palette(),
    "grey and alpha.png": encoded(Image.new("LA", (8, 8), (99, 99))),
    "one bit.png": encoded(Image.new("1", (8, 8), 1)),
    "animated.gif": encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]),
    "animated.webp": encoded(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:]),
    "float.tif": _floats(0.5),
    "one pixel.png": encoded(Image.new("RGB", (1, 1), "red")),
    "a line.png": encoded(Image.new("RGB", (20_000, 2), "red")),
    **{f"held {turn}.jpg": stored(turn, "JPEG") for turn in range(1, 9)},
    "数字 三.png": GOOD,
    "رقم.png": GOOD,
    "é\u0301 🦊.png": GOOD,
    "<img src=x onerror=alert(1)>.png": GOOD,
    "../../up.png": GOOD,
    "/etc/abs.png": GOOD,
    "C:\\abs.png": GOOD,
    "new\nline\t\0.png": GOOD,
    "a" * 300 + ".png": GOOD,
}
REFUSED = {
    "empty.png": (b"", "empty"),
    "text.png": (b"just some text", "not a picture"),
    "vector.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>', "not a picture"),
    "page.pdf": (b"%PDF-1.7 ...", "not a picture"),
    "portable.ppm": (encoded(quarters(), "PPM"), "not a picture"),
    "cut.png": (encoded(Image.effect_noise((100, 100), 50))[:5000], "damaged or cut short"),
    "cut.jpg": (encoded(quarters().resize((300, 300)), "JPEG")[:2000], "damaged"),
    "bomb.png": (png_header(100_000, 100_000), "allowed are 50 million"),
    "64 megapixels.png": (png_header(8_000, 8_000), "8000 x 8000 pixels, allowed are 50 million"),
    "heavy.png": (bytes(image_file.MAX_BYTES + 1), "20.0 MB, allowed are 20 MB"),
    "not a number.tif": (_floats(np.nan), "no numbers"),
    "infinite.tif": (_floats(np.inf), "no numbers"),
    "cut.zip": (packed([("a.png", GOOD)])[:60], "archive is damaged"),
}
ARCHIVES = {  # a .zip, with how many pictures in it are read, and why the others are rejected
    "several.zip": (packed([("a.png", GOOD), ("below/b.png", GOOD)]), 2, []),
    "elsewhere.zip": (packed([("../../up.png", GOOD), ("/etc/abs.png", GOOD)]), 2, []),
    "nested.zip": (packed([("in.zip", packed([("a.png", GOOD)])), ("b.png", GOOD)]), 1, ["archive in an archive"]),
    "bomb.zip": (packed([("bomb.png", bytes(19_000_000)), ("b.png", GOOD)]), 1, ["200 times its size"]),
    "text.zip": (
        packed([("notes.txt", b"no picture"), ("twice.png", GOOD), ("Twice.png", GOOD)]),
        2,
        ["not a picture"],
    ),
}
FILES = PLACED | {name: data for name, (data, _) in REFUSED.items()} | {name: one[0] for name, one in ARCHIVES.items()}
N_PLACED = len(PLACED) + sum(n for _, n, _ in ARCHIVES.values())
REASONS = [reason for _, reason in REFUSED.values()]
REASONS += [reason for *_, reasons in ARCHIVES.values() for reason in reasons]
NASTY = {  # names from outside, by what they try
    "html": "<img src=x onerror=alert(1)>",
    "script end": "</script><script>alert(1)</script>",
    "picture": "![x](http://example.org/x.png)",
    "link": "[x](javascript:alert(1))",
    "markdown": "# *a* `b` :red[c] :material/delete: $\\frac{1}{2}$ | <http://example.org>",
    "markup": "[bold red]a[/] [/nope] [link=http://example.org]b[/link]",
    "formula": "=cmd|' /C calc'!A0",
    "formula after a break": "a\r=1+1",
    "colour": "\x1b[31;1mred\x1b[0m",
    "title of a terminal": "\x1b]0;owned\x07 \x9b2J \x08\x08",
    "direction": "\u202egnp.exe \u2066\u2069",
    "lines": "a\nb\r\nc\td\u2028e",
    "quotes": "\"'`&amp;<>%s{0}{x}\\",
    "no text": "\udcff\ud800",
    "nothing to see": "\u200b\ufeff\x00\ue000",
    "long": "a" * 5000,
    "empty": "",
}
