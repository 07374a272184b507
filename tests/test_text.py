"""Names from outside are text wherever they are shown: on a terminal, in Markdown, in tables."""

import json
import os
import re

import pytest
from corpus import GOOD, NASTY

from kernelviz.cli import output
from kernelviz.text import shown, visible
from kernelviz.ui.shared.labels import MARKDOWN, as_text, message, plain

ACTING = "\x00\x07\x08\x1b\x7f\x9b\u202e\u2066\u2028\ufeff\ue000"


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY)
def test_a_name_does_nothing_where_it_is_shown(name, capsys):
    assert not set(visible(name)) & set(ACTING) and visible("数字 é 🦊 a\u200db.png") == "数字 é 🦊 a\u200db.png"
    for text in (as_text(name), plain(name)):
        assert not set(text) & set(ACTING) and "\n" not in text
        assert not MARKDOWN.search(MARKDOWN.sub("", text).replace("\\", "")) and len(text) < 400
    output.print_table((name, "x"), [(name, 1.0)], name)
    output.say(name)
    output.failed(name, 2)
    said = "".join(capsys.readouterr())
    assert not set(said) & set(ACTING)


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY)
def test_a_name_without_bytes_that_are_no_text_is_kept(name):
    assert shown(name).encode() is not None and (shown(name) == name or not name.isascii())


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
@pytest.mark.parametrize("ending", ["csv", "parquet", "json", "npz", None])
def test_files_of_any_name_are_embedded_or_refused_by_name(ending, autoencoder, kernelviz, tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_RUNS", str(autoencoder.folder.parent))
    folder = os.fsencode(tmp_path / "pictures")
    os.mkdir(folder)
    for name in (b"\xff.png", b"=cmd|' C calc'!A0.png", b"\x1b[31m.png", "\u202egnp.png".encode()):
        with open(folder + b"/" + name, "wb") as file:
            file.write(GOOD)
    with open(folder + b"/\x1b\xfe.png", "wb") as file:
        file.write(b"no picture")
    out = ["--out", tmp_path / f"table.{ending}"] if ending else ["--json"]
    code, told, said = kernelviz("embed", "tiny", tmp_path / "pictures", *out)
    assert code == 0 and "\\x1b\\xfe.png: the file is not a picture" in said and "\x1b" not in said
    if not ending:
        assert [one["name"].rsplit("/")[-1] for one in json.loads(told)["images"]][-1] == "\\xff.png"


def test_json_has_no_numbers_that_json_has_not(capsys):
    output.print_json({"a": [float("nan"), (float("inf"), 1.5)], "b": {"c": -float("inf")}})
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found == {"a": [None, [None, 1.5]], "b": {"c": None}}


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY)
def test_an_error_with_a_name_in_it_is_no_link_or_picture(name):
    said = message(f"no {name}; train one with `kernelviz map`")
    assert "`kernelviz map`" in said or len(name) > 600
    assert not re.search(r"(?<!\\)(\\\\)*[\[<$]|://|:material/", said) and not set(said) & set(ACTING)
