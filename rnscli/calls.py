"""One call for what is one line in a shell: keyword arguments, named as the options.

A value is a number, a text as in the shell (``"4..8"``, ``"100fJ±30%"``) or, for a sweep, a list,
a range or an array. One row comes back where every option has one value, defaults included, and
`Rows` where one has several, for every combination: the rows of the shell. Whatever the shell
refuses is an `InputError` with the same sentence. ``progress`` shows how far a call has come: if it
is not given, in a notebook and on a terminal; always or never with ``True`` and ``False``.

The options of a command, their defaults and what contradicts what are declared once, with the
command. So it is the command that answers, and click, which declares them, is loaded by the first
call with keyword arguments; parameter objects need neither.
"""

from collections.abc import Callable, Mapping
from typing import Any, overload

from rnscli import analysis, runtime  # whose names are loaded when one is used
from rnscli.base import InputError

# What keyword arguments give is a row or rows, as these say, which no type hint can: hence Any.


def moduli(*unnamed: Any, **options: Any) -> Any:
    """Moduli sets whose product covers a dot product, found by an exact search.

    Sums of h products of operands of b_in and b_w bits have
    ``D = 2 h (2^(b_in-1) - 1) (2^(b_w-1) - 1) + 1`` values. No set of pairwise coprime moduli up to
    ``2^b - 1`` covers them with fewer members or, with as many, has a larger range.

    Parameters
    ----------
    **options
        Those of ``rnscli moduli``.

    Returns
    -------
    ModuliRow or Rows

    Raises
    ------
    InputError
        If an option is not accepted.
    NoSolutionError
        If no combination has an answer; where some have one, the others are warnings.

    Examples
    --------
    >>> import rnscli
    >>> rnscli.moduli(bits=6, redundant=2).redundant_moduli
    (63, 62)
    >>> rnscli.moduli(bits=[5, 6])["dynamic_range"]
    [679644, 14057694]
    >>> rnscli.moduli(bit=6)
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: moduli has no option bit; did you mean bits?
    """
    return _answer("moduli", "moduli", options, unnamed)


@overload
def dot_error(
    parameters: "analysis.DotErrorParameters",
    runner: "runtime.Runner | None" = None,
    progress: "Callable[[runtime.Progress[analysis.ErrorStatistics]], None] | bool | None" = None,
) -> "analysis.DotErrorResult": ...
@overload
def dot_error(**options: Any) -> Any: ...
def dot_error(parameters: Any = None, runner: Any = None, progress: Any = None, **more: Any) -> Any:
    """Monte Carlo of the error of dot products in each core, against float64.

    Operands are quantised per vector, multiplied in the core and scaled back, with all cores on the
    same ones.

    Parameters
    ----------
    parameters, runner, progress
        As `rnscli.analysis.error.dot_error.dot_error` has them, which is called then; ``progress``
        may also be ``True``, for a bar.
    **more
        Instead, the options of ``rnscli error-sim``.

    Returns
    -------
    DotErrorResult
        For a parameter object.
    DotErrorRow or Rows
        For options.

    Raises
    ------
    InputError
        If an option is not accepted, or errors do not cease with unlimited attempts.

    Examples
    --------
    >>> import rnscli
    >>> rows = rnscli.dot_error(bits=6, pairs=2000)
    >>> [(row.core, row.adc_range) for row in rows]
    [('rns', None), ('fixed-lp', 'full'), ('fixed-lp', 'calibrated'), ('fixed-hp', 'full')]
    >>> 9 < rows[1].relative_to_rns < 16.5, rows[2].relative_to_rns < 3
    (True, True)
    """
    if _is_object(parameters, analysis.DotErrorParameters, more):
        if not isinstance(progress, bool):
            return analysis.dot_error(parameters, runner, progress)
        from rnscli.cli.bars import bar_for

        with bar_for(progress)(parameters.pairs, "pairs") as advance:
            return analysis.dot_error(parameters, runner, lambda one: advance(one.samples))
    return _answer("dot_error", "error-sim", more | _given(runner=runner, progress=progress))


