"""Untrusted bytes to a grey or RGB picture: the format is checked by content, the size by the header, then decoded."""

import contextlib
import io

from PIL import Image, UnidentifiedImageError

from kernelviz.errors import UserError
from kernelviz.ingest.costly import MAX_TILES, check_scans, check_structure, decoding
from kernelviz.ingest.pixels import flattened, is_deep

MAX_BYTES = 20_000_000  # of one file
MAX_PIXELS = 50_000_000  # of one picture
MAX_DEEP_PIXELS = 25_000_000  # of one with integers or floats, which take up to four bytes each,
WHOLE = ("WEBP", "AVIF")  # or of these, which their libraries decode into several copies of all pixels
MAX_FRAMES = 1000  # that are counted
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "GIF", "TIFF")  # that Pillow reads
ALLOWED = (*FORMATS, "HEIC")  # HEIC by the package of the extra "heic"
JPEG = b"\xff\xd8\xff"  # first bytes
ENOUGH = (1024, 1024)  # pixels: a picture may be decoded at 1/2, 1/4 or 1/8 as long as it stays larger than this
LARGE = 4_000_000  # pixels: other pictures than JPEG stay as they are up to this size
BYTES = {"JPEG": 4, "MPO": 4, "PNG": 5, "BMP": 9}  # of memory for each pixel while a format is decoded, about
MORE_BYTES = 16  # of all other formats
ORIENTATION = 0x0112  # tag of EXIF
TURNS = {number: Image.Transpose(turn) for number, turn in {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}.items()}

AVIF_BRANDS = {b"avif", b"avis"}
HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1", b"mif2"}


class UnreadableImage(UserError):
    """A file is no picture that can be read; the message says what came, what is allowed and what to do."""


def open_image(data: bytes, enough: tuple[int, int] = ENOUGH) -> Image.Image:
    """The picture in these bytes as "L" or "RGB": first frame, upright by its EXIF record, transparency on white.

    Colours become sRGB by the embedded profile. Sixteen-bit, integer and float pixels are divided by the smallest full
    scale (1, 255, 4095, 65535) that holds them. Raises UnreadableImage, and nothing else, for whatever is no such
    picture.

    Args:
        data: the bytes of the file.
        enough: width and height that the picture is needed at. A JPEG is decoded at the smallest of 1/8, 1/4, 1/2 of
            its size at which both sides are still as long as the longer of these; so is any other picture of more than
            LARGE pixels, until it has no more than those.
    """
    _check_not_empty(data)
    check_size(len(data))
    image = _opened(data)
    _check_pixels(image, data)
    with decoding.of(image.width * image.height * BYTES.get(image.format, MORE_BYTES)):
        try:
            image.draft(None, (max(enough), max(enough)))  # a picture on its side has them the other way round
            image.load()
        except Exception as error:  # decoders raise errors of many kinds on damaged files
            raise UnreadableImage(
                f"the {image.format} picture is damaged or cut short; save it again and choose the new file"
            ) from error
        try:
            return _upright(flattened(image, _divisor(image, max(enough))), image)
        except ValueError as error:
            raise UnreadableImage(str(error)) from error


def _divisor(image: Image.Image, enough: int) -> int:
    """By what both sides of a decoded picture are divided: 1, 2, 4 or 8."""
    divisor = 1
    while divisor < 8 and min(image.size) >= 2 * divisor * enough and image.width * image.height > LARGE * divisor**2:
        divisor *= 2
    return divisor


def frames(data: bytes) -> int:
    """How many frames or pages a file has, of which `open_image` gives the first; no more than MAX_FRAMES are counted.

    The second picture that some cameras put into a JPEG is not counted. Of what is no picture, it is 1.
    """
    if data.startswith(JPEG):
        return 1
    try:
        image = _opened(data)
        return min(_pages(image) if image.format == "TIFF" else _n_frames(image), MAX_FRAMES)
    except Exception:  # decoders raise errors of many kinds on damaged files
        return 1


