"""The widget of a notebook: what the page says to it, what it tells the page, and what it answers."""

import numpy as np
import pytest

import kernelviz
from kernelviz.errors import UserError
from kernelviz.ui.canvas.packing import masked


@pytest.fixture
def near(neighbourly, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_RUNS", str(neighbourly.folder.parent))
    return kernelviz.load("near")


def test_without_anywidget_the_command_is_named(near, monkeypatch):
    monkeypatch.setattr("kernelviz.api.loaded_map.importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'pip install "kernelviz\[notebook\]"'):
        near.widget()


def test_the_widget_selects_and_is_told_and_answers_for_its_own_run(near, monkeypatch):
    widget, sent = near.widget(), []
    monkeypatch.setattr(widget, "send", lambda message, buffers: sent.append((message, buffers[0])))
    widget.heard = {"selection": {"revision": 1, "rows": masked(np.array([2, 5]), 297)}}
    assert near.map.iloc[widget.selection][["split", "index"]].to_numpy().tolist() == [["test", 2], ["test", 5]]
    widget.heard = widget.heard | {"pinned": 3}
    assert widget.pinned == 1503
    widget.heard = widget.heard | {"pinned": 297}  # there is none
    assert widget.pinned is None
    before = widget.told
    widget.heard = {"selection": {"revision": 1, "rows": masked(np.array([7]), 297)}}  # an old one
    assert widget.selection == [1502, 1505] and widget.told is before
    widget.selection, widget.colour = [1500, 0], "prediction"
    assert widget.told["selection"] == {"revision": 2, "rows": masked(np.array([0]), 297)}
    assert widget.told["colouring"] == "prediction" and widget.selection == [0, 1500]
    for wrong in ({"colour": "price"}, {"selection": [1797]}):
        with pytest.raises(UserError):
            widget.set_trait(*wrong.popitem())
    base = widget.told["maps"][0]["base"]
    asked = [f"{base}/points/test", f"{base}/decode?x=0&y=1", f"{base}/nothing", base.replace("/near/", "/other/")]
    for address in asked:
        widget._answer(widget, {"ask": "1", "address": address}, [])
    assert [message["status"] for message, _ in sent] == [200, 200, 404, 404]
    assert sent[0][1][4:5] == b"{" and sent[1][1].startswith(b"\x89PNG")
    probed = near.widget(probe=True)
    probed.heard = {"probe": {"x": 1, "y": -1, "width": 0.3, "amplitude": 1}}
    assert probed.probe == (1, -1, 0.3, 1) and widget.probe is None
