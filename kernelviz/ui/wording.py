"""Names that other people chose, on their way into a page."""


def plain(name: str) -> str:
    """A file's or class's name as text: no Markdown, no HTML, not too long."""
    kept = "".join(letter if letter.isalnum() or letter in " .-_()" else "·" for letter in name)
    return kept if len(kept) <= 40 else f"{kept[:25]}…{kept[-12:]}"


def class_names(classes: tuple[str, ...]) -> list[str]:
    """What to call each class; the last, which -1 finds, is "none"."""
    return [*map(plain, classes), "–"]