def _n_frames(image: Image.Image) -> int:
    return 1 if image.format in ("JPEG", "MPO") else getattr(image, "n_frames", 1)


def _pages(image: Image.Image) -> int:
    """Pages of a TIFF: one after the other, as Pillow's own count takes the square of their number in time."""
    for page in range(1, MAX_FRAMES):
        try:
            image.seek(page)
        except EOFError:
            return page
    return MAX_FRAMES


def format_of(data: bytes) -> str:
    """Which of FORMATS the picture in these bytes has; raises UnreadableImage where `open_image` does."""
    open_image(data)
    return _opened(data).format


def check_header(data: bytes) -> None:
    """Raise UnreadableImage where the size, the structure or the header says that `open_image` cannot read these bytes.

    Nothing is decoded: the pixels may still turn out to be damaged.
    """
    _check_not_empty(data)
    check_size(len(data))
    _check_pixels(_opened(data), data)


def check_size(n_bytes: int) -> None:
    """Raise UnreadableImage for a file of more than MAX_BYTES."""
    if n_bytes > MAX_BYTES:
        raise UnreadableImage(
            f"the file has {n_bytes / 1e6:.1f} MB, allowed are {MAX_BYTES / 1e6:.0f} MB; save the picture smaller"
        )


def _check_not_empty(data: bytes) -> None:
    if not data:
        raise UnreadableImage("the file is empty; choose a file that holds a picture")


def _opened(data: bytes) -> Image.Image:
    """The picture with its header read and its pixels not yet decoded."""
    formats = _heif() if _is_heic(data) else FORMATS
    try:
        check_structure(data)
    except ValueError as error:
        raise UnreadableImage(str(error)) from error
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels("far too many") from error
    except UnidentifiedImageError as error:
        raise UnreadableImage(
            f"the file is not a picture that can be read; allowed are {', '.join(ALLOWED)}; save it as one of these"
        ) from error
    except Exception as error:
        raise UnreadableImage("the picture's header is damaged; save it again and choose the new file") from error
    return image


def _is_heic(data: bytes) -> bool:
    """Whether a file names a brand of HEIC and none of AVIF, which is stored in the same way."""
    if data[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}
    return not brands & AVIF_BRANDS and bool(brands & HEIC_BRANDS)


def _heif() -> tuple[str]:
    """Pillow's name for the format of HEIC files, which a package of its own reads."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise UnreadableImage(
            "the file is a HEIC picture, for which a package is missing; install kernelviz[heic], or save it as JPEG"
        ) from None
    register_heif_opener()
    return ("HEIF",)


def _check_pixels(image: Image.Image, data: bytes) -> None:
    """Raise UnreadableImage for more pixels than are allowed of their kind, or for too many scans or tiles."""
    most = MAX_DEEP_PIXELS if is_deep(image) or image.format in WHOLE else MAX_PIXELS
    if image.width * image.height > most:
        raise _too_many_pixels(f"{image.width} x {image.height}", most)
    try:
        check_scans(data, image.width * image.height)
    except ValueError as error:
        raise UnreadableImage(str(error)) from error
    if len(image.tile) > MAX_TILES:
        raise UnreadableImage(f"the picture has more than {MAX_TILES:,} tiles or strips; save it again")


def _too_many_pixels(came: str, most: int = MAX_PIXELS) -> UnreadableImage:
    return UnreadableImage(
        f"the picture has {came} pixels, allowed are {most / 1e6:.0f} million; scale it down and choose it again"
    )


def _upright(image: Image.Image, decoded: Image.Image) -> Image.Image:
    """A picture turned as the file says that it was decoded from."""
    turn = None
    with contextlib.suppress(Exception):  # good pixels are read in spite of a broken EXIF record
        turn = TURNS.get(decoded.getexif().get(ORIENTATION))
    return image if turn is None else image.transpose(turn)
