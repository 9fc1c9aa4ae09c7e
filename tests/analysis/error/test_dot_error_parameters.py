"""What a simulation is told, and what of it a block is sent."""

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dot_error_points import point, same_statistics

from rnscli.analysis.error.dot_error import DotErrorParameters, dot_error, simulate_block
from rnscli.analysis.error.operand_files import load_operands
from rnscli.analysis.error.operands import GivenOperands, NormalOperands, SparseOperands
from rnscli.base.errors import InputError
from rnscli.core.arithmetic.code import RedundantCode
from rnscli.core.arithmetic.dot_product import DotProduct
from rnscli.core.arithmetic.moduli import ModuliSet
from rnscli.core.noise import Uniform
from rnscli.runtime.runner import runner

MINE = GivenOperands(np.ones((9, 4)), np.ones((9, 4)), "mine.npz")


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"bits": 1}, "`bits` is 1"),
        ({"bits": 32}, "`bits` is 32"),
        ({"pairs": 1}, "`pairs` is 1"),
        ({"pairs": 10.0}, "`pairs` is 10.0"),
        ({"seed": -1}, "`seed` is -1"),
        ({"attempts": 0}, "`attempts` is 0"),
        ({"attempts": math.nan}, "`attempts` is nan"),
        ({"cores": ()}, "`cores` is empty"),
        ({"cores": ("rns", "digital")}, "`core` is digital; it must be one of rns"),
        ({"cores": ("rns",), "code": None}, "core rns needs a moduli set"),
        ({"dot_product": DotProduct(2**20 + 1, 6, 6)}, "`vector_size` is 1048577"),
        ({"dot_product": DotProduct(4, 32, 6)}, "`input_bits` is 32"),
        ({"dot_product": DotProduct(4, 6, 32)}, "`weight_bits` is 32"),
        ({"code": RedundantCode(ModuliSet((63, 62)))}, "63,62 hold 3906 .* needs 7689"),
        ({"cores": ("bit-sliced",), "slice_bits": 0}, "`slice_bits` is 0"),
        ({"cores": ("bit-sliced",), "slice_bits": 7}, "`slice_bits` is 7"),
        ({"cores": ("bit-sliced",), "adc_bits": 0}, "`adc_bits` is 0"),
        ({"cores": ("bit-sliced",), "adc_bits": 65}, "`adc_bits` is 65"),
        ({"rel_precision": 0.0}, "`rel_precision` is 0.*above 0 and below 1"),
        ({"rel_precision": 1.0}, "`rel_precision` is 1"),
        ({"rel_precision": math.nan}, "`rel_precision` is nan"),
        ({"precision_of": "rms_error"}, "`precision_of` is rms_error; it must be one of"),
        (
            {"rel_precision": 0.1, "precision_of": "output_error_rate"},
            "without noise no output is wrong",
        ),
        ({"operands": MINE, "pairs": 10}, "`pairs` is 10, but the operands mine.npz have 9 rows"),
        (
            {"operands": MINE, "pairs": 9, "dot_product": DotProduct(5, 6, 6)},
            "`vector_size` is 5, but the operands mine.npz have 4 columns",
        ),
    ],
)
def test_refusals(changed: dict[str, Any], named: str) -> None:
    accepted = {
        "dot_product": DotProduct(4, 6, 6),
        "bits": 6,
        "code": RedundantCode(ModuliSet((63, 62, 61))),
    }
    with pytest.raises(InputError, match=named):
        DotErrorParameters(**{**accepted, **changed})


def test_numbers_as_a_program_may_have_them_are_kept_as_floats() -> None:
    for given in ("0.25", np.float32(0.25), 0.25):
        kept = point(6, 8, pairs=10, rel_precision=given).rel_precision
        assert (type(kept), kept) == (float, 0.25)


# Blocks ------------------------------------------------------------------------------------------

FEW = np.random.default_rng(3).normal(size=(2, 5, 2**19))


def few(operands: Any) -> DotErrorParameters:
    """2^19 terms: 2 given pairs a block, so 3 blocks."""
    return point(6, 2**19, pairs=5, operands=operands)


@pytest.mark.parametrize(("size", "drawn", "given"), [(128, 65536, 8192), (2**20, 8, 1)])
def test_pairs_in_a_block(size: int, drawn: int, given: int) -> None:
    assert point(6, size, pairs=2).point.block_pairs == drawn
    ones = np.ones((2, size), np.int8)
    assert point(6, size, pairs=2, operands=GivenOperands(ones, ones)).point.block_pairs == given


def test_a_block_of_given_operands_carries_only_its_rows() -> None:
    parameters = few(GivenOperands(*FEW))
    assert parameters.point.blocks == 3
    sent = [parameters.point.for_block(block, shares_files=True).operands for block in range(3)]
    assert [o.x.shape[0] for o in sent if isinstance(o, GivenOperands)] == [2, 2, 1]
    with runner(jobs=2) as two:
        assert dot_error(parameters, two).rows == dot_error(parameters).rows


def test_tiny_rows_beside_others_make_a_block_of_their_own() -> None:
    """Only operands that are tiny in every row are refused."""
    x = np.ones((3, 2**20))
    x[0] = 1e-80
    (row,) = dot_error(
        point(6, 2**20, pairs=3, cores=("fixed-hp",), operands=GivenOperands(x, x))
    ).rows
    assert row.max_abs_error < 1e-6


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_block_names_the_file_where_it_can(tmp_path: Path, save: Any) -> None:
    """Files that are read in parts are read by the process that needs them; others here."""
    path = tmp_path / "operands.npz"
    save(path, x=FEW[0].astype(np.float16), w=FEW[1].astype(np.float16))
    parameters = few(load_operands(path))
    given = few(GivenOperands(*FEW.astype(np.float16)))
    for shares in (True, False):
        for block in range(3):
            sent = pickle.dumps(parameters.point.for_block(block, shares_files=shares))
            named = shares and save is np.savez
            assert (len(sent) < 10_000) == named
            core = ("fixed-hp",)
            assert same_statistics(
                simulate_block(pickle.loads(sent), block, core)["fixed-hp"],
                simulate_block(given.point, block, core)["fixed-hp"],
            )


def test_the_content_of_a_block_is_that_of_its_rows() -> None:
    parameters, changed = few(GivenOperands(*FEW)), FEW.copy()
    changed[1, 2, 77] += 1
    other = few(GivenOperands(*changed.copy()))
    before = [parameters.point.for_block(block, False).content() for block in range(3)]
    after = [other.point.for_block(block, False).content() for block in range(3)]
    assert len(set(before)) == 3
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]
    assert parameters.point.described_operands() == other.point.described_operands()
    changed[0, 0, 0] += 1  # in the first of the rows that tell one file from another
    assert (
        few(GivenOperands(*changed)).point.described_operands() != other.point.described_operands()
    )


def test_drawn_operands_have_no_content() -> None:
    source = SparseOperands(NormalOperands(), 0.5)
    parameters = point(operands=source, noise=Uniform(0.1))
    assert parameters.point.content() == ""
    assert parameters.point.described_operands()["kind"] == "SparseOperands"
    assert parameters.point.for_block(0, shares_files=False) == parameters.point
