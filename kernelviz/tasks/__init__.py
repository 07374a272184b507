"""What a network learns: a task for each kind of run, with its recipe, data, network, loss, and the run it leaves.

Each module of TASKS has a recipe, a task, and for a finished run `load_data(run, progress)` and
`evaluate(run, network, data)`.
"""

from types import ModuleType

from kernelviz.tasks import classifier, embedding, recommender

TASKS: dict[str, ModuleType] = {  # by the kind of a run
    "embedding": embedding,
    "classifier": classifier,
    "recommender": recommender,
}