@overload
def fault_probability(parameters: "analysis.FaultParameters") -> "analysis.FaultProbability": ...
@overload
def fault_probability(**options: Any) -> Any: ...
def fault_probability(parameters: Any = None, **options: Any) -> Any:
    """Exact probabilities of a redundant code under independent residue errors.

    An attempt is correct, detected or undetected with probabilities p_c, p_d and p_u; detected ones
    are repeated, up to R attempts: ``p_err = p_u (1 - p_d^R) / (1 - p_d) + p_d^R``. How p_u is
    computed is said at `rnscli.analysis.faults.fault_probability.fault_probability`.

    Parameters
    ----------
    parameters
        Code, noise and attempts as an object.
    **options
        Instead, those of ``rnscli fault-prob``.

    Returns
    -------
    FaultProbability or Rows

    Raises
    ------
    InputError
        If an option is not accepted, or the code is too large.

    References
    ----------
    arXiv:2309.10759, Methods.

    Examples
    --------
    >>> import rnscli
    >>> row = rnscli.fault_probability(bits=6, redundant=2, p=1e-3, attempts=2)
    >>> f"{row.p_err:.3e}"
    '9.157e-07'
    >>> rnscli.fault_probability(moduli=[63, 62, 61, 59], p=1e-3)["attempts"]
    [1, 2, inf]
    >>> moduli = rnscli.ModuliSet([63, 62, 61, 59, 55, 53], redundant=2)
    >>> row == rnscli.fault_probability(rnscli.FaultParameters(moduli=moduli, p=1e-3, attempts=2))
    True
    """
    if _is_object(parameters, analysis.FaultParameters, options):
        return analysis.fault_probability(parameters)
    return _answer("fault_probability", "fault-prob", options)


@overload
def noise(parameters: "analysis.NoiseParameters") -> "tuple[analysis.NoiseRow, ...]": ...
@overload
def noise(**options: Any) -> Any: ...
def noise(parameters: Any = None, **options: Any) -> Any:
    """What the ADCs of a core read wrong, part by part, and how often a residue is wrong.

    Standard deviations are in steps of an ADC, exact sums over uniform operands; formulas are in
    docs/devices.md.

    Parameters
    ----------
    parameters
        Core, technology and devices as an object: a row for each modulus, or slice of the weights.
    **options
        Instead, those of ``rnscli noise``; with ``solve`` what a wanted probability allows.

    Returns
    -------
    NoiseRow, SolvedRow or Rows

    Raises
    ------
    InputError
        If an option is not accepted.
    NoSolutionError
        If nothing allows the ``target``.

    References
    ----------
    Xiao et al., arXiv:2109.01262, errors of cells and wires.

    Examples
    --------
    >>> import rnscli
    >>> rows = rnscli.noise(core="rns", bits=6, vector_size=16)
    >>> [f"{p:.1e}" for p in rows["p"]]
    ['4.1e-10', '2.2e-10', '1.1e-10']
    >>> row = rnscli.noise(solve="cell-error", residues="symmetric", vector_size=64)
    >>> f"{row.value:.3g}"
    '4.77e-05'
    """
    if _is_object(parameters, analysis.NoiseParameters, options):
        return analysis.noise_table(parameters)
    return _answer("noise", "noise", options)


@overload
def energy(
    parameters: "analysis.EnergyParameters", reference: "analysis.EnergyParameters | None" = None
) -> "analysis.EnergyRow": ...
@overload
def energy(**options: Any) -> Any: ...
def energy(parameters: Any = None, reference: Any = None, **options: Any) -> Any:
    """Energy, latency and area of one dot product of h terms in an h x c array.

    The sum over converters, array, conversion, decoding and the additions of slices, times the
    attempts that the code needs on average.

    Parameters
    ----------
    parameters, reference
        The design, and the one with the core ``rns`` that it is compared with, as objects.
    **options
        Instead, those of ``rnscli energy``.

    Returns
    -------
    EnergyRow or Rows
        With ``workload`` of `WorkloadRow`, with ``sensitivity`` of `SensitivityRow`.

    Raises
    ------
    InputError
        If an option is not accepted, or a model is outside of its range.

    References
    ----------
    arXiv:2309.10759, energy of data converters.

    Examples
    --------
    >>> import rnscli
    >>> row = rnscli.energy(bits=6, core="fixed-lp", technology="reram-analog")
    >>> f"{row.adc_energy_j * 1e12:.3f} pJ"
    '2.304 pJ'
    >>> rnscli.energy(bits=6)["core"]
    ['rns', 'fixed-lp', 'fixed-hp', 'digital-int8']
    """
    if _is_object(parameters, analysis.EnergyParameters, options):
        from rnscli.analysis.energy.bill import energy as bill

        return bill(parameters, reference)
    return _answer("energy", "energy", options | _given(reference=reference))


