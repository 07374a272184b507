"""What people write of a run: tags and a note, in notes.json beside its record."""

from dataclasses import field
from pathlib import Path
from typing import Annotated

from annotated_types import Len
from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from kernelviz.disk import replacing
from kernelviz.errors import UserError
from kernelviz.library.names import own_folder

FILE = "notes.json"
LONGEST_TAG, MOST_TAGS, LONGEST_NOTE = 30, 12, 4000  # letters, tags, letters
LARGEST = 50_000  # bytes of the file


def _one_line(text: str) -> str:
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def _some_lines(text: str) -> str:
    return "".join(letter for letter in text.strip() if letter.isprintable() or letter in "\n\t")


def _no_comma(text: str) -> str:
    if "," in text:
        raise ValueError("a tag has no comma")
    return text


def _each_once(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tags))


Tag = Annotated[str, AfterValidator(_one_line), AfterValidator(_no_comma), Len(1, LONGEST_TAG)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Notes:
    """What people write of a run: texts, never Markdown or HTML."""

    tags: Annotated[tuple[Tag, ...], AfterValidator(_each_once), Len(0, MOST_TAGS)] = ()
    note: Annotated[str, AfterValidator(_some_lines), Len(0, LONGEST_NOTE)] = field(default="")


_ADAPTER = TypeAdapter(Notes)


def read_notes(folder: Path) -> Notes:
    """The notes of a run; none where there are none that can be read."""
    try:
        return load_notes(folder / FILE)
    except (OSError, ValueError):
        return Notes()


def load_notes(path: Path) -> Notes:
    """The notes in a file; an OSError or a ValueError says what is wrong with it."""
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it has more than {LARGEST // 1000} kB")
    return _ADAPTER.validate_json(data)


def write_notes(name: str, tags: tuple[str, ...] | list[str], note: str) -> Notes:
    """Write the tags and the note of a run of the user's; a UserError says what is not allowed."""
    try:
        notes = Notes(tuple(tags), note)
    except ValidationError:
        raise UserError(
            f"a run has up to {MOST_TAGS} tags of up to {LONGEST_TAG} letters without a comma, and a note of up to "
            f"{LONGEST_NOTE:,} letters"
        ) from None
    with own_folder(name) as folder, replacing(folder / FILE) as partial:
        partial.write_bytes(_ADAPTER.dump_json(notes, indent=1))
    return notes
