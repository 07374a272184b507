"""Text from outside: names that are no Unicode, and characters that do something where they are shown."""

from unicodedata import category

ACTING = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # Unicode categories: controls, formats, surrogates, line ends
JOINERS = "\u200c\u200d"  # of formats: those that languages and emoji need


def shown(text: str) -> str:
    """A name in which bytes and surrogates that are no text are written with backslashes."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def one_line(text: str, most: int = 600) -> str:
    """A text in one line, its middle left out where it is longer than `most` letters."""
    line = " ".join(part.strip() for part in text.splitlines() if part.strip())
    return line if len(line) <= most else f"{line[: most // 2]} … {line[-most // 2 :]}"


def visible(text: str) -> str:
    r"""A text for a terminal: what would move its cursor, colour it or turn its direction is written as \x1b, \u202e.

    Line breaks stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(one if one in "\n" + JOINERS or category(one) not in ACTING else _escaped(one) for one in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
