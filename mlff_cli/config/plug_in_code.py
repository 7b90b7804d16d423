"""The code of a plug-in, imported when it is chosen and never before."""

import inspect
import sys
from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import Any, NoReturn, TypeVar

from mlff_cli.config.plug_ins import PlugIn, Source
from mlff_cli.errors import UserError

T = TypeVar("T")


def class_in(plug_in: PlugIn, base: type[T], keys: Iterable[str] = ()) -> type[T]:
    """Return the class that a plug-in is.

    Args:
        plug_in: Of a kind that is a class.
        base: What it has to be a subclass of.
        keys: Arguments that it has to take: those of its YAML.

    Raises:
        UserError: It cannot be imported, or is no such class.
    """
    code = _code(plug_in)
    found = _defined(code, base) if isinstance(code, ModuleType) else code
    if not (isinstance(found, type) and issubclass(found, base)):
        _refuse(plug_in, f"it defines no {base.__name__}")
    if missing := sorted(getattr(found, "__abstractmethods__", ())):
        _refuse(plug_in, f"{found.__name__} lacks {', '.join(missing)}")
    parameters = inspect.signature(found).parameters.values()
    taken = {parameter.name for parameter in parameters}
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return found
    if unknown := next((key for key in keys if key not in taken), None):
        _refuse(plug_in, f"its YAML has the key '{unknown}', which {found.__name__} does not take")
    return found


def object_in(plug_in: PlugIn, name: str, kind: type[T]) -> T:
    """Return the object that a plug-in is; in a file that of the given name.

    Raises:
        UserError: It cannot be imported, or is no such object.
    """
    code = _code(plug_in)
    found = getattr(code, name, None) if isinstance(code, ModuleType) else code
    if not isinstance(found, kind):
        _refuse(plug_in, f"it holds no {kind.__name__}")
    return found


def _code(plug_in: PlugIn) -> Any:
    """Return what an entry point leads to, or the module that a file is."""
    try:
        if isinstance(plug_in.code, Source):
            return _module(plug_in.code)
        return plug_in.code.load()
    except UserError:
        raise
    except Exception as error:  # whatever a stranger's code raises
        said = " ".join(str(error).split())
        _refuse(plug_in, f"it cannot be imported ({type(error).__name__}: {said})", error)


@cache
def _module(source: Source) -> ModuleType:
    """Return a file as a module: what was hashed is what runs, and no byte code is left behind."""
    module = ModuleType(f"mlff_file_{source.file.parent.name}_{source.file.stem}")
    module.__file__ = str(source.file)
    sys.modules[module.__name__] = module  # where dataclasses and pickle look for it
    try:
        exec(compile(source.content, str(source.file), "exec"), vars(module))
    except BaseException:
        del sys.modules[module.__name__]
        raise
    return module


def _defined(module: ModuleType, base: type[T]) -> Any:
    """Return the first class that a module defines, and does not only import, of some base."""
    own = (value for value in vars(module).values() if isinstance(value, type))
    return next((c for c in own if issubclass(c, base) and c.__module__ == module.__name__), None)


def _refuse(plug_in: PlugIn, reason: str, error: Exception | None = None) -> NoReturn:
    raise UserError(
        f"{plug_in.kind}={plug_in.name} is of {plug_in.origin}: {reason}; repair or update it, or "
        f"choose another {plug_in.kind}"
    ) from error
