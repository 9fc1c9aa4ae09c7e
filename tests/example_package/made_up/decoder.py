from typing import ClassVar

from rnscli.core.arithmetic.decoders import Decoder


class Single(Decoder):
    """Corrects one wrong residue at most, whatever the redundancy."""

    name: ClassVar[str] = "single"
    summary: ClassVar[str] = "corrects one wrong residue at most"

    def radius(self, information: int, redundant: int) -> int:
        del information
        return min(1, redundant // 2)


SINGLE = Single()
