"""Names as the pages show them: file and class names as plain text, objectives in words."""

import re
from collections.abc import Iterable
from numbers import Real

from kernelviz.text import visible

MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")

AIMS = {
    "reconstruct": "reconstruct",
    "classify": "classify",
    "neighbours": "keep neighbours together",
    "supervised_neighbours": "keep classes together",
    "round_trip": "recognise what it decodes",
}


def aims(objectives: Iterable[str]) -> str:
    """What a network was trained to do, in words; an objective that has no words here appears by its name."""
    *first, last = [AIMS.get(name, plain(name)) for name in objectives] or ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last


def plain(name: str) -> str:
    """The name of a file or class as text: no Markdown, no HTML, at most 40 letters."""
    text = "".join(letter if letter.isalnum() or letter in " .-_()'" else "·" for letter in name)
    return shortened(text, 40)


def as_text(name: str, most: int = 120) -> str:
    """A name for texts in Markdown, in which nothing of it has a meaning; its last `most` letters if it is longer."""
    text = " ".join(visible(name).split())
    text = text if len(text) <= most else f"…{text[-most:]}"
    return MARKDOWN.sub(r"\\\1", text).replace(":", ":\u2060")  # a word joiner: no icon, emoji or colour either


def message(text: str, most: int = 600) -> str:
    """A sentence with names from outside for Markdown: code stays code, but nothing is a link, picture or formula."""
    text = shortened(" ".join(visible(text).split()), most)
    return re.sub(r"([\\\[\]<$])", r"\\\1", text).replace("://", ":\u2060//").replace(":material/", ":\u2060material/")


def shortened(text: str, most: int = 80) -> str:
    """A text with its middle left out where it is longer than `most` letters."""
    return text if len(text) <= most else f"{text[: most - 15]}…{text[-12:]}"


def percent(share: Real, digits: int = 0) -> str:
    """A share of 1 in percent."""
    return f"{100 * share:.{digits}f} %"


def class_names(classes: tuple[str, ...]) -> list[str]:
    """The name of each class as text, and last, for the index -1, a dash for "no class"."""
    return [*map(plain, classes), "–"]


GRADES = {  # how a picture compares with the training images (`evaluation.novelty.GRADES`): a sign, and the words
    "usual": ("●", "Like the training images"),
    "unusual": ("▲", "Unusual"),
    "novel": ("◆", "Unlike the training images"),
    "blank": ("○", "Nothing found in it"),
}


def grade_words(grade: str, digits: bool = False) -> str:
    """How a picture compares with the training images, in words; `digits`: the network looks for a digit in it."""
    return "No digit found" if digits and grade == "blank" else GRADES[grade][1]


def verdict(grade: str, prediction: str | None, confidence: float | None) -> str:
    """What a network says of a picture, no more than its grade allows; empty where it says nothing."""
    if grade == "blank" or not prediction:
        return ""
    if grade == "novel":
        return f"the nearest class would be {prediction}"
    sure = "" if confidence is None or confidence != confidence else f", {percent(confidence)}"
    return f"predicted as {prediction}{sure}"
