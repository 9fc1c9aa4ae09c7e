"""The networks that are shipped, by name; torch need not be there to list them."""

from collections.abc import Sequence
from importlib.util import find_spec

SHIPPED = {
    "digits-cnn": "2 convolutions and a linear layer, handwritten digits of 8 x 8 pixels",
    "digits-resnet": "residual network, 3 blocks with batch normalisation, handwritten digits",
    "digits-transformer": "2 transformer blocks, 4 heads, rows of pixels as tokens, handwritten "
    "digits",
}


INSTALL = "pip install 'rnscli[torch]'"


def missing_package(needed: Sequence[str] = ("torch", "sklearn")) -> str | None:
    """The first of these packages that is not installed, if there is one."""
    return next((name for name in needed if find_spec(name) is None), None)
