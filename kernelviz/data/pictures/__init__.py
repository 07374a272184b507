"""Pictures and vectors of the user's own: files -> `reading` -> `preparing` -> PictureSet, with a cache by content."""

from kernelviz.data.pictures.picture_set import PictureSet, VectorSet, directions
from kernelviz.data.pictures.preparing import VECTOR_FILES, prepare, vector_set

__all__ = ["VECTOR_FILES", "PictureSet", "VectorSet", "directions", "prepare", "vector_set"]
