"""The dataflow of a matrix product on a core: tiles, scales, products, readout, accumulation."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnscli.base import InputError, NotFiniteError
from rnscli.core import (
    BuiltArray,
    Errors,
    RangeReader,
    RedundantCode,
    quantisation_levels,
)
from rnscli.matrix.arrays import Array, NumPyArrays, Pieces
from rnscli.matrix.dataflow import FLOAT32_EXACT, FLOAT64_EXACT, JOINT, Dataflow, ProductCounts
from rnscli.matrix.rounding import nearest

# A product modulo each modulus is in floats that hold every number exactly: the quotient of a whole
# number a below 2**24 in magnitude in float32 (2**53 in float64) by another never rounds up to the
# next whole number, so ``floor(a / m)`` is exact. So is the remainder, as long as the multiple of m
# below a is within these limits, too.


def reduce(arrays: NumPyArrays, values: Array, modulus: int) -> Array:
    """Residues in ``[0, m)`` of whole-numbered floats."""
    quotients = values / modulus
    arrays.floor(quotients)
    quotients *= -modulus
    quotients += values
    return quotients


def modular_products(
    arrays: NumPyArrays, x: Array, w: Sequence[Array], moduli: Sequence[int]
) -> list[Array]:
    """``x w mod m`` for each modulus, from whole numbers x and the residues of w."""
    return [
        reduce(arrays, arrays.product(reduce(arrays, x, modulus), residues), modulus)
        for modulus, residues in zip(moduli, w, strict=True)
    ]


def words_of(arrays: NumPyArrays, residues: Sequence[Array]) -> Pieces:
    """A function that gives the words ``(N, ...)`` at flat positions, or all."""
    pieces = [arrays.pieces(channel) for channel in residues]
    return lambda index: np.stack([piece(index) for piece in pieces])


def restore(arrays: NumPyArrays, residues: Sequence[Array], code: RedundantCode) -> Array:
    """Chinese remainders, signed, of words without errors, from their information residues."""
    moduli = code.moduli
    information = residues[moduli.redundant :]
    product, weights = moduli.dynamic_range, moduli.crt_weights
    offset = product // 2  # of the range around zero that `from_residues` has
    bound = offset + sum((m - 1) * w for m, w in zip(moduli.information, weights, strict=True))
    if bound >= FLOAT64_EXACT:
        # The product of the moduli may be beyond int64, the legitimate range is not.
        reader = RangeReader(moduli.parts, code.size, -code.lowest, of=moduli.information)
        values = reader.read(words_of(arrays, information)(None))[0] + code.lowest
        into = arrays.exact(information[0], wide=True) * 0.0
        return arrays.put(into, np.arange(values.size), values)
    total, *more = (
        arrays.exact(channel, wide=True) * float(weight)
        for channel, weight in zip(information, weights, strict=True)
    )
    for term in more:
        total += term
    total += offset
    total = reduce(arrays, total, product)
    total -= offset
    return total


MAX_OPERAND = 1e15  # FP32 products of two operands, and long sums of them, stay finite


def check_magnitudes(name: str, arrays: NumPyArrays, largest: Array) -> None:
    """Refuse an operand if one of its largest magnitudes is NaN or above 1e15."""
    if not arrays.all_below(largest, MAX_OPERAND):
        what = f"holds NaN or a magnitude above {MAX_OPERAND:g}"
        raise NotFiniteError.of(name, largest, "finite", what=what)


# From magnitudes of this size on, FP32 holds the products of scales; smaller scales are multiplied
# by powers of two.
TINY = 2.0**-60


@dataclass(frozen=True)
class Levels:
    """How many steps an operand has to either side, and what its steps are.

    Whole numbers of ``steps`` are at most q in magnitude. A step is ``scale / levels``: of a scale
    in FP32 it is ``s / q``, and of a power of two the next one, ``2**ceil(log2(s / q))``.
    """

    largest: int  # q, one less than a power of two
    floating: bool
    cuts: bool = False  # whether less than q + 1 steps become q

    @classmethod
    def of(cls, bits: int, flow: Dataflow) -> "Levels":
        """Of operands of so many bits."""
        return cls(quantisation_levels(bits), flow.scaling.floating, flow.rounds.cuts)

    @property
    def levels(self) -> int:
        """How many steps a scale is."""
        return self.largest if self.floating else self.largest + 1

    def scales(self, arrays: NumPyArrays, largest: Array) -> Array:
        """Scales of operands with these largest magnitudes, which are positive."""
        if self.floating:
            return largest
        # 2**e from v = f 2**e, exact of every float; of a larger f, the value would round past q.
        mantissas, _ = arrays.frexp(largest)
        powers = largest / mantissas
        if self.cuts:
            return powers
        return arrays.where(mantissas <= self.largest / (self.largest + 1), powers, 2 * powers)


class RowScales:
    """Scales for an operand of shape ``(..., M, K)`` whose rows are multiplied.

    They are those that ``levels`` makes of the largest magnitudes; where all are zero, of 1.
    ``granularity`` is that of `rnscli.Dataflow`, of tiles of ``size`` along K and, for ``tile``,
    along M. With a ``constant`` all share the scale that the levels make of that, whatever their
    magnitudes. Columns are the rows of the transpose. ``whole`` are the largest magnitudes
    where they are known: of rows, over all tiles if these share them, or of each tile of a row.
    The values may be a part of the operand.
    """

    def __init__(
        self,
        name: str,
        arrays: NumPyArrays,
        values: Array,
        granularity: str,
        size: int,
        levels: Levels,
        constant: float | None = None,
        whole: Array | None = None,
    ) -> None:
        self._arrays, self._values = arrays, values
        self._granularity, self._size = granularity, size
        self.joint = constant is not None or granularity in JOINT  # the same for all tiles
        if constant is not None:
            check_magnitudes(name, arrays, arrays.largest(values, (-2, -1)))
            largest = values[..., :1, :1] * 0 + constant
        elif whole is not None:
            largest = whole
        elif self.joint:
            largest = arrays.largest(values, (-1,) if granularity == "channel" else (-2, -1))
        else:
            largest = self._of_tiles()
        check_magnitudes(name, arrays, largest)
        self._largest = largest
        largest = arrays.where(largest != 0, largest, 1.0)
        self.tiny = bool(largest.min() < TINY)  # whether there is one below `TINY`
        self.every = levels.scales(arrays, largest)  # shape ``(..., M or 1, tiles or 1)``

    def _of_tiles(self) -> Array:
        values, size, arrays = self._values, self._size, self._arrays
        full = values.shape[-1] - values.shape[-1] % size
        parts = []
        if full:
            tiles = values[..., :full].reshape(*values.shape[:-1], -1, size)
            parts.append(arrays.largest(tiles, (-1,)).reshape(*values.shape[:-1], -1))
        if full < values.shape[-1]:
            parts.append(arrays.largest(values[..., full:], (-1,)))
        rows = parts[0] if len(parts) == 1 else arrays.joined(parts)
        if self._granularity == "tile":
            for start in range(0, rows.shape[-2], size):
                block = rows[..., start : start + size, :]
                rows[..., start : start + size, :] = arrays.largest(block, (-2,))
        return rows

    def of(self, terms: slice) -> Array:
        """Scales of a tile, of shape ``(..., M, 1)`` or, if all rows share it, ``(..., 1, 1)``."""
        tile = 0 if self.joint else terms.start // self._size
        return self.every[..., tile : tile + 1]

    def powers(self) -> Array | None:
        """``2**e`` in float64 that bring the largest scale of each row near 1, if one is tiny."""
        if not self.tiny:
            return None
        _, exponents = self._arrays.frexp(self._arrays.largest(self._largest, (-1,)))
        return 2.0 ** self._arrays.exact(exponents.clip(-1000, 1000), True)

    def divided(self, scales: Array, powers: Array | None) -> Array:
        """Scales without these powers, in their own type."""
        if powers is None:
            return scales
        # Of a tile of zeros, whose scale of 1 is none of the row's, float32 might make infinity.
        found = (self._arrays.exact(scales, True) / powers).clip(0.0, 4.0)
        return self._arrays.exact(found, _is_wide(scales))


def _is_wide(values: Array) -> bool:
    return int(values.dtype.itemsize) > 4


_ROWS = 256  # at least, where rows are long: so many make a product worth its call
_BYTE = 127  # the largest whole number of it
FLOAT32_LEVELS = 2**22  # below, two roundings of float32 are less than half of a level


@dataclass(frozen=True)
class WeightTile:
    """At most h rows of the weights, as they are in the arrays.

    ``parts`` are whole numbers of shape ``(..., h, N)``: the weights, their slices, or their
    residues for each modulus; ``unit`` is what 1 stands for, of shape ``(..., 1, N or 1)``.
    ``built`` are the arrays with these in them, where it matters what they are built of.
    """

    terms: slice
    parts: tuple[Array, ...]
    unit: Array
    built: BuiltArray | None = None

    def of(self, stack: slice) -> "WeightTile":
        """That of some matrices of a stack."""
        parts = tuple(part.reshape(-1, *part.shape[-2:])[stack] for part in self.parts)
        unit = self.unit.reshape(-1, *self.unit.shape[-2:])[stack]
        return WeightTile(self.terms, parts, unit, self.built and self.built.part(stack))


@dataclass(frozen=True)
class QuantisedWeights:
    """Weights of shape ``(..., K, N)``, cut in tiles and quantised; made once, used for inputs."""

    shape: tuple[int, ...]
    tiles: tuple[WeightTile, ...]
    powers: Array | None = None  # that are not in the units, of shape ``(..., 1, N or 1)``
    joint: bool = False  # whether all tiles have the same units

    @property
    def built_size(self) -> int:
        """Bytes of the arrays that are built."""
        return sum(0 if tile.built is None else tile.built.size for tile in self.tiles)

    def of(self, stack: slice) -> "QuantisedWeights":
        """Some matrices of a stack ``(G, K, N)``."""
        tiles = tuple(tile.of(stack) for tile in self.tiles)
        powers = None if self.powers is None else self.powers[stack]
        matrices = len(range(self.shape[0])[stack])
        return QuantisedWeights((matrices, *self.shape[1:]), tiles, powers, self.joint)


class TinyScalesError(Exception):
    """Scales are so small that powers of two have to be taken out of all tiles at once."""


class TiledProduct:
    """Matrix products by a dataflow, on the arrays of some library.

    Attributes
    ----------
    builds
        Whether arrays are built where it matters what they are built of.
    flow, arrays
        As given.
    input_levels
        Steps of the inputs.
    draws
        Whether chance has a part in the result.
    """

    builds = True

    def __init__(self, flow: Dataflow, arrays: NumPyArrays) -> None:
        dot = flow.core.dot_product
        self.flow, self.arrays = flow, arrays
        self.draws = flow.core.noisy or flow.core.physical or flow.rounds.draws
        self._chunk = arrays.chunk and arrays.chunk * (1 if self.draws else arrays.together)
        self._size = dot.vector_size
        self._bytes = (
            arrays.bytes and self.builds and flow.channel_code is None and not flow.core.physical
            and not flow.wide_products and max(dot.max_input, dot.max_weight) <= _BYTE
        )  # fmt: skip
        self.input_levels, self._weight_levels = (
            Levels.of(bits, flow) for bits in (dot.input_bits, dot.weight_bits)
        )

    def quantise_weights(self, w: Array, place: int = 0, start: int = 0) -> QuantisedWeights:
        """Cut weights of shape ``(..., K, N)`` in tiles, and quantise these.

        ``place`` tells the arrays of one matrix from those of others on the same chip, and
        ``start`` is the row of the matrix that the weights begin with.
        """
        columns, core = w.swapaxes(-1, -2), self.flow.core
        if 0 in w.shape:
            return QuantisedWeights(tuple(w.shape), ())
        levels = self._weight_levels
        granularity, constant = self.flow.granularity, self.flow.weight_scale
        scales = RowScales("w", self.arrays, columns, granularity, self._size, levels, constant)
        most = None if constant is None else levels.largest
        every = [(terms, scales.of(terms)) for terms in _cut(w.shape[-2], self._size)]
        powers, of_columns = scales.powers(), None
        if powers is not None:
            of_columns = powers.swapaxes(-1, -2)
        elif scales.joint and self._in_one(w.shape[-2], stacked=len(w.shape) > 2):
            every = [(slice(0, w.shape[-2]), every[0][1])]
        of_tiles: Iterator[Array]
        if scales.joint or self.flow.rounds.draws:  # chance is drawn tile by tile
            of_tiles = (self._whole(columns[..., o], s, levels.levels, most) for o, s in every)
        else:
            of_tiles = self._by_tiles(
                columns, scales.every, lambda part, s: self._whole(part, s, levels.levels, most)
            )
        tiles = []
        for (terms, scale), whole in zip(every, of_tiles, strict=True):
            whole = whole.swapaxes(-1, -2)
            unit = (scales.divided(scale, powers) / levels.levels).swapaxes(-1, -2)
            if self.builds and core.physical:
                tiles.append(
                    WeightTile(
                        terms, (whole,), unit, self._built(whole, place, start + terms.start)
                    )
                )
            else:
                tiles.append(WeightTile(terms, self._parts(whole), unit))
        return QuantisedWeights(tuple(w.shape), tuple(tiles), of_columns, scales.joint)

    def multiply(
        self,
        x: Array,
        weights: QuantisedWeights,
        rng: Callable[[], np.random.Generator],
        largest: Array | None = None,
        onto: Array | None = None,
    ) -> tuple[Array, ProductCounts]:
        """``x @ w`` for inputs of shape ``(..., M, K)``, in FP32; in float64 if scales are tiny.

        Weights are one matrix, which then multiplies all inputs, or a stack with one for each
        matrix of inputs, of the same leading shape. ``rng`` is called once if there is noise.
        The ``largest`` magnitudes may be given: where tiles share a scale those of rows, or of the
        operand that the inputs are a part of, else those of each tile of a row. Where tiles have
        their own scales, what they give may be added to an FP32 array ``onto``, which is returned:
        so terms can come a block of tiles at a time.

        Raises
        ------
        TinyScalesError
            If scales are tiny and ``onto`` is given: then all terms have to come at once.
        """
        *stack, terms, columns = weights.shape
        if x.shape[-1] != terms or (stack and tuple(x.shape[:-2]) != tuple(stack)):
            raise InputError(
                f"inputs of shape {tuple(x.shape)} cannot be multiplied with weights of shape "
                f"{weights.shape}"
            )
        shape = (*x.shape[:-1], columns)
        counts = ProductCounts(products=math.prod(stack))  # 1 without a stack
        if 0 in x.shape or not columns:
            out = self.arrays.empty(shape, like=x)
            out[...] = 0.0
            return out, counts
        found = self.arrays.empty(shape, like=x) if onto is None else onto
        # One axis to be cut in chunks: the rows of all inputs, or the matrices of the stack.
        x = x.reshape(-1, *x.shape[-2:]) if stack else x.reshape(-1, terms)
        out = found.reshape(*x.shape[:-1], columns)
        core = self.flow.core
        noise = rng() if core.noisy or core.physical else None
        levels = self.input_levels
        granularity, constant = self.flow.granularity, self.flow.input_constant
        scales = RowScales("x", self.arrays, x, granularity, self._size, levels, constant, largest)
        most = None if constant is None else levels.largest
        powers = scales.powers()
        if onto is not None and (powers is not None or weights.powers is not None):
            raise TinyScalesError
        steps = scales.divided(scales.every, powers) / levels.levels
        # Where all tiles have the same scales, sums are added as they are, and scaled in the end.
        joint = scales.joint and weights.joint
        length = out.shape[0]
        for rows in _cut(length, self.at_once(out.shape, terms)):
            of_rows, to_rows = (o if len(o) == 1 else o[rows] for o in (scales.every, steps))
            whole = self._in_steps(x[rows], of_rows, most, weights.tiles)
            total = None if onto is None else out[rows]
            for index, (tile, inputs) in enumerate(zip(weights.tiles, whole, strict=True)):
                tile = tile.of(rows) if stack else tile
                parts, unit, built = tile.parts, tile.unit, tile.built
                if noise is None:
                    sums = self._clean(inputs, parts)
                elif built is None:
                    sums, made = self._read(inputs, parts, noise)
                    counts += made
                else:
                    sums, made = self._read_built(inputs, parts[0], built, noise)
                    counts += made
                if not joint:
                    place = 0 if scales.joint else index
                    sums = self.arrays.times(sums, to_rows[..., place : place + 1])
                    sums *= unit
                    sums = self.arrays.exact(sums, wide=False) if total is None else sums
                if total is None:
                    total = sums
                else:
                    total += sums
            if joint:
                total = self.arrays.times(total, to_rows)
                total *= unit
            if onto is not None:
                continue
            if length == rows.stop - rows.start:  # all of it
                found = self.arrays.exact(total, wide=False).reshape(shape)
            else:
                out[rows] = total
        if noise is None:
            dots = math.prod(shape) * -(-terms // self._size)
            counts = replace(counts, dot_products=dots, computed=dots)
        if powers is not None:
            of_stack = powers if np.prod(powers.shape) == 1 else powers.reshape(*shape[:-2], -1, 1)
            found = self.arrays.exact(found, True) * of_stack
        if weights.powers is not None:
            found = self.arrays.exact(found, True) * weights.powers
        return found, counts

    def _in_one(self, terms: int, stacked: bool) -> bool:
        """Whether one product over all tiles gives the sum of theirs: nobody reads each of them.

        It has to be exact: bytes are multiplied in integers unless they are of a stack.
        """
        core, flow = self.flow.core, self.flow
        plain = core.lossless and not core.noisy and not core.physical and self.builds
        if not plain or flow.channel_code is not None or not flow.joint_inputs:
            return False
        largest = terms * core.dot_product.max_input * core.dot_product.max_weight
        return largest < (2**31 if self._bytes and not stacked else FLOAT32_EXACT)

    def at_once(self, shape: Sequence[int], terms: int) -> int:
        """How much of the first axis of results is worked on at a time, and noise drawn for.

        So much that inputs of so many terms, and outputs, fit in what is best worked on.
        """
        if self._chunk is None:
            return shape[0]
        # Of long rows a few tiles at a time are quantised.
        terms = min(terms, max(self._size, self._chunk // _ROWS))
        largest = max(terms, shape[-1]) * math.prod(shape[1:-1])
        return max(1, self._chunk // largest)

    def _whole(self, values: Array, scale: Array, levels: int, most: int | None) -> Array:
        """Values rounded to whole multiples of ``scale / levels``, as the dataflow says.

        They are clipped to ``most`` multiples where a scale does not follow from them. In the type
        of the values, unless float32 might round the largest of them up past q.
        """
        # What is cut off must not have been rounded down before, from q steps to less.
        rounds = self.flow.rounds
        if levels > FLOAT32_LEVELS or rounds.cuts:
            values, scale = self.arrays.exact(values, True), self.arrays.exact(scale, True)
        # In this order a tie stays a tie; `levels / scale` would be rounded first.
        scaled = values * levels
        scaled /= scale
        scaled = rounds.apply(self.arrays, scaled)
        if most is not None:
            scaled = scaled.clip(-most, most)
        return self.arrays.exact(scaled, self.flow.wide_products)

    def _in_steps(
        self, values: Array, scales: Array, most: int | None, tiles: Sequence[WeightTile]
    ) -> Iterator[Array]:
        """Inputs ``(..., M, K)`` of each tile in whole numbers, by the scales of rows and tiles."""
        levels = self.input_levels.levels

        def whole(values: Array, scales: Array) -> Array:
            if self._bytes and most is None and self.flow.rounds.apply is nearest:
                return self.arrays.nearest(values, levels, scales)
            found = self._whole(values, scales, levels, most)
            return self.arrays.narrow(found) if self._bytes else found

        if scales.shape[-1] == 1:
            every = whole(values, scales)
            return (every[..., tile.terms] for tile in tiles)
        return self._by_tiles(values, scales, whole)

    def _by_tiles(
        self, values: Array, scales: Array, whole: Callable[[Array, Array], Array]
    ) -> Iterator[Array]:
        """What is made of the values ``(..., M, K)`` of each tile, several at once."""
        size, terms = self._size, values.shape[-1]
        full = terms // size
        rows = math.prod(values.shape[:-1])
        together = full if self._chunk is None else self._chunk // (rows * size)
        for start in range(0, full, max(1, together)):
            end = min(start + max(1, together), full)
            cut = values[..., start * size : end * size]
            cut = cut.reshape(*values.shape[:-1], end - start, size)
            every = whole(cut, scales[..., start:end, np.newaxis])
            yield from (every[..., index, :] for index in range(end - start))
        if terms % size:
            yield whole(values[..., full * size :], scales[..., full:])

    def _parts(self, whole: Array) -> tuple[Array, ...]:
        code = self.flow.channel_code
        if code is None:
            parts = self.flow.core.parts(whole)
            return tuple(map(self.arrays.narrow, parts)) if self._bytes else parts
        return tuple(reduce(self.arrays, whole, m) for m in code.moduli.moduli)

    def _sums(self, x: Array, parts: Sequence[Array]) -> list[Array]:
        """Products of whole numbers with the parts of the weights, in floats."""
        wide = self.flow.wide_products
        return [self.arrays.exact(self.arrays.product(x, part), wide) for part in parts]

    def _clean(self, x: Array, parts: Sequence[Array]) -> Array:
        """What the core reads of the product of whole numbers with the parts, without noise."""
        core, arrays, code = self.flow.core, self.arrays, self.flow.channel_code
        if code is not None:
            residues = modular_products(arrays, x, parts, code.moduli.moduli)
            sums = [restore(arrays, residues, code)]
        elif self._reads_all:
            return arrays.product(x, parts[0])
        else:
            sums = self._sums(x, parts)
        return arrays.exact(core.ideal(sums), self.flow.wide_results)

    @property
    def _reads_all(self) -> bool:
        """Whether what a core reads of a sum is the sum, in float32."""
        return self.flow.core.lossless and not self.flow.wide_results

    @property
    def plain(self) -> bool:
        """Whether sums of float32 are exact, and what is read of them is decided by them alone."""
        flow, core = self.flow, self.flow.core
        ideal = self.builds and not core.noisy and not core.physical and flow.channel_code is None
        simple = not flow.rounds.cuts and not flow.rounds.draws and not flow.wide_products
        return ideal and simple and self.input_levels.levels <= FLOAT32_LEVELS

    def read(self, sums: Sequence[Array]) -> Array:
        """What a core reads, if that is plain, of exact products with all parts of the weights."""
        if self._reads_all:
            return sums[0]
        return self.arrays.exact(self.flow.core.ideal(sums), self.flow.wide_results)

    def _read(
        self, x: Array, parts: Sequence[Array], rng: np.random.Generator
    ) -> tuple[Array, ProductCounts]:
        """The same with noise, and what it took."""
        core, arrays, code = self.flow.core, self.arrays, self.flow.channel_code
        words = None
        if code is None:
            sums = self._sums(x, parts)
        else:
            residues = modular_products(arrays, x, parts, code.moduli.moduli)
            sums, words = [restore(arrays, residues, code)], words_of(arrays, residues)
        size = math.prod(sums[0].shape)
        pieces = arrays.pieces(sums[0]) if len(sums) == 1 else words_of(arrays, sums)
        # Before `ideal`, which may change the sums.
        changes = core.changes(size, pieces, rng, words_of=words)
        result = arrays.exact(core.ideal(sums), self.flow.wide_results)
        if changes.index.size:
            result = arrays.put(result, changes.index, changes.values)
        counts = ProductCounts(0, size, changes.wrong, sum(changes.attempts) or size)
        if changes.errors is not None:
            counts = replace(counts, **self._sizes(changes.errors))
        return result, counts

    def _sizes(self, errors: Errors) -> dict[str, int]:
        """How far outputs of a code are off, as counts have it."""
        return errors.sizes(self.flow.tolerance)._asdict()

    def _built(self, whole: Array, place: int, start: int) -> BuiltArray:
        """The arrays of a tile, whose errors depend on the chip and on where it is there."""
        values = self.arrays.plain(whole)
        stacked = values.reshape(-1, *values.shape[-2:]) if values.ndim > 2 else values
        seed = self.flow.core.devices.chip_seed
        streams = (
            np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place, start, of)))
            for of in range(2)
        )
        return self.flow.core.built(stacked, *streams)

    def _read_built(
        self, x: Array, w: Array, built: BuiltArray, rng: np.random.Generator
    ) -> tuple[Array, ProductCounts]:
        """What the core reads of products of whole numbers with the arrays as they are built."""
        core, arrays = self.flow.core, self.arrays
        result = arrays.exact(arrays.product(x, w), self.flow.wide_results)
        sums = arrays.plain(result).reshape(-1).astype(np.int64)
        read = core.multiply(arrays.plain(x), built, np.matmul, sums, rng)
        wrong, computed = int(np.count_nonzero(read.wrong)), sum(read.attempts)
        counts = ProductCounts(0, sums.size, wrong, computed)
        if core.code is not None:
            counts = replace(counts, **self._sizes(read.errors(sums)))
        return arrays.like(read.values.astype(np.float64), result), counts


def _cut(length: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, length)) for start in range(0, length, step))
