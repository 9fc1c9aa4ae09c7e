"""The published results of networks: each as a case, with all that must be computed for it."""

from collections.abc import Collection, Iterable

from rnscli.analysis import published
from rnscli.analysis.network_study import CORES, NetworkPoint, NetworkStudy, TrainingPoint
from rnscli.analysis.reproduction_cases import Case, chosen
from rnscli.analysis.verdict import PrintedCurve

NETWORK_RESULTS = ("accuracy-h", "accuracy-b", "training", "accuracy-p")


def network_names(study: NetworkStudy) -> tuple[str, ...]:
    """What `rnscli.reproduce_networks` can compute alone."""
    return tuple(case.name for case in _every_case(study, 0))


def is_named(study: NetworkStudy, only: Collection[str]) -> bool:
    """Whether any of these names is one of a network, or of a result of networks."""
    return any(name in (*NETWORK_RESULTS, *network_names(study)) for name in only)


def _every_case(study: NetworkStudy, seed: int) -> Iterable[Case]:
    return (
        *size_cases(study, seed),
        *bits_cases(study, seed),
        *training_cases(study, seed),
        *noise_cases(study, seed),
    )


def size_cases(study: NetworkStudy, seed: int) -> dict[Case, tuple[NetworkPoint, ...]]:
    """Accuracy in a conventional core at the largest h, beside all smaller ones."""
    model, largest = study.size_model, study.sizes[-1]
    return {
        Case(
            name=f"accuracy-h-{bits}",
            result="accuracy-h",
            case=f"b = {bits}, h = {largest}",
            printed=published.ACCURACY_BY_SIZE,
            column="relative_accuracy",
            command=_command(study, model, "fixed-lp", bits, largest, seed),
        ): study.in_conventional_core(bits)
        for bits in study.size_bits
    }


def bits_cases(study: NetworkStudy, seed: int) -> dict[Case, tuple[NetworkPoint, ...]]:
    """Accuracy on residues of few bits, and the fewest bits that a conventional core needs."""
    bits = published.ACCURACY_BITS
    on_residues = {
        Case(
            name=f"accuracy-b-rns-{model}",
            result="accuracy-b",
            case=f"rns b = {bits}, {model}",
            printed=published.RELATIVE_ACCURACY,
            column="relative_accuracy",
            command=_command(study, model, "rns", bits, published.VECTOR_SIZE, seed),
        ): (NetworkPoint(model, "rns", bits),)
        for model in study.models
    }
    needed = {
        Case(
            name=f"accuracy-b-fixed-lp-{model}",
            result="accuracy-b",
            case=f"fixed-lp b, {model}",
            printed=published.CONVENTIONAL_BITS,
            column="computed",
            command=_own_command(f"accuracy-b-fixed-lp-{model}", seed),
        ): study.on_core(model, "fixed-lp")
        for model in study.models
    }
    return {**on_residues, **needed}


def training_cases(study: NetworkStudy, seed: int) -> dict[Case, tuple[TrainingPoint, ...]]:
    """Accuracy after training on residues, minus that after training in FP32."""
    bits = published.TRAINING_BITS
    seeds = ",".join(map(str, study.seeds_from(seed)))
    case = Case(
        name=f"training-{bits}",
        result="training",
        case=f"b = {bits}, {study.training_model}",
        printed=published.TRAINING,
        column="accuracy_difference",
        command=f"rnscli train --model {study.training_model} --core rns --bits {bits} "
        f"--vector-size {published.VECTOR_SIZE} --epochs {study.epochs} --seed {seeds}",
    )
    return {case: study.trained_with((bits,), seed)}


def noise_cases(study: NetworkStudy, seed: int) -> dict[Case, tuple[NetworkPoint, ...]]:
    """The largest p at which a network keeps its accuracy, with k moduli and R attempts."""
    return {
        Case(
            name=f"accuracy-p-k{redundant}-r{attempts}",
            result="accuracy-p",
            case=f"largest p, k = {redundant}, R = {attempts}",
            printed=PrintedCurve(),
            column="computed",
            command=_own_command(f"accuracy-p-k{redundant}-r{attempts}", seed),
        ): study.under_noise(redundant, attempts)
        for redundant, attempts in study.redundancies
    }


def points_of(study: NetworkStudy, only: Collection[str]) -> tuple[NetworkPoint, ...]:
    """Networks on cores that are computed, each once: for the rows, and for pictures of results."""
    cases = {**size_cases(study, 0), **bits_cases(study, 0), **noise_cases(study, 0)}
    found = [point for points in chosen(cases, only).values() for point in points]
    if not only or "accuracy-b" in only:
        found += [
            point
            for model in study.models
            for core in CORES
            for point in study.on_core(model, core)
        ]
    return tuple(dict.fromkeys(found))


def trainings_of(
    study: NetworkStudy, only: Collection[str], seed: int
) -> tuple[TrainingPoint, ...]:
    """Trainings that are computed, each once."""
    if not only or "training" in only:
        return study.trained_with(study.training_bits, seed)
    found = chosen(training_cases(study, seed), only)
    return tuple(point for points in found.values() for point in points)


def _command(study: NetworkStudy, model: str, core: str, bits: int, size: int, seed: int) -> str:
    samples = f" --samples {study.samples}" if study.samples is not None else ""
    return (
        f"rnscli accuracy --model {model} --core {core} --bits {bits} --vector-size {size}"
        f"{samples} --seed {seed}"
    )


def _own_command(name: str, seed: int) -> str:
    return f"rnscli reproduce --only {name} --seed {seed}"
