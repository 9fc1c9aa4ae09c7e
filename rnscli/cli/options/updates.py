"""Options of cells that weights are in while they are trained."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from rnscli.base import Column, Option, in_words, options_of
from rnscli.cli.options import shared
from rnscli.cli.options.networks import CoreOfPoint
from rnscli.core import UPDATE_LAWS, CellUpdates, Ideal, UpdateOptions

_ALL = options_of(UpdateOptions)
_OF_CARRIES = ("cell_base", "carry_every", "carry")
UPDATE_AXES = tuple(_ALL)
UPDATE_NEEDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(UPDATE_AXES[1:], ("update",)),
    "update_nonlinearity": tuple(
        f"update={name}" for name, law in UPDATE_LAWS.items() if law.nonlinear
    ),
    **dict.fromkeys(_OF_CARRIES, ("cells",)),
}

update_options: shared.Decorator[Any] = shared.stacked(*_ALL.values())


def _column(option: Option) -> Any:
    help = "How cells of weights follow steps." if option.name == "update" else option.help
    return Annotated[
        shared.hint_of(option) | None, Column(help, in_words(option.name), str, low=None)
    ]


UPDATE_COLUMNS = {name: _column(option) for name, option in _ALL.items()}


def with_updates(point: shared.Point, core: CoreOfPoint) -> tuple[shared.Point, CoreOfPoint]:
    """A point with the cells that its weights are in: what holds of them, and nothing else.

    Raises
    ------
    InputError
        If there are no such cells.
    """
    updates = CellUpdates.requested(point)
    held: dict[str, Any] = dict.fromkeys(UPDATE_AXES[1:])
    if updates is None:
        held["update"] = Ideal.name
    else:
        held |= updates.options
        if updates.law.nonlinear:
            held["update_nonlinearity"] = point["update_nonlinearity"]
        if updates.cells == 1:
            held |= dict.fromkeys(_OF_CARRIES)
    return point | held, replace(core, updates=updates)
