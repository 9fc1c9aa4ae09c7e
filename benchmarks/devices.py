"""Speed of arrays as they are built: of dot products against their random numbers, and of ranges.

Without errors of cells `error-sim` draws operands alone; with them, a normal number for each cell.
"""

from functools import partial

import numpy as np
import torch

import rnscli
import rnscli.torch
from benchmarks.measure import Record, best_of
from rnscli.core import Devices
from rnscli.networks.data import digits
from rnscli.networks.shipped import DIGITS_NETWORKS, NETWORKS

PAIRS, SIZE = 20_000, 128
CALIBRATION = 256

VARIANTS = {
    "--cell-error": Devices(cell_error=0.01),
    "--cell-error-proportional, --on-off-ratio": Devices(
        cell_error_proportional=0.01, on_off_ratio=100
    ),
    "--cell-error, --wire-resistance": Devices(cell_error=0.01, wire_resistance=1e-5),
    "--cell-error --mapping offset": Devices(cell_error=0.01, mapping="offset"),
    "--cell-error, --read-noise, converters": Devices(
        cell_error=0.01, read_noise=0.01, adc_gain_error=0.01, dac_error=0.1
    ),
}


def draw(devices: Devices, channels: int) -> None:
    """The operands, and the numbers of all cells and readings, in pieces that stay in the cache."""
    rng = np.random.Generator(np.random.SFC64(0))
    cells = channels * (1 if devices.mapping == "offset" else 2)
    piece = 500
    for _ in range(PAIRS // piece):
        rng.uniform(-1.0, 1.0, (2, piece, SIZE))
        for _ in range(cells):
            rng.standard_normal((piece, SIZE))
        if devices.read_noise:
            rng.standard_normal((channels, piece))


def speed(record: Record) -> None:
    request = rnscli.ModuliRequest(bits=6, vector_size=SIZE)
    code = rnscli.RedundantCode(request.choose()[0])
    for core in ("fixed-lp", "rns"):
        channels = len(code.moduli.moduli) if core == "rns" else 1
        for name, devices in VARIANTS.items():
            point = rnscli.DotErrorParameters(
                dot_product=request.dot_product,
                bits=6,
                cores=(core,),
                pairs=PAIRS,
                code=code if core == "rns" else None,  # else rns is computed, too
                devices=devices,
            )
            drawing, simulated = best_of(
                3, partial(draw, devices, channels), partial(rnscli.dot_error, point)
            )
            label = f"{core} {name}: over drawing"
            record.add(label, simulated / drawing, "x", "<= 3")


def ranges(record: Record) -> None:
    """Time to calibrate each network."""
    inputs = torch.from_numpy(digits().test.inputs[:CALIBRATION])
    for core in ("fixed-lp", "bit-sliced"):
        made = rnscli.analog_core(core, bits=6, adc_range="calibrated")
        for name in DIGITS_NETWORKS:
            model = rnscli.torch.convert(NETWORKS[name].make(), made)
            (seconds,) = best_of(1, partial(rnscli.torch.calibrate, model, [inputs]))
            record.add(f"{name}: calibrating {core}, {CALIBRATION} samples", seconds, "s", "<= 10")
