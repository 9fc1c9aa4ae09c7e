"""How cells of weights follow the steps of training: a file for each law."""

from rnscli.core.updates.cells import UPDATE_LAWS, Cells, CellUpdates, UpdateOptions
from rnscli.core.updates.law import UpdateLaw
from rnscli.core.updates.linear import Ideal

__all__ = ["UPDATE_LAWS", "CellUpdates", "Cells", "Ideal", "UpdateLaw", "UpdateOptions"]