def chip(*unnamed: Any, **options: Any) -> Any:
    """A network on a chip of many arrays: throughput, latency, energy, power and area.

    Layers get copies of their tiles with which the slowest layer takes the least time; what does
    not fit is loaded. The time between two runs is that of the slowest layer, or of what all layers
    share: digital units, vector lanes, the buffer and the DRAM.

    Parameters
    ----------
    **options
        Those of ``rnscli chip``.

    Returns
    -------
    ChipRow or Rows
        With ``per_layer`` a row for each layer, and the total at the end.

    Raises
    ------
    InputError
        If an option is not accepted, or the technology does not say what writing weights takes.
    NoSolutionError
        If not even one tile fits in the area.

    Examples
    --------
    >>> import rnscli
    >>> one, more = rnscli.chip(workload="resnet50", core="fixed-lp", arrays=[1576, 6000])
    >>> one.schedule, more.time_s < one.time_s / 3
    ('pipelined', True)
    """
    return _answer("chip", "chip", options, unnamed)


def design(*unnamed: Any, **options: Any) -> Any:
    """The best design under limits, by an exact search of all combinations.

    Parameters
    ----------
    **options
        Those of ``rnscli design``.

    Returns
    -------
    Rows
        Of `DesignRow`: the chosen design, the others of the Pareto front, and the neighbours of the
        chosen one, with why they lose. Where there is only one design to choose from, its row.
        With ``workload`` of `ChipDesignRow`, with ``layer_bits`` of `LayerBitsRow`.

    Raises
    ------
    InputError
        If an option is not accepted.
    NoSolutionError
        If no design keeps the limits.

    Examples
    --------
    >>> import rnscli
    >>> rows = rnscli.design(max_error=0.2, core="rns", bits=range(4, 7), pairs=1000)
    >>> rows[0].role, rows[0].bits
    ('chosen', 5)
    """
    return _answer("design", "design", options, unnamed)


def accuracy(*unnamed: Any, **options: Any) -> Any:
    """Accuracy of neural networks whose matrix products are computed in each core, beside FP32.

    Takes the options of ``rnscli accuracy``, such as ``model="digits-cnn", bits=range(4, 9)``, and
    gives an `AccuracyRow`, or `Rows` of them.

    Raises
    ------
    InputError
        If an option is not accepted, or PyTorch is not installed.
    """
    return _answer("accuracy", "accuracy", options, unnamed)


def train(*unnamed: Any, **options: Any) -> Any:
    """Training of neural networks in each core, beside FP32.

    Takes the options of ``rnscli train``, such as ``model="digits-cnn", bits=6, epochs=2``, and
    gives a `TrainingRow`, or `Rows` of them.

    Raises
    ------
    InputError
        If an option is not accepted, or PyTorch is not installed.
    """
    return _answer("train", "train", options, unnamed)


def _is_object(parameters: object, expected: type, options: Mapping[str, Any]) -> bool:
    """Whether a call has a parameter object; refuses one of another type, or one with options."""
    if parameters is None:
        return False
    accepted = f"of the type {expected.__name__}; options are keyword arguments, as in bits=6"
    if not isinstance(parameters, expected):
        raise InputError.of("parameters", parameters, accepted)
    if options:
        raise InputError(
            f"`{next(iter(options))}` is an option, and `parameters` has all values; "
            "give one or the other"
        )
    return True


def _given(**arguments: Any) -> dict[str, Any]:
    """Those that are given; where options are, too, they are refused like any unknown one."""
    return {name: value for name, value in arguments.items() if value is not None}


def _answer(
    function: str, command: str, options: Mapping[str, Any], unnamed: tuple[Any, ...] = ()
) -> Any:
    if unnamed:
        raise InputError(f"{function} takes options as keyword arguments, as in bits=6")
    from rnscli.cli.call import call  # loads click

    return call(function, command, options)
