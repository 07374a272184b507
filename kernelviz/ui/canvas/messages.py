"""What Python and the page tell each other, as dataclasses.

js/types.mjs has a typedef for each of them, with the same name and the same properties; a test holds them together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kernelviz.ui.shared.selection import Selection


@dataclass(frozen=True)
class SelectionTold:
    """Selected rows, as a bit for each row in base 64 or nothing, and the number of the change that selected them."""

    revision: int = 0
    rows: str = ""


@dataclass(frozen=True)
class MarkTold:
    """An image to pin to a map.

    Args:
        picture: address of its picture.
        grade: how it compares with the training images, one of GRADES in `labels`.
    """

    x: float
    y: float
    name: str
    picture: str | None = None
    grade: str = "usual"


@dataclass(frozen=True)
class ImagesTold:
    """The images of a map: facts as those of `Told` by the same names."""

    split: str
    what: str
    classes: list[str]
    palettes: dict[str, list[tuple[str, str]]]
    shape: Sequence[int] | None
    sides: Sequence[int]


@dataclass(frozen=True)
class MapTold:
    """One map of the images.

    Args:
        base: address of what the server has of the run.
        source: where the images come from, None where there are none.
        title: of a map that stands beside others, or of a stage.
        placement: the affine transformation [2, 3] that lays it over the others.
        marks: what is pinned to it.
        first, rows: the row of its first image among those of all maps that are linked; where the others do not follow
            in their order, the row of each of its images, int32 in base 64.
        images: facts about its images, None where they are those of the first map.
    """

    base: str
    source: str | None
    title: str | None = None
    placement: list[list[float]] | None = None
    marks: Sequence[MarkTold] = ()
    first: int = 0
    rows: str = ""
    images: ImagesTold | None = None


@dataclass(frozen=True)
class ProbeShape:
    """Width and height of a bump."""

    width: float
    amplitude: float


@dataclass(frozen=True)
class DecoderTold:
    """What it takes to decode an image anywhere on the map.

    Args:
        usual: the shape of the probe that the run was trained with.
        grid: rows and columns of the grid.
        sparsity: of the clip.
    """

    usual: ProbeShape
    grid: Sequence[int]
    sparsity: float


@dataclass(frozen=True)
class ProbeStanding:
    """Where a probe stands, and its shape."""

    x: float
    y: float
    width: float
    amplitude: float


@dataclass(frozen=True)
class ProbeTold:
    """A probe to show, with the decoded image there.

    Args:
        x, y, width, amplitude: where it stands at first, and its shape.
        usual: the shape that the run was trained with.
        grid: rows and columns of the grid.
        sparsity: of the clip.
        path: corners [[x, y], ...] of a path to walk.
    """

    x: float
    y: float
    width: float
    amplitude: float
    usual: ProbeShape
    grid: Sequence[int]
    sparsity: float
    path: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class ChosenUpload:
    """The number of the upload that is chosen, and the number of the change that chose it."""

    revision: int = 0
    number: int | None = None


@dataclass(frozen=True)
class UploadsTold:
    """Uploads to take and to show on the map.

    Args:
        address: of the uploads of this session.
        preprocessing: of the pictures.
        revision: another number once uploads were removed.
        total: files that the server has.
        chosen: the upload whose details are shown.
        digits: whether the network was trained on digits, so that one may sketch one.
        allowed: what can be uploaded, in words.
        largest_file, largest_archive: bytes.
    """

    address: str
    preprocessing: str
    revision: int
    total: int
    chosen: ChosenUpload
    digits: bool
    allowed: str
    largest_file: int
    largest_archive: int


@dataclass(frozen=True)
class InspectorTold:
    """What the inspector beside a map can show.

    Args:
        run: its name.
        alike: whether images can be compared pixel by pixel.
    """

    run: str
    alike: bool


@dataclass(frozen=True)
class LargeTold:
    """A map of which only tiles and the points in view are fetched.

    Args:
        text: selects the points that have it.
        most_rows: of a table of what is selected.
    """

    text: str = ""
    most_rows: int = 500_000


@dataclass(frozen=True)
class Told:
    """What Python tells a map.

    Args:
        scripts: address of main.mjs.
        accent: colour of what a person puts onto the map.
        total: rows of the split, or of all maps that are linked, those without coordinates included.
        what: the images in words.
        palettes: groups (name, colour) of each colouring that has groups.
        shape: [channels, height, width] of the images; None where the points are none.
        sheet: pixels along a side of a sheet of images.
        sides: pixels along a side of an image on the sheets of each level, the smallest first; none without images.
        extent: the maps reach from -extent to extent.
        scale: colours of a continuous colouring, from low to high.
        view: "dots" or "images".
        maps: one map; several side by side; or the stages between which images move.
        moving: whether the maps are stages of one.
        linked: by what maps side by side are linked: by "images", which all of them show, or by their "view" alone.
        found: the row that was searched for.
        decoder: decodes an image at the pointer; None where the run decodes none.
        keeps: whether the server keeps selections.
        large: of a map with too many points to be sent all at once.
    """

    scripts: str
    accent: str
    split: str
    total: int
    what: str
    classes: list[str]
    palettes: dict[str, list[tuple[str, str]]]
    shape: Sequence[int] | None
    sheet: int
    sides: Sequence[int]
    extent: float
    colouring: str
    scale: Sequence[str]
    view: str
    maps: Sequence[MapTold]
    moving: bool = False
    linked: str = "images"
    selection: SelectionTold = SelectionTold()
    found: int | None = None
    decoder: DecoderTold | None = None
    probe: ProbeTold | None = None
    uploads: UploadsTold | None = None
    inspector: InspectorTold | None = None
    keeps: bool = True
    large: LargeTold | None = None
    kind: str = "map"


@dataclass(frozen=True)
class PlaygroundTold:
    """What Python tells the playground; `colours` are those below and above zero."""

    scripts: str
    accent: str
    colours: list[str]
    kind: str = "playground"


@dataclass(frozen=True)
class FilmTold:
    """What Python tells a film.

    Args:
        address: of its frames; that of a run has files of the whole film beside it, `<address>.gif` and `.webp`.
        live: whether it is of a training, of which new frames are to come.
        unit: what the points are, in the plural.
    """

    scripts: str
    address: str
    live: bool
    unit: str
    kind: str = "film"


@dataclass(frozen=True)
class Heard:
    """What the page has said: all of it is the browser's word, and checked before it comes here.

    Args:
        selection: rows of the split that are selected; None where nothing was said.
        pinned: the row of the split that is pinned; None for none. Of a page without a server only.
        probe: where the probe was released.
        path: corners of a path as in `paths`.
        chosen: the upload that was chosen on the map.
        projected: how many uploads are on which map: another text after each step.
        failed: why the canvas cannot run in this browser.
    """

    selection: Selection | None = None
    pinned: int | None = None
    probe: ProbeStanding | None = None
    path: str | None = None
    chosen: ChosenUpload | None = None
    projected: str | None = None
    failed: str | None = None
