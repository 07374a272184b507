"""The page without a server: its scripts held against Python, what is in its document, and what cannot come into it."""

import base64
import hashlib
import json
import re
import shutil
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter

from kernelviz.errors import UserError
from kernelviz.evaluation.inference import embed
from kernelviz.evaluation.novelty import GRADES, project
from kernelviz.evaluation.pixel_statistics import pixel_statistics
from kernelviz.ingest.preprocessing import Preprocess, alternatives, preprocess_image
from kernelviz.networks import EmbeddingNetwork
from kernelviz.storage.calibration import load_calibration
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.item_table import NAME, PATH, save_item_table
from kernelviz.storage.record import read_run
from kernelviz.storage.weights import load_network
from kernelviz.ui.canvas.packing import pack
from kernelviz.ui.standalone import page
from kernelviz.ui.standalone.bundle import FOLDER, bundle
from kernelviz.ui.standalone.document import document
from kernelviz.ui.standalone.network import calibration_payload, encoder_payload

NASTY = "</script><img src=x onerror=alert(1)>"
MNIST = Preprocess("digit", 28, 28, 1, 20)


def sketched(size, ink, paper, pen, shift=(0, 0)):
    """A 2 on paper."""
    image, (width, height) = Image.new("L", size, paper), size
    points = [(0.3, 0.35), (0.4, 0.2), (0.6, 0.2), (0.68, 0.35), (0.35, 0.75), (0.7, 0.78)]
    line = [(shift[0] + x * width, shift[1] + y * height) for x, y in points]
    ImageDraw.Draw(image).line(line, ink, pen, joint="curve")
    return image.filter(ImageFilter.GaussianBlur(1))


def shaded(image, rng, slope=60, noise=6):
    """The picture in a light that falls off to one side, with the noise of a camera."""
    light = np.linspace(0, -slope, image.width)[None] + rng.normal(0, noise, (image.height, image.width))
    return Image.fromarray((np.asarray(image, float) + light).clip(0, 255).astype(np.uint8))


def pictures():
    rng = np.random.default_rng(0)
    desk = Image.new("L", (420, 360), 40)
    desk.paste(sketched((260, 220), 60, 225, 12), (80, 70))
    crossed = sketched((300, 300), 20, 240, 20)
    ImageDraw.Draw(crossed).line([(0, 150), (300, 280)], 20, 5)
    yield "dark on white", sketched((280, 280), 17, 255, 18)
    yield "bright on black", sketched((200, 260), 250, 5, 22)
    yield "a photograph", shaded(sketched((640, 480), 70, 200, 26), rng)
    yield "a thin pen", shaded(sketched((500, 500), 60, 230, 4), rng, 20, 2)
    yield "a sheet on a desk", shaded(desk, rng, 10, 3)
    yield "a line across", crossed
    yield "small", sketched((13, 21), 10, 240, 2)
    yield "like MNIST", Image.fromarray(preprocess_image(sketched((100, 100), 0, 255, 9), MNIST))
    yield "noise", Image.fromarray(rng.integers(0, 256, (60, 80), dtype=np.uint8))
    yield "blank", Image.new("L", (50, 40), 180)


def test_pictures_become_what_python_makes_of_them(script):
    named = dict(pictures())
    rng = np.random.default_rng(1)
    named["colours"] = Image.fromarray(rng.integers(0, 256, (37, 53, 3), dtype=np.uint8))
    modes = [*alternatives(MNIST).values(), Preprocess("crop", 16, 24, 3), Preprocess("resize", 60, 50, 3)]
    arrays = {name: np.asarray(image.convert("RGB")) for name, image in named.items()}
    out = script(
        """const made = {}
        for (const [name, [height, width]] of Object.entries(facts.sizes)) {
            const picture = { width, height, channels: 3, data: arrays[name] }
            made[name] = facts.modes.map((mode) => [...preprocessing.preprocessed(picture, mode)])
        }
        return made""",
        pack(arrays, sizes={name: image.shape[:2] for name, image in arrays.items()}, modes=[*map(asdict, modes)]),
        "preprocessing",
        FOLDER,
    )
    for name, image in named.items():
        for mode, ours in zip(modes, out[name], strict=True):
            wanted = preprocess_image(image, mode).astype(int)
            difference = np.abs(np.array(ours).reshape(wanted.shape) - wanted)
            # Pillow resizes some pictures first along the other side, and rounds between
            most = 1 if mode.name == "digit" else 16
            assert difference.max() <= most and difference.mean() < 0.5, (name, mode.name, difference.max())


FRONTS = {"dense": {}, "convolutions": {"convolutions": (8, 12)}, "gradients": {"gradients": True}}


