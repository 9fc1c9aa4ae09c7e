"""The table of shipped workloads in docs/energy.md, which `renew.py` writes."""

from pathlib import Path

from rnscli.hardware.workloads.networks import WORKLOADS

PATH = Path(__file__).parent.parent / "docs" / "energy.md"
BEGIN, END = "<!-- shipped workloads -->\n", "<!-- end of shipped workloads -->\n"


def table() -> str:
    """A row for each workload, with its own sizes."""
    lines = [
        "| name | what | MACs | parameters | products of activations | vector operations |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, named in WORKLOADS.items():
        made = named.make()
        activations = sum(gemm.macs for gemm in made.gemms if not gemm.stationary)
        operations = sum(one.count for work in made.vectors for one in work.operations)
        lines.append(
            f"| `{name}` | {named.summary} | {_counted(made.macs)} | {_counted(made.parameters)} | "
            f"{100 * activations / made.macs:.1f}% | {_counted(operations)} |"
        )
    return "\n".join(lines) + "\n"


def renewed(page: str) -> str:
    before, rest = page.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


def _counted(number: float) -> str:
    for unit, factor in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= factor:
            return f"{number / factor:.4g} {unit}"
    return f"{number:.0f}"
