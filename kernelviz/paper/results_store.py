"""The measured rows of those figures and tables of the paper that do not come from runs."""

from kernelviz.evaluation.measured_rows import measured_rows
from kernelviz.evaluation.quality import RECOMMENDER_METRICS

FIGURE3_FILE, TABLE1_FILE, TABLE3_FILE = "figure3.json", "table1.json", "table3.json"


def measured_figure3() -> list[dict]:
    """What `kernelviz reproduce figure3` measured: a row for each kernel, dimension and seed."""
    columns = ("kernel", "dim", "seed", "rate", "l2", "validation_accuracy", "test_accuracy")
    return measured_rows(FIGURE3_FILE, columns)


def measured_table1() -> list[dict]:
    """What `kernelviz reproduce table1` measured: a row for each network."""
    return measured_rows(TABLE1_FILE, ("recipe", "noise", "seed", "test_accuracy", "shifted_accuracy"))


def measured_table3() -> list[dict]:
    """What `kernelviz reproduce table3` measured: a row for each recommender and split."""
    return measured_rows(TABLE3_FILE, ("recipe", "seed", *RECOMMENDER_METRICS, "seconds"))
