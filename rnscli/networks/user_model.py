"""A network of a user, made by a function of a module of theirs."""

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from torch import nn

from rnscli.base import InputError, said
from rnscli.networks.determinism import ALONE, RandomStream

_WANTED = "a function that makes a torch.nn.Module, as in package.module:function"


def load_model(where: str, seed: int = 0) -> nn.Module:
    """Import a module, also from the current directory, and call its function.

    The function is called without arguments, torch's random numbers beginning at the seed, so that
    weights that nothing else decides are the same in every run.

    Parameters
    ----------
    where
        ``package.module:function``; a class is such a function, too.
    seed
        Of torch's random numbers.

    Examples
    --------
    >>> type(load_model("rnscli.networks.models.cnn:make")).__name__
    'DigitsCnn'
    >>> load_model("rnscli.networks.models.cnn:build")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    rnscli.base.errors.InputError: `model` rnscli...cnn:build: ...cnn.py has no build; ...
    """
    module_name, colon, attribute = where.partition(":")
    parts = [*module_name.split("."), *attribute.split(".")]
    if not colon or not all(part.isidentifier() for part in parts):
        raise InputError.of("model", where, f"the name of {_WANTED}", what=f"is {where or 'empty'}")
    with _of_the_user():
        module = _imported(where, module_name)
        factory: object = module
        for part in attribute.split("."):
            if not hasattr(factory, part):
                place = getattr(module, "__file__", None) or module_name
                raise InputError(f"`model` {where}: {place} has no {attribute}; name {_WANTED}")
            factory = getattr(factory, part)
        if isinstance(factory, nn.Module):
            raise InputError(
                f"`model` {where} is a {type(factory).__name__} that is made already; "
                f"name {_WANTED}"
            )
        if not callable(factory):
            raise InputError(f"`model` {where} is a {type(factory).__name__}; name {_WANTED}")
        try:
            with RandomStream(seed).in_use():
                model = factory()
        except (Exception, SystemExit) as error:
            raise InputError(
                f"`model` {where} cannot be called without arguments: {said(error)}"
                if _is_call_itself(error)
                else f"`model` {where} raises {said(error)}; it must return a torch.nn.Module"
            ) from None
    if not isinstance(model, nn.Module):
        raise InputError(
            f"`model` {where} returns a {type(model).__name__}; it must return a torch.nn.Module"
        )
    return model


def _imported(where: str, name: str) -> ModuleType:
    importlib.invalidate_caches()  # the file may be a second old
    try:
        with RandomStream(0).in_use():  # a module may make a model that nobody uses
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise InputError(
                f"`model` {where}: there is no module {error.name}, neither installed nor in the "
                f"current directory; name {_WANTED}"
            ) from None
        raise InputError(f"`model` {where} cannot be imported: {said(error)}") from None
    except (Exception, SystemExit) as error:
        raise InputError(f"`model` {where} cannot be imported: {said(error)}") from None


def _is_call_itself(error: BaseException) -> bool:
    """Whether the call failed before it was in the function: its arguments are wrong."""
    trace = error.__traceback__
    return isinstance(error, TypeError) and trace is not None and trace.tb_next is None


@contextlib.contextmanager
def _of_the_user() -> Iterator[None]:
    """The current directory is searched first; what a module prints is not the result.

    Only for a while: a file there may have the name of a module that is imported later.
    """
    with ALONE:
        folder = str(Path.cwd())
        sys.path.insert(0, folder)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                yield
        finally:
            with contextlib.suppress(ValueError):  # the module may have put it in order itself
                sys.path.remove(folder)
