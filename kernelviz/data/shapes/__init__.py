"""The set "shapes": colour pictures of twelve things, painted by code when they are read, free of any licence."""

from kernelviz.data.named import SHAPES
from kernelviz.data.shapes.listing import shapes_listing

__all__ = ["SHAPES", "shapes_listing"]
