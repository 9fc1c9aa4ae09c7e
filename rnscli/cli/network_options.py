"""Options of networks: which, with what data and weights; and how products are mapped."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from rnscli.cli.file_values import InputFile
from rnscli.cli.options import Decorator
from rnscli.cli.question import Bar
from rnscli.cli.sweep import ChoiceSweep, Sweep
from rnscli.core.errors import InputError
from rnscli.networks.available import INSTALL, missing_package
from rnscli.networks.names import SHIPPED

if TYPE_CHECKING:
    from rnscli.networks.portable import OpenedNetwork

# As in `rnscli.matrix.dataflow`, which a list of options need not load.
GRANULARITIES = ("vector", "tile", "channel", "tensor")


class ModelSweep(Sweep):
    """Networks: names of shipped ones, or ``package.module:function``."""

    def __init__(self) -> None:
        """Accept both."""
        names = tuple(SHIPPED)
        super().__init__(
            f"one of {', '.join(names)}, package.module:function, or a list of these",
            "NAME|MODULE:FUNCTION[,..]",
            names,
        )

    def items(self, text: str) -> Sequence[str]:
        """One network."""
        if text not in SHIPPED and ":" not in text:
            raise ValueError
        return [text]


def model(default: str) -> Decorator[Any]:
    """``--model``."""
    return click.option(
        "--model",
        type=ModelSweep(),
        default=default,
        show_default=True,
        help=f"Networks: {', '.join(SHIPPED)}, trained in FP32 once and kept; or your own, as "
        "package.module:function of a function that makes it.",
    )


data = click.option(
    "--data",
    type=InputFile(),
    help="Your own data: an .npz file with x (N, ...) and y (N) to test with, and x_train and "
    "y_train to train with.  [default: handwritten digits]",
)
weights = click.option(
    "--weights",
    type=InputFile(),
    help="Weights of --model: a state_dict that torch.save has written.",
)
granularity = click.option(
    "--granularity",
    type=ChoiceSweep(GRANULARITIES),
    default="vector",
    show_default=True,
    help="What has a scale of its own: a row or column of a tile, a tile of h x h, a row or column "
    "of all tiles, or an operand.",
)


def check_torch(command: str) -> None:
    """Refuse a command without the packages that it needs.

    Raises
    ------
    InputError
        With the command that installs them.
    """
    missing = missing_package()
    if missing is not None:
        raise InputError(f"{command} needs {missing}; install it with: {INSTALL}")


def check_weights(options: Mapping[str, Any]) -> None:
    """Refuse weights that several networks would have to share.

    Raises
    ------
    InputError
        Naming the option.
    """
    if options["weights"] is not None and len(options["model"]) > 1:
        raise InputError(
            f"--weights are those of one network, and --model names {len(options['model'])}; "
            "name one"
        )


def opened_networks(options: Mapping[str, Any], bar: Bar) -> "dict[str, OpenedNetwork]":
    """The networks that the options name, trained where they must be.

    Raises
    ------
    InputError
        If one cannot be opened.
    """
    from rnscli.networks.portable import open_network

    found = {}
    for name in options["model"]:
        with bar(1, f"training {name} in FP32, once") as advance:

            def trained(
                done: int, total: int, advance: Callable[[float, float], None] = advance
            ) -> None:
                advance(done, total)

            found[name] = open_network(name, options["data"], options["weights"], trained)
    return found
