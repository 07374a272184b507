"""Runs as ONNX files, held against torch."""

import json
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from kernelviz.errors import UserError
from kernelviz.evaluation.inference import decode_probes, embed
from kernelviz.export import onnx as exporting
from kernelviz.export import write
from kernelviz.layers.probe import Probe
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network

runtime = pytest.importorskip("onnxruntime")


def session(path):
    return runtime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def near(neighbourly, tmp_path_factory):
    """The folder of the run "near", with its small matrices in float16 too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporting, "HALVED", 500)
        return write(neighbourly, "onnx", tmp_path_factory.mktemp("onnx") / "near")


def test_images_have_the_coordinates_that_torch_gives_them(near, neighbourly, digits):
    images = np.concatenate([digits.test_images[:70], np.zeros((1, 8, 8), np.uint8)])
    wanted = embed(load_network(neighbourly), images)
    file = session(near / "embed.onnx")
    for part in (slice(0, 1), slice(0, 71)):
        coordinates, activation = file.run(None, {"images": images[part]})
        np.testing.assert_allclose(coordinates, wanted.coordinates[part], atol=1e-4)
        np.testing.assert_allclose(activation, wanted.activation[part], atol=1e-4)
