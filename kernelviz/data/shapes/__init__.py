"""The set "shapes": colour pictures of twelve things, painted by code when they are read, so that none has a licence."""

from kernelviz.data.named import SHAPES
from kernelviz.data.shapes.listing import shapes_listing

__all__ = ["SHAPES", "shapes_listing"]
