"""What the page says, checked: all of it is the browser's word."""

from kernelviz.ui.canvas.messages import ChosenUpload, Heard, ProbeStanding
from kernelviz.ui.canvas.packing import unmasked
from kernelviz.ui.shared.selection import Selection

MOST_REVISIONS = 2**31
LONGEST = 4000  # letters of a text that the page says
NONSENSE = (KeyError, TypeError, ValueError, OverflowError)


def checked(said: dict, n: int, reach: float) -> Heard:
    """What the page has said of a split of n rows and a probe that reaches so far; nonsense counts as nothing."""
    return Heard(
        selection=_checked_selection(said.get("selection"), n),
        pinned=_checked_row(said.get("pinned"), n),
        probe=_checked_probe(said.get("probe"), reach),
        path=_checked_text(said.get("path")),
        chosen=_checked_choice(said.get("chosen")),
        projected=_checked_text(said.get("projected")),
        failed=_checked_text(said.get("failed")) or None,
    )


def _checked_selection(said: object, n: int) -> Selection | None:
    try:
        rows = unmasked(said["rows"], n)
        return None if rows is None else Selection(_checked_revision(said), rows)
    except NONSENSE:
        return None


def _checked_row(said: object, n: int) -> int | None:
    return said if isinstance(said, int) and 0 <= said < n else None


def _checked_choice(said: object) -> ChosenUpload | None:
    try:
        return ChosenUpload(_checked_revision(said), int(said["number"]))
    except NONSENSE:
        return None


def _checked_revision(said: object) -> int:
    """A number of a change; one that is out of reach would let no other one come after it."""
    revision = int(said["revision"])
    if not 0 < revision < MOST_REVISIONS:
        raise ValueError(f"a revision is a number from 1 to {MOST_REVISIONS}, not {revision}")
    return revision


def _checked_probe(said: object, reach: float) -> ProbeStanding | None:
    names = {"x": reach, "y": reach, "width": 1e6, "amplitude": 1e6}
    try:
        probe = {name: float(said[name]) for name in names}
    except NONSENSE:
        return None
    fits = all(abs(probe[name]) <= most for name, most in names.items()) and min(probe["width"], probe["amplitude"]) > 0
    return ProbeStanding(**probe) if fits else None


def _checked_text(said: object) -> str | None:
    return said[:LONGEST] if isinstance(said, str) else None
