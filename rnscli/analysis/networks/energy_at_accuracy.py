"""Energy at equal accuracy: the least of the designs of a core that keep a share of FP32."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace

from rnscli.analysis.networks.rows import AccuracyRow
from rnscli.core import RNS


def keeps(row: AccuracyRow, share: float) -> bool:
    """Whether the estimate on a core keeps a share of that in FP32.

    A metric of which a larger value is better is at least the share of it, any other at most 1 over
    that. Where there is no ratio, as of an SNR, nothing is kept.
    """
    if row.relative_value is None:
        return False
    return _kept(row, row.relative_value, share)


def surely_keeps(row: AccuracyRow, share: float) -> bool:
    """Whether the worse end of the 95 % interval of the ratio does, too."""
    if row.relative_value_ci95 is None:
        return False
    low, high = row.relative_value_ci95
    return keeps(row, share) and _kept(row, low if row.better == "larger" else high, share)


def _kept(row: AccuracyRow, ratio: float, share: float) -> bool:
    return ratio >= share if row.better == "larger" else ratio <= 1.0 / share


def with_energy_at(
    rows: Sequence[AccuracyRow], conditions: Sequence[Hashable], share: float
) -> list[AccuracyRow]:
    """Rows with the least energy that a share of FP32 takes on their core and technology.

    Designs of one core and technology that are compared on the same samples, under the same
    conditions, are a group. Its energy is that of a row that was computed: between rows nothing is
    interpolated. By estimates it is optimistic, as the least of several that chance has a part in;
    the one by intervals is not, row by row.

    Parameters
    ----------
    rows
        Of any networks, cores and technologies.
    conditions
        For each row what is no choice of a designer, such as the level of noise.
    share
        Of the metric in FP32, above 0.

    Returns
    -------
    list of AccuracyRow
        The same with ``energy_at_accuracy_j``, by `keeps`, ``energy_surely_at_accuracy_j``, by
        `surely_keeps`, and ``energy_at_accuracy_to_rns``, the first over that of the core ``rns``
        on the technology where it has the least; ``None`` where no row keeps the share.
    """
    asked = [
        (condition, row.model, row.metric, row.samples)
        for row, condition in zip(rows, conditions, strict=True)
    ]
    groups = [
        (key, row.core, row.technology) for key, row in zip(asked, rows, strict=True)
    ]  # fmt: skip
    estimated, certain = (
        _least(zip(groups, rows, strict=True), share, kept) for kept in (keeps, surely_keeps)
    )
    of_rns: dict[Hashable, float] = {}
    for (key, core, _), least in estimated.items():
        if core == RNS.name:
            of_rns[key] = min(least, of_rns.get(key, least))
    found = []
    for row, key, group in zip(rows, asked, groups, strict=True):
        energy, rns = estimated.get(group), of_rns.get(key)
        found.append(
            replace(
                row,
                energy_at_accuracy_j=energy,
                energy_surely_at_accuracy_j=certain.get(group),
                energy_at_accuracy_to_rns=None if energy is None or not rns else energy / rns,
            )
        )
    return found


_Group = tuple[Hashable, str, str]


def _least(
    rows: Iterable[tuple[_Group, AccuracyRow]],
    share: float,
    kept: Callable[[AccuracyRow, float], bool],
) -> dict[_Group, float]:
    """The least energy of the rows of each group that keep the share."""
    found: dict[_Group, float] = {}
    for group, row in rows:
        energy = row.energy_per_inference_j
        if energy is not None and kept(row, share):
            found[group] = min(energy, found.get(group, energy))
    return found
