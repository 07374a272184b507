"""One block on the map of a run: its items are decoded and embedded, and written as a part."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import pandas as pd
import pyarrow as pa

from kernelviz.blocks.cutting import Block, Unreachable
from kernelviz.blocks.output import Output
from kernelviz.data.pictures import VECTOR_FILES
from kernelviz.errors import UserError
from kernelviz.evaluation.inference import embed, embed_rows, features_of
from kernelviz.evaluation.novelty import project_embedded, project_vectors
from kernelviz.ingest.files import Picture, RejectedFile, ingest, ingest_one
from kernelviz.networks import EmbeddingNetwork
from kernelviz.storage.calibration import Calibration
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.record import EmbeddingRun

AT_ONCE = 256  # pictures in memory
FEATURES = "features"  # column of the backbone's, by which `kernelviz map` takes the parts
SCHEMA = pa.schema(
    {
        "name": pa.string(),
        "x": pa.float32(),
        "y": pa.float32(),
        "prediction": pa.string(),
        "confidence": pa.float64(),
        "novelty": pa.float64(),
        "grade": pa.string(),
        "reasons": pa.string(),
        "novel": pa.bool_(),
        "distance": pa.float64(),
        "distance_percentile": pa.float64(),
        "error": pa.float64(),
        "error_percentile": pa.float64(),
        "nearest_index": pa.int64(),
    }
)  # of `Projection.table`; a part without items has it too


@dataclass
class Placer:
    """Embeds blocks; it can be sent to another process or machine, which then needs nothing of the run."""

    run: EmbeddingRun
    network: EmbeddingNetwork
    points: EmbeddingMap
    usual: Calibration | None
    output: Output
    device: str = "cpu"

    def on(self, device: str) -> "Placer":
        """The placer on a device of this machine."""
        return replace(self, network=self.network.to(device), device=device)

    def __call__(self, number: int, block: Block) -> int:
        """Embed a block and write its part; returns the number of its items, those refused among them."""
        rejected: list[RejectedFile] = []
        parts = list((self._vectors if self.run.is_of_vectors else self._pictures)(block, rejected))
        table = pa.concat_tables(parts) if parts else SCHEMA.empty_table()
        self.output.write(number, table, rejected)
        return len(table) + len(rejected)

    def _vectors(self, block: Block, rejected: list[RejectedFile]) -> Iterator[pa.Table]:
        if not block.packed:
            rejected += [
                RejectedFile(name, f"the map is one of vectors; {VECTOR_FILES}") for name, _ in block.contents()
            ]
            return
        try:
            with block.listing() as listing:
                yield _arrow(project_vectors(self.network, self.points, self.run.classes, listing, self.usual))
        except Unreachable:
            raise
        except (UserError, FileNotFoundError) as error:  # one that is damaged does not stop the others
            rejected.append(RejectedFile(block.name, str(error)))

    def _pictures(self, block: Block, rejected: list[RejectedFile]) -> Iterator[pa.Table]:
        own, items = self.run.preprocess, block.contents()
        # a core has a block to itself; a GPU is fed by all cores
        files = (ingest_one(*item, own) for item in items) if self.device == "cpu" else ingest(items, own)
        while part := list(islice(files, AT_ONCE)):
            rejected += [file for file in part if isinstance(file, RejectedFile)]
            if pictures := [file for file in part if isinstance(file, Picture)]:
                yield self._placed(pictures)

    def _placed(self, pictures: list[Picture]) -> pa.Table:
        images, features = np.stack([picture.pixels for picture in pictures]), None
        if self.network.backbone:
            features = features_of(self.network, images).flatten(1).cpu().numpy()
        embedded = embed(self.network, images) if features is None else embed_rows(self.network, features)
        projection = project_embedded(self.network, self.points, embedded, images, self.usual)
        names = [picture.name for picture in pictures]
        table = _arrow(projection.table(names, self.points, self.run.classes))
        return table if features is None else table.append_column(FEATURES, _lists(features))


def _arrow(table: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(table, SCHEMA, preserve_index=False).replace_schema_metadata()


def _lists(features: np.ndarray) -> pa.FixedSizeListArray:
    """Vectors in half precision, as the features of a set of pictures are stored."""
    return pa.FixedSizeListArray.from_arrays(features.astype(np.float16).ravel(), features.shape[1])