@pytest.mark.parametrize("front", FRONTS)
def test_the_page_encodes_what_torch_encodes(front, script):
    network = EmbeddingNetwork(
        (1, 9, 14), (200, 140), (20,), (20, 16), classes=3, canonical=0.4, unit_features=True, **FRONTS[front]
    )
    for layer in network.encoder:
        if isinstance(layer, torch.nn.BatchNorm1d):
            layer.running_mean.normal_(), layer.running_var.uniform_(0.5, 2)
    network.eval().requires_grad_(False)
    for layer in network.modules():
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d):
            layer.weight.copy_(layer.weight.half())  # as runs store it, and the page has it
    images = np.random.default_rng(0).integers(0, 256, (30, 9, 14), dtype=np.uint8)
    wanted = embed(network, images)
    out = script(
        """const made = new encoder.Encoder({ facts, arrays })
        return facts.images.map((pixels) => {
            const { coordinates, activation, code, logits, direction } = made.encode(Float32Array.from(pixels))
            return { coordinates, activation: [...activation], code: [...code], direction: [...direction],
                probabilities: encoder.softmax(logits), energy: encoder.energyOf(logits) }
        })""",
        _with(encoder_payload(network), images=(images / 255).reshape(30, -1).tolist()),
        "encoder",
        FOLDER,
    )
    code = network.code(torch.from_numpy(wanted.activation))
    for name, values in {**vars(wanted), "code": code.numpy()}.items():
        if name == "clarity":  # the page does not say how certain a position is
            continue
        ours = np.array([one[name] for one in out])
        np.testing.assert_allclose(ours, values, atol=5e-4 * np.abs(values).max(), err_msg=name)


def test_novelty_is_that_of_python(script, neighbourly, digits):
    network, points = load_network(neighbourly), load_map(neighbourly.folder)
    calibration = load_calibration(neighbourly.folder)
    images = np.concatenate([digits.test_images[:40], np.random.default_rng(0).integers(0, 256, (10, 8, 8), np.uint8)])
    wanted = project(network, points, images, calibration)
    embedded = wanted.embedded
    out = script(
        """const judge = new novelty.Novelty({ facts, arrays })
        return facts.images.map((image, i) => {
            const numbers = statistics.pixelStatistics(Uint8Array.from(image), 8, 8, 1)
            const measured = { features: facts.direction[i], pixels: [...numbers] }
            const signals = { map: facts.map[i], decoded: facts.decoded[i] }
            for (const name of Object.keys(measured))
                if (judge.measures(name)) signals[name] = judge.distance(name, measured[name])
            return { ...judge.judge(signals), numbers: measured.pixels }
        })""",
        _with(
            calibration_payload(calibration),
            images=images.reshape(50, -1).tolist(),
            direction=embedded.direction.tolist(),
            map=wanted.distance.tolist(),
            decoded=wanted.error.tolist(),
        ),
        "novelty statistics",
        FOLDER,
    )
    np.testing.assert_allclose([one["numbers"] for one in out], pixel_statistics(images), atol=1e-3)
    assert [one["grade"] for one in out] == [GRADES[grade] for grade in wanted.grade]
    assert [one["reasons"] for one in out] == [wanted.reasons(at) for at in range(50)]
    names = {"position on the map": "map", "features": "features", "reconstruction": "decoded", "pixels": "pixels"}
    for at, one in enumerate(out):
        for name, percentile in one["signals"]:
            assert percentile == pytest.approx(wanted.percentiles[names[name]][at], abs=0.1)


def _with(packed, **facts):
    """The packed arrays with more facts in their header."""

    length = int.from_bytes(packed[:4], "little")
    header = json.dumps(json.loads(packed[4 : 4 + length]) | facts).encode()
    return len(header).to_bytes(4, "little") + header + packed[4 + length :]


def test_the_scripts_become_one_that_the_policy_allows(autoencoder):
    html = page(autoencoder, pictures=False)
    script, css = (
        html.rpartition("<script>")[2].partition("</script>")[0],
        re.findall("<style>(.*?)</style>", html, re.S),
    )
    (policy,) = re.findall('Content-Security-Policy" content="([^"]*)"', html)
    assert script == bundle() and policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    for part in (script, *css):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'" in policy
    assert not re.search(
        r"""(?:src|href)=["'](?!data:)|https?://(?!page|www\.w3\.org/2000/svg)""", html.partition("<script")[0]
    )
    assert not re.search(r"^(import|export)\b|\beval\(|new Function\(", script, re.M)


def test_nothing_from_outside_ends_an_element(classifier):
    nasty = "</script><script>alert(1)</script><!-- \"' &amp; \u2028"
    html = document(nasty, {"run": nasty, "told": {nasty: [nasty]}}, {nasty: b"x"})
    assert "<script>alert" not in html and html.count("</script>") == 3 and html.count("<!--") == 0
    assert 'data-name="&lt;/script&gt;' in html


def test_only_maps_become_pages(recommender):
    with pytest.raises(UserError, match="recommender"):
        page(recommender, pictures=False)


@pytest.fixture
def nasty(neighbourly, tmp_path):
    """A run with a table and small pictures of its own, in which names are markup."""
    folder = tmp_path / "runs" / "nasty"
    shutil.copytree(neighbourly.folder, folder)
    record = json.loads((folder / "run.json").read_text())
    record["data"]["classes"][0] = NASTY
    (folder / "run.json").write_text(json.dumps(record))
    n = len(load_map(folder))
    rows = pd.DataFrame(
        {NAME: [f"{NASTY} {at}" for at in range(n)], PATH: "", f"{NASTY} a": [NASTY, "b"] * (n // 2) + ["b"] * (n % 2)}
    )
    save_item_table(folder, rows)
    return read_run(folder)


def test_names_come_as_text_and_without_pictures_not_at_all(nasty):
    for pictures in (False, True):
        made = page(nasty, pictures)
        assert "<img" not in made and made.count("</script>") == made.count("<script")
        assert ('data-name="items/test' in made) == pictures
    facts = json.loads(re.search('id="facts">(.*?)</script>', made)[1])
    assert facts["fields"]["test"][-1]["name"] == f"{NASTY} a"
