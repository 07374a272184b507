"""Names on their way into a page: those that other people chose, and ours in plain words."""

from collections.abc import Iterable

AIMS = {
    "reconstruct": "reconstruct",
    "classify": "classify",
    "neighbours": "keep neighbours together",
    "supervised_neighbours": "keep classes together",
    "round_trip": "recognise what it decodes",
}


def aims(objectives: Iterable[str]) -> str:
    """What a network was trained to do; an objective that is not known here, by its own name."""
    *first, last = [AIMS.get(name, plain(name)) for name in objectives] or ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last


def plain(name: str) -> str:
    """A file's or class's name as text: no Markdown, no HTML, not too long."""
    kept = "".join(letter if letter.isalnum() or letter in " .-_()'" else "·" for letter in name)
    return kept if len(kept) <= 40 else f"{kept[:25]}…{kept[-12:]}"


def class_names(classes: tuple[str, ...]) -> list[str]:
    """What to call each class; the last, which -1 finds, is "none"."""
    return [*map(plain, classes), "–"]
