"""A model folder for the Hugging Face Hub; nothing is uploaded. `kernelviz import FOLDER` brings the run in again.

README.md           the card: what it is, its metrics, what it was trained on, its limits, how to load it
config.json         the record of the run, without the paths of this machine
model.safetensors   the weights
...                 of the other files of a `.kernelviz` file those that the run has
"""

import json
import re
import zipfile
from pathlib import Path

from kernelviz.disk import replacing, scratch
from kernelviz.evaluation.quality import MEANING, NAMES
from kernelviz.library import notes
from kernelviz.library.handing_on import export_run
from kernelviz.library.portable import MANIFEST, ON_THE_HUB, without_paths
from kernelviz.storage.record import EmbeddingRun, Run
from kernelviz.storage.store import of_kind

TAGS = {"embedding": ["embeddings", "visualization"], "recommender": ["recommendation"]}
USES = {
    "classifier": "network = run.network  # a torch module in evaluation mode",
    "recommender": "print(run.recommend({int(run.items.item[0]): 5.0}).head())  # ratings of one person, by item",
}
LIMITS = {
    "classifier": "It names one of its classes for any image, whatever is on it.",
    "recommender": "It knows the items of its ratings and no others.",
}
PIPELINES = {"embedding": "image-feature-extraction", "classifier": "image-classification"}
HERE = {"seconds_per_10000", "parameters", "macs"}  # metrics that say nothing of the quality
SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&])")
CARD = """---
{front}
---

# {name}

{what}

`pip install kernelviz` brings what opens it:

```bash
hf download USER/{name} --local-dir {name}
kernelviz import {name}
kernelviz app --run {name}
```

```python
import kernelviz

run = kernelviz.load("{name}")  # after the import
{use}
```

## Metrics

{metrics}

## Data

{data}

## Limits

{limits}

## Files

`model.safetensors` has the weights, `config.json` the record of the training: network, data, recipe, seed, history,
metrics and versions. Nothing in this folder is a pickle.
"""


def write(run: Run, path: Path, pictures: bool) -> Path:
    """Write the folder; with `pictures` the small pictures and the table of the user's own data are in it.

    Notes on the run are not.
    """
    path.mkdir(parents=True, exist_ok=True)
    with (
        scratch() as folder,
        zipfile.ZipFile(export_run(run, folder / "run", pictures)) as file,
    ):
        for name in set(file.namelist()) - {MANIFEST, notes.FILE}:
            with replacing(path / ON_THE_HUB.get(name, name)) as partial:
                partial.write_bytes(file.read(name))
    with replacing(path / "README.md") as partial:
        partial.write_text(card(without_paths(run)), encoding="utf-8")
    return path


def card(run: Run) -> str:
    """The card of a run; every text in it that is somebody's is escaped."""
    data, metrics = str(run.data["name"]), _metrics(run)
    classes = [str(name) for name in getattr(run, "classes", ())]
    return CARD.format(
        front="\n".join(f"{key}: {json.dumps(value)}" for key, value in _front(run, data, metrics).items()),
        name=run.name,
        what=_what(run),
        use=_use(run),
        metrics=_metrics_table(metrics),
        data=_data(run, data, classes),
        limits=_limits(run, bool(classes)),
    )


def escaped(text: object) -> str:
    """A text on one line that Markdown shows as it is."""
    return SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def _front(run: Run, data: str, metrics: list[tuple[str, float]]) -> dict:
    """The YAML at the beginning of the card; each value is JSON, which is YAML too."""
    task = PIPELINES.get(run.kind, "tabular-regression")
    results = [{"type": name, "name": NAMES.get(name, name), "value": value} for name, value in metrics]
    entry = {
        "task": {"type": task},
        "dataset": {"name": data, "type": re.sub(r"\W+", "-", data) or "data"},
        "metrics": results,
    }
    front = {"library_name": "kernelviz", "tags": ["kernelviz", *TAGS.get(run.kind, [])]}
    front |= {"pipeline_tag": task} if run.kind in PIPELINES else {}
    return front | ({"model-index": [{"name": run.name, "results": [entry]}]} if metrics else {})


def _metrics(run: Run) -> list[tuple[str, float]]:
    """Name and value of each metric that is known."""
    known = [(name, run.metrics[name]) for name in run.metrics if name in MEANING and name not in HERE]
    return [(name, round(float(value), 6)) for name, value in known if isinstance(value, int | float)]


def _metrics_table(metrics: list[tuple[str, float]]) -> str:
    rows = [f"| {NAMES.get(name, name)} | {value:.4g} | {MEANING[name]} |" for name, value in metrics]
    return "\n".join(["| metric | value | meaning |", "|---|---|---|", *rows]) if rows else "None was measured."


def _what(run: Run) -> str:
    if not (maps := of_kind([run], EmbeddingRun)):
        return f"A {run.kind} of kernelviz, trained to {' and '.join(map(escaped, run.aims)) or 'classify images'}."
    back = " and its decoder turns any point of the map back into one" if maps[0].has_decoder else ""
    unit = maps[0].unit.removesuffix("s")
    return f"A network with a 2-D kernel layer in its middle: it turns any {unit} into a point of a map{back}."


def _use(run: Run) -> str:
    if not (maps := of_kind([run], EmbeddingRun)):
        return USES[run.kind]
    given = "vectors" if maps[0].is_of_vectors else '["picture.png"]'
    lines = [f"found = run.embed({given})", "print(found.coordinates, found.prediction, found.novelty)"]
    return "\n".join([*lines, *(["decoded = run.decode(found.coordinates)"] if maps[0].has_decoder else [])])


def _data(run: Run, data: str, classes: list[str]) -> str:
    lines = [f"- trained on: {escaped(data)}"]
    lines += (
        [f"- classes: {', '.join(map(escaped, classes[:50]))}{' ...' if len(classes) > 50 else ''}"] if classes else []
    )
    if preprocess := getattr(run, "preprocess", None):
        lines.append(f"- images: {preprocess.height} × {preprocess.width} pixels, {preprocess.channels} channel(s)")
    lines.append(
        f"- training: {run.recipe['epochs']} epochs, seed {run.seed}, `{_code(run.made_by.get('command', ''))}`"
    )
    return "\n".join(lines)


def _code(text: str) -> str:
    return " ".join(text.replace("`", "'").split()) or "kernelviz"


def _limits(run: Run, labelled: bool) -> str:
    lines = ["The metrics are those of the test part of its data, of one training with one seed."]
    if run.kind in LIMITS:
        lines.append(LIMITS[run.kind])
    else:
        lines += [
            "It knows images like those that it was trained on. What is unlike them lies somewhere on the map all the "
            "same, and `novelty` says so.",
            "A map in two dimensions cannot keep all neighbourhoods: distances between far points mean little.",
        ]
        if not labelled:
            lines.append("It was trained without labels: what lies together is alike to the network, and no more.")
    return "\n".join(f"- {line}" for line in lines)
