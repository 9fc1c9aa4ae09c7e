"""Which modules of a model go to which core."""

from collections.abc import Callable, Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from torch import nn
from torch.nn.utils.parametrize import ParametrizationList

from rnscli.base import InputError, nearest, shown
from rnscli.matrix import Dataflow
from rnscli.torch.product import CoreOrFlow, flow_of

# A name or a pattern of names, a class, or a function of name and module.
Choice = str | type[nn.Module] | Callable[[str, nn.Module], bool]
# One for all layers, one for each pattern of names, or what a function of name and module says.
Cores = (
    CoreOrFlow
    | Mapping[str, CoreOrFlow | None]
    | Callable[[str, nn.Module], CoreOrFlow | None]
)  # fmt: skip


def flows_of(core: Cores) -> Callable[[str, nn.Module], Dataflow | None]:
    """The dataflow of each module by its name, or ``None`` if it is left as it is.

    Raises
    ------
    InputError
        If it is none of these, or, when it is called, if a function gives something else.
    """
    if isinstance(core, Mapping):
        if not core:
            raise InputError(
                "`core` is an empty mapping, which would leave every layer as it is; it must have "
                "a core for a name or a pattern of names"
            )
        flows = {name: None if one is None else flow_of(one) for name, one in core.items()}
        for name in flows:
            if not isinstance(name, str):
                accepted = "a mapping from names or patterns of names to cores"
                raise InputError.of("core", name, accepted, what=f"has the key {shown(name)}")

        def chosen(name: str, module: nn.Module) -> Dataflow | None:
            return next((flows[one] for one in flows if fits_within(one, name)), None)

        return chosen
    if isinstance(core, Dataflow | nn.Module | type) or hasattr(core, "dot_product"):
        flow = flow_of(core)  # type: ignore[arg-type]
        return lambda name, module: flow
    if callable(core):

        def given(name: str, module: nn.Module) -> Dataflow | None:
            found = core(name, module)
            return None if found is None else flow_of(found)

        return given
    flow = flow_of(core)
    return lambda name, module: flow


def fits(pattern: str, name: str) -> bool:
    """Whether a name is this one, or of this pattern: ``*`` is any text, dots as well."""
    return pattern == name or fnmatchcase(name, pattern)


def fits_within(pattern: str, name: str) -> bool:
    """Whether a module, or one that it is in, has a name of this pattern."""
    parts = name.split(".") if name else []
    return any(fits(pattern, ".".join(parts[:count])) for count in range(len(parts) + 1))


def check_patterns(
    what: str, patterns: Iterable[Any], model: nn.Module, said: str = "the model"
) -> None:
    """Refuse names and patterns that no module of a model has, which ``said`` calls.

    Raises
    ------
    InputError
        If there is one.
    """
    names = [name for name, _ in model.named_modules(remove_duplicate=False)]
    for one in patterns:
        if isinstance(one, str) and not any(fits(one, name) for name in names):
            of = "fits no submodule" if any(c in one for c in "*?[") else "is no submodule"
            hint = nearest(one, names)
            raise InputError(f"`{what}` names {one}, which {of} of {said}{hint}")


def check_reached(
    what: str, patterns: Iterable[str], model: nn.Module, said: str = "the model"
) -> None:
    """Refuse names and patterns all of whose modules have an earlier one that fits.

    Raises
    ------
    InputError
        If there is one.
    """
    every = list(patterns)
    names = [name for name, _ in model.named_modules(remove_duplicate=False)]
    first = {name: next((one for one in every if fits_within(one, name)), None) for name in names}
    for one in every:
        others = [first[name] for name in names if fits_within(one, name)]
        if others and one not in others:
            raise InputError(
                f"`{what}` has {one} behind {others[0]}, which fits all that it fits of {said} and "
                "decides; put the narrower one first, or leave it out"
            )


def left_out(model: nn.Module, exclude: Collection[Choice]) -> frozenset[str]:
    """Names of the modules that are left as they are.

    A module of several names is left if one of them is excluded. What computes parameters out of
    parameters, such as a spectral norm, is no part of the forward pass.

    Raises
    ------
    InputError
        If ``exclude`` is no list of choices, or a name, a pattern or a class in it fits nothing.
    """
    accepted = "a list of names or patterns of submodules, classes and functions"
    if isinstance(exclude, str):
        raise InputError.of("exclude", exclude, accepted, what=f"is the text {exclude}")
    if not isinstance(exclude, Collection):
        raise InputError.of("exclude", exclude, accepted, what=f"is {shown(exclude)}")
    for other in exclude:
        if not isinstance(other, str) and not callable(other):
            raise InputError.of("exclude", other, accepted, what=f"holds {shown(other)}")
    check_patterns("exclude", exclude, model)
    for kind in (one for one in exclude if isinstance(one, type)):
        if not any(isinstance(module, kind) for module in model.modules()):
            raise InputError(
                f"`exclude` has the class {kind.__name__}, and the model has none of it"
            )
    left = {
        id(inner)
        for name, module in model.named_modules(remove_duplicate=False)
        if isinstance(module, ParametrizationList)
        or any(_is_chosen(one, name, module) for one in exclude)
        for inner in module.modules()
    }
    return frozenset(name for name, module in model.named_modules() if id(module) in left)


def _is_chosen(choice: Choice, name: str, module: nn.Module) -> bool:
    if isinstance(choice, str):
        return fits(choice, name)
    if isinstance(choice, type):
        return isinstance(module, choice)
    return bool(choice(name, module))
