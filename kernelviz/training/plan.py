"""What a folder is being trained to: training.json, so that `kernelviz resume NAME` needs nothing but the name."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticSerializationError, to_json

from kernelviz.disk import replacing
from kernelviz.errors import UserError
from kernelviz.text import one_line

FILE = "training.json"
LARGEST_SEED = 2**63 - 1  # that torch's generators take


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Plan:
    """A training that is to be done, or goes on.

    Args:
        kind: of the run that it becomes; `tasks.recipes.recipe_of` makes the recipe of it.
        recipe, seed: as of `train_run`.
        command: what the user typed, or would have to type.
        minutes: budget of a search for good settings around the recipe, before the training; None: no search.
    """

    kind: str
    recipe: dict[str, Any]
    seed: Annotated[int, Ge(0), Le(LARGEST_SEED)]
    command: str
    minutes: Annotated[float, Gt(0)] | None = None

    def save(self, folder: Path) -> None:
        """Write training.json; a UserError where a name in it is no text."""
        try:
            facts = to_json(asdict(self), indent=1)
        except PydanticSerializationError:  # of a path
            raise UserError("the name of the data or of another file is no text in UTF-8; rename it") from None
        with replacing(folder / FILE) as partial:
            partial.write_bytes(facts)


def load_plan(folder: Path) -> Plan:
    """The plan in a folder; a UserError says what is wrong with it."""
    path = folder / FILE
    try:
        return TypeAdapter(Plan).validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"nothing is being trained in {folder}; start a training with `kernelviz map`") from None
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
    except OSError as error:
        reason = str(error)
    raise UserError(one_line(f"{path} does not say what to train ({reason}); delete the folder and start again"))
