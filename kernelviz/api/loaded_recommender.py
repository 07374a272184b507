"""A recommender in use."""

from functools import cached_property

import numpy as np
import pandas as pd

from kernelviz.api.loaded_run import LoadedRun
from kernelviz.errors import UserError
from kernelviz.storage.items import Items, fold_in, load_items
from kernelviz.storage.record import RecommenderRun


class LoadedRecommender(LoadedRun):
    """A recommender of items."""

    record: RecommenderRun

    @cached_property
    def items(self) -> Items:
        """The items: their numbers, mean ratings, factors and coordinates."""
        return load_items(self.record.folder)

    def recommend(self, ratings: dict[int, float]) -> pd.DataFrame:
        """What someone new would give every item, best first: columns item, predicted, mean, x, y.

        Args:
            ratings: some items by their number, and what this person gives them.

        Raises UserError for an item that the run does not know.

            >>> import kernelviz
            >>> kernelviz.load("ml100k-sparse-fc-2").recommend({50: 5.0, 181: 5.0}).columns.tolist()
            ['item', 'predicted', 'mean', 'x', 'y']
        """
        rows = {item: row for row, item in enumerate(self.items.item.tolist())}
        unknown = [item for item in ratings if item not in rows]
        if unknown:
            raise UserError(
                f"the run {self.name!r} has no item {unknown[0]!r}; `items.item` lists the {len(rows)} it has"
            )
        low, high = self.record.range
        noise = self.record.metrics["test_rmse"] ** 2
        given = np.array([*ratings.values()], np.float64)
        predicted, _ = fold_in(self.items, np.array([rows[item] for item in ratings], int), given, noise)
        table = pd.DataFrame(
            {
                "item": self.items.item,
                "predicted": predicted.clip(low, high),
                "mean": self.items.mean,
                "x": self.items.coordinates[:, 0],
                "y": self.items.coordinates[:, 1],
            }
        )
        unrated = table[~table["item"].isin(list(ratings))]
        return unrated.sort_values("predicted", ascending=False, ignore_index=True)
