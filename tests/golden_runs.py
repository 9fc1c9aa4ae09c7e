"""A small run of each command, whose JSON document is kept in ``golden/``."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tiny_networks
from captured import output_of

FOLDER = Path(__file__).parent / "golden"

RUNS = {
    "moduli": "moduli --bits 4,6 --redundant 0,1",
    "error-sim": "error-sim --bits 6 --pairs 200 --p 1e-2 --redundant 1 --attempts 2 "
    "--core rns,fixed-lp,fixed-hp,bit-sliced",
    "fault-prob": "fault-prob --bits 6 --redundant 0,2 --p 1e-6,1e-2 --attempts 1,inf",
    "fault-prob-target": "fault-prob --sigma 0.15 --bits 5 --target 1e-9",
    "noise": "noise --bits 5 --vector-size 32 --technology reram-analog --cell-error 1e-4",
    "noise-solve": "noise --bits 5 --vector-size 16 --solve laser-power,vector-size",
    "energy": "energy --bits 6 --core rns,fixed-hp,digital-int8 --redundant 1 --p 1e-2 "
    "--adc-k1 100fJ±30%,50fJ",
    "energy-workload": "energy --bits 6 --core rns --workload mnist-cnn",
    "energy-sensitivity": "energy --bits 6 --core rns --sensitivity --supply-voltage 1V±10%",
    "chip": "chip --workload mnist-cnn --core rns,fixed-lp,digital-int8 --arrays 60,300 "
    "--dram hbm2 --per-layer",
    # Not of networks that are trained, whose weights differ from one machine to the next: of one
    # whose answers are exact (`tiny_networks.signs`), so that all that is kept is decided by
    # rnscli. Of the training every step is too small to change a weight.
    "accuracy": f"accuracy --model {tiny_networks.SIGNS} --data signs.npz --bits 6 --p 5e-2 "
    "--redundant 1 --attempts 2 --core rns,fixed-lp,fixed-hp,bit-sliced",
    "train": f"train --model {tiny_networks.SIGNS} --data signs.npz --epochs 2 --seed 0,1 "
    "--learning-rate 1e-12 --core rns,fixed-lp",
    "train-curves": f"train --model {tiny_networks.SIGNS} --data signs.npz --epochs 2 "
    "--learning-rate 1e-12 --curves",
    "design": "design --p 1e-3 --max-p-err 1e-9 --bits 5 --columns-per-adc 1 --pairs 200",
    "design-chip": "design --workload mnist-cnn --arrays 60,300 --core rns,fixed-lp --bits 6,7 "
    "--pairs 200",
    "design-layer-bits": "design --workload mnist-cnn --layer-bits --min-snr-db 25 --core rns "
    "--pairs 200",
    "batch": "batch plan.toml",
    "reproduce": "reproduce --only moduli,adc-energy,reram-block-abstract-mac",
    "store": "store runs.db",
    "compare": "compare old.json new.json --allow any --allow adc_energy_j=+1e-6%",
}
_PLAN = """\
title = "Two runs"
[run.table]
command = "moduli"
bits = 6
[run.faults]
command = "fault-prob"
moduli = "@table.moduli"
p = 1e-3
require = ["p_err <= 1e-2", "attempts >= 1"]
"""
# What `store` lists is recorded first, and what `compare` compares.
_BEFORE = {
    "store": (
        "error-sim --bits 6 --pairs 200 --p 1e-2 --redundant 1 --store runs.db --format csv",
    ),
    "compare": (
        "energy --bits 6 --core fixed-hp --output old.json",
        "energy --bits 6 --core fixed-hp --adc-k1 90fJ --output new.json",
    ),
}
# Values that differ from one run, or one version of a library, to the next.
_VARYING = {
    "store": ("key", "created", "finished", "description"),
}


def document_of(name: str) -> Any:
    """The JSON document of a run, made in a folder of its own, without what varies."""
    with tempfile.TemporaryDirectory() as folder, _inside(Path(folder)):
        Path("plan.toml").write_text(_PLAN)
        tiny_networks.write_signs(Path("signs.npz"))
        for before in _BEFORE.get(name, ()):
            output_of(before)
        document = json.loads(output_of(f"{RUNS[name]} --format json"))
    document["version"] = "varies"
    for file in document.get("files", ()):
        file["sha256"] = "0" * 64  # of a file that another NumPy may write otherwise
    for row in document["rows"]:
        row |= dict.fromkeys(_VARYING.get(name, ()), "varies")
    return document


def golden(name: str) -> Any:
    """The document that is kept."""
    return json.loads(_path(name).read_text())


def renew() -> None:
    """Keep the documents as they are now."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for name in RUNS:
        _path(name).write_text(json.dumps(document_of(name), indent=2) + "\n")


def _path(name: str) -> Path:
    return FOLDER / f"{name}.json"


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
