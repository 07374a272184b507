"""What the values of the ONNX files are, and the README.md beside them, whose Python runs as it is."""

from collections.abc import Mapping, Sequence
from typing import Any

MEANING = {  # of every input and output
    "images": "pixels from 0 to 255, preprocessed as below",
    "vectors": "as in the data that the map was made of",
    "coordinates": "(x, y) on the map, in the units of the grid; NaN where the clip leaves nothing",
    "activation": "the bump on the grid, row by row from the lowest y, each from the lowest x",
    "probabilities": "of the classes, in the order of the metadata",
    "decoded": "what the decoder makes, in the form of the data",
    "pixels": "the decoded image before it is rounded, from 0 to 1",
}

TEXT = """# {run}

A map of {takes} by kernelviz {kernelviz} as ONNX files, trained on {data}. The number of rows, n, is free.

{tables}

The grid has {rows} x {columns} units; its longer side goes from {low:g} to {high:g}. The metadata of every file hold
the grid, the classes and the preprocessing as JSON: `session.get_modelmeta().custom_metadata_map`.

```python
{code}
```
"""

PICTURE = """import numpy as np
import onnxruntime
from PIL import Image{more}

image = Image.open("picture.png").convert("{mode}")
{preprocessed}
images = np.asarray(image)[None]"""
PREPROCESSED = {
    "resize": ("", "image = image.resize(({width}, {height}), Image.Resampling.LANCZOS)"),
    "crop": (", ImageOps", "image = ImageOps.fit(image, ({width}, {height}), Image.Resampling.LANCZOS)"),
    "digit": (
        "\n\nfrom kernelviz.ingest.preprocessing import Preprocess, preprocess_image",
        "# the ink is found, made bright on black, scaled to {box} x {box} pixels, its center put in the middle\n"
        'image = preprocess_image(image, Preprocess("digit", {height}, {width}, 1, {box}))',
    ),
}
VECTORS = """import numpy as np
import onnxruntime

vectors = np.zeros((1, {width}), np.float32)"""
EMBED = """
embed = onnxruntime.InferenceSession("embed.onnx")
coordinates, activation = embed.run(["coordinates", "activation"], {{"{takes}": {takes}}})
print(coordinates[0])"""
DECODE = """
decode = onnxruntime.InferenceSession("decode.onnx")
(decoded,) = decode.run(["decoded"], {"coordinates": coordinates})"""
SAVE = '\nImage.fromarray(decoded[0]).save("decoded.png")'


def readme(facts: Mapping[str, Any], files: Mapping[str, Sequence[tuple[str, str, str]]]) -> str:
    """The text of the README.md.

    Args:
        facts: the metadata of the files (`onnx.facts_of`).
        files: by the name of a file, "takes" or "gives", name and type of each of its values.
    """
    tables = [
        "\n".join([f"| `{file}` | | | |", "|---|---|---|---|", *map(_row, values)]) for file, values in files.items()
    ]
    grid = facts["grid"]
    return TEXT.format(
        **{name: facts[name] for name in ("run", "takes", "kernelviz", "data")},
        tables="\n\n".join(tables),
        rows=grid["rows"],
        columns=grid["columns"],
        low=-grid["extent"],
        high=grid["extent"],
        code=_code(facts, "decode.onnx" in files),
    )


def _row(value: tuple[str, str, str]) -> str:
    way, name, form = value
    return f"| {way} | `{name}` | {form} | {MEANING[name]} |"


def _code(facts: Mapping[str, Any], decodes: bool) -> str:
    shape = dict(zip(("channels", "height", "width"), facts["shape"], strict=True))
    if not facts["preprocess"]:
        return VECTORS.format(**shape) + EMBED.format(**facts) + (DECODE if decodes else "")
    more, preprocessed = PREPROCESSED.get(facts["preprocess"]["name"], ("", ""))
    mode = "L" if shape["channels"] == 1 else "RGB"
    code = PICTURE.format(more=more, mode=mode, preprocessed=preprocessed.format(**facts["preprocess"]))
    return code + EMBED.format(**facts) + (DECODE + SAVE if decodes else "")
