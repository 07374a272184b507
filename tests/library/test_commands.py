"""`kernelviz compare`, `rename`, `delete`, `restore`, `export` and `import`."""

import json

import pytest

import kernelviz as package
from kernelviz.storage.store import run_names


def test_a_run_goes_out_and_comes_in_and_is_renamed_deleted_and_restored(kernelviz, add, autoencoder, tmp_path):
    add(autoencoder)
    out = tmp_path / "x.kernelviz"
    code, said, _ = kernelviz("export", "tiny", "--out", out)
    assert code == 0 and f"{out} has" in said and out.is_file()
    code, said, errors = kernelviz("import", out)
    assert (code, said) == (2, "") and "there is a run 'tiny' already; give another --name" in errors
    assert kernelviz("import", out, "--name", "second")[0] == 0
    code, said, _ = kernelviz("rename", "second", "third", "--json")
    assert json.loads(said)["run"] == "third" and run_names() == ["third", "tiny"]
    code, said, _ = kernelviz("delete", "third")
    assert code == 0 and "bring it back with `kernelviz restore third`" in said and run_names() == ["tiny"]
    assert "third" in kernelviz("restore")[1]
    assert kernelviz("restore", "third", "--name", "fourth")[0] == 0 and run_names() == ["fourth", "tiny"]
    kernelviz("delete", "fourth")
    assert "1 run was removed" in kernelviz("delete", "--empty-bin")[1]
    assert "The bin is empty" in kernelviz("restore")[1]


def test_runs_are_compared_in_a_table_that_fits_a_narrow_terminal(
    kernelviz, add, autoencoder, neighbourly, classifier, monkeypatch
):
    add(autoencoder), add(neighbourly), add(classifier)
    monkeypatch.setenv("COLUMNS", "80")
    code, said, _ = kernelviz("compare", "tiny", "near", "namer")
    assert code == 0 and max(map(len, said.splitlines())) <= 80
    assert "map_5nn" in said and " *" in said and "epochs" in said and "* the best value" in said
    facts = json.loads(kernelviz("compare", "tiny", "near", "--json")[1])
    assert facts["settings"]["epochs"] == [8, 12] and len(facts["runs"][1]["history"]) == 12


@pytest.mark.parametrize(
    "words, said",
    [
        (["compare", "tiny"], "two to 4 different runs can be compared, not tiny"),
        (["compare", "tiny", "tiny"], "two to 4 different runs"),
        (["compare", "tiny", "nosuch"], "no run 'nosuch'"),
        (["delete"], "give the name of a RUN, or --empty-bin alone"),
        (["delete", "tiny", "--empty-bin"], "give the name of a RUN, or --empty-bin alone"),
        (["restore", "tiny"], "no run 'tiny' in the bin; there is nothing"),
        (["import", "nosuch.kernelviz"], "there is no file nosuch.kernelviz"),
        (["export", "nosuch"], "no run 'nosuch'"),
    ],
)
def test_a_mistake_is_one_line(kernelviz, add, autoencoder, monkeypatch, tmp_path, words, said):
    add(autoencoder)
    monkeypatch.chdir(tmp_path)
    code, out, errors = kernelviz(*words)
    assert (code, out) == (2, "") and said in errors and errors.count("\n") == 1


def test_python_does_the_same(add, autoencoder, tmp_path):
    add(autoencoder)
    path = package.load("tiny").export(tmp_path / "mine")
    assert package.import_run(path, name="copy").name == "copy"
