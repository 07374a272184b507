"""The page Runs: a run comes in, is renamed, deleted, restored, and goes out again."""

import base64
import re
import shutil

import pytest

from kernelviz.library.bin import empty_bin
from kernelviz.library.handing_on import export_run

DROP = """([zone, name, data]) => {
    const file = new File([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))], name)
    const transfer = new DataTransfer()
    transfer.items.add(file)
    for (const kind of ['dragenter', 'dragover', 'drop']) {
        zone.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }))
    }
}"""


@pytest.fixture
def swept(library, monkeypatch):
    """What the test leaves among the runs of all tests is removed."""
    yield
    monkeypatch.setenv("KERNELVIZ_RUNS", str(library))
    empty_bin()
    for name in ("tiny-2", "carried"):
        shutil.rmtree(library / name, ignore_errors=True)


@pytest.mark.slow
def test_a_run_is_dropped_renamed_deleted_restored_and_exported(visit, settle, library, autoencoder, swept, tmp_path):
    path = export_run(autoencoder, tmp_path / "tiny")
    page = visit("runs")
    zone = page.get_by_test_id("stFileUploaderDropzone").element_handle()
    page.evaluate(DROP, [zone, path.name, base64.b64encode(path.read_bytes()).decode()])
    page.get_by_text("tiny is here as tiny-2.").wait_for()
    settle(page)
    page.get_by_label("Name", exact=True).fill("carried")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("tiny-2 is carried now.").wait_for()
    assert (library / "carried" / "run.json").is_file() and not (library / "tiny-2").exists()
    settle(page)
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("carried is in the bin.").wait_for()
    assert not (library / "carried").exists()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("carried is back.").wait_for()
    settle(page)
    with page.expect_download() as started:
        page.get_by_role("link", name=re.compile("Export")).click()
    assert started.value.suggested_filename == "carried.kernelviz"
