"""What of the installed PEFT's public functions touches adapters on a model, by introspection.

Public is what has no leading underscore. Asked are: every function that a module of PEFT outside of
``peft.tuners`` defines or lists in ``__all__``, every method and property of the classes of
``CLASSES``, and the fields of the configs of ``CONFIGS``. An *option* is an argument with a
default, a field of a config, or what a call takes out of its ``**kwargs`` by name.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from functools import cached_property
from importlib import import_module
from types import CodeType, FunctionType, ModuleType
from typing import Any

CLASSES: tuple[tuple[str, str], ...] = (
    ("peft.peft_model", "PeftModel"),
    ("peft.peft_model", "PeftModelForCausalLM"),
    ("peft.peft_model", "PeftModelForSeq2SeqLM"),
    ("peft.tuners.tuners_utils", "BaseTuner"),
    ("peft.tuners.lora", "LoraModel"),
    ("peft.tuners.tuners_utils", "BaseTunerLayer"),
    ("peft.tuners.lora", "LoraLayer"),
    ("peft.tuners.lora", "Linear"),
    ("peft.tuners.lora", "Embedding"),
    ("peft.utils.other", "AuxiliaryTrainingWrapper"),
    ("peft.utils.other", "ModulesToSaveWrapper"),
    ("peft.utils.other", "TrainableTokensWrapper"),
    ("peft.tuners.trainable_tokens", "TrainableTokensLayer"),
)
"""Whose methods are asked for, each with those that it does not have from one before it.

The classes of other tuners are not among them: they have rows of their own in docs/tuners.md.
"""
CONFIGS: tuple[tuple[str, str], ...] = (
    ("peft", "LoraConfig"),
    ("peft", "TrainableTokensConfig"),
)
MADE: tuple[tuple[str, str], ...] = (
    ("peft", "PeftModel"),
    ("peft", "PeftMixedModel"),
    ("peft.auto", "_BaseAutoPeftModel"),
)
"""Those that ``peft.__all__`` has of these and of what derives from them are one entry each."""


@dataclass(frozen=True)
class Signature:
    """One function that stands for a callable: the callable itself, or a subclass's own.

    ``options`` are names with their defaults; ``more`` is the name of its ``**kwargs``, or ``""``.
    """

    code: CodeType
    options: Mapping[str, Any]
    more: str


@dataclass(frozen=True)
class Callee:
    """A public function, method, property or config of PEFT.

    ``made`` is the class that is being made, where that is what the callable stands for; options
    are its fields then.
    """

    group: str
    name: str
    options: tuple[str, ...]
    signatures: tuple[Signature, ...]
    made: type | None = None

    @property
    def entries(self) -> tuple[str, ...]:
        """The names of its rows: its own, and one for each option."""
        return (self.name, *(option_name(self.name, one) for one in self.options))


def option_name(callee: str, option: str) -> str:
    """What the row of an option is called."""
    return f"{callee}({option}=)"


@dataclass(frozen=True)
class Surface:
    """All of them."""

    callees: tuple[Callee, ...]

    @cached_property
    def entries(self) -> dict[str, str]:
        """Each row, with the group that it stands in."""
        return {entry: one.group for one in self.callees for entry in one.entries}


def surface() -> Surface:
    """What the installed PEFT has; classes that it does not have are left out."""
    found = {one.name: one for one in (*_methods(), *_made(), *_configs(), *_functions())}
    return Surface(tuple(found.values()))


def _class(module: str, name: str) -> type | None:
    """A class of the installed PEFT, or None where it has none."""
    try:
        found = getattr(import_module(module), name, None)
    except ModuleNotFoundError:
        return None
    return found if isinstance(found, type) else None


def _methods() -> Iterator[Callee]:
    owners = [owner for owner in (_class(*one) for one in CLASSES) if owner is not None]
    for owner in owners:
        above = [one for one in owners if one in owner.__mro__[1:]]
        for attribute, value in vars(owner).items():
            function = _function(value)
            if function is None or attribute.startswith("_"):
                continue
            if any(hasattr(one, attribute) for one in above):
                continue  # stands for the first that has it
            name = f"{owner.__name__}.{attribute}"
            yield _callee(owner.__name__, name, function, _overriding(owner, attribute))


def _made() -> Iterator[Callee]:
    """The model classes of ``peft.__all__``, each by what makes one."""
    import peft

    roots = tuple(filter(None, (_class(*one) for one in MADE)))
    for name in sorted(getattr(peft, "__all__", ())):
        value: Any = getattr(peft, name)
        if isinstance(value, type) and issubclass(value, roots):
            made = getattr(value, "from_pretrained" if name.startswith("Auto") else "__init__")
            code = _undecorated(getattr(made, "__func__", made)).__code__
            yield Callee("model classes", name, (), (Signature(code, {}, ""),), made=value)


def _configs() -> Iterator[Callee]:
    for module, name in CONFIGS:
        owner: Any = _class(module, name)
        if owner is None:
            continue
        defaults = {one.name: _default(one) for one in fields(owner) if one.init}
        made = Signature(owner.__post_init__.__code__, defaults, "")
        yield Callee(name, name, tuple(defaults), (made,), made=owner)


def _default(of: Field[Any]) -> Any:
    return of.default if of.default_factory is MISSING else of.default_factory()


def _functions() -> Iterator[Callee]:
    """Functions of modules, each under the shortest path that it is public by."""
    met: set[int] = set()
    for module in _modules():
        listed = getattr(module, "__all__", None)
        for name in sorted(vars(module) if listed is None else listed):
            value = getattr(module, name, None)
            function = _function(value)
            if function is None or name.startswith("_") or id(function) in met:
                continue
            if listed is None and getattr(value, "__module__", "") != module.__name__:
                continue
            if not str(getattr(value, "__module__", "")).startswith("peft."):
                continue
            met.add(id(function))
            where = module.__name__
            found = _callee(where, f"{where}.{name}", function, [])
            # what is asked once in a process is called by whatever case comes first: by none
            yield replace(found, signatures=()) if hasattr(value, "cache_info") else found


def _modules() -> Iterator[ModuleType]:
    """``peft`` and its modules outside of the tuners' own, those with shorter names first."""
    import peft

    yield peft
    found = [
        one.name
        for one in pkgutil.walk_packages(peft.__path__, "peft.", onerror=lambda _: None)
        if not one.name.startswith("peft.tuners") and one.name.rpartition(".")[2][0] != "_"
    ]
    for name in sorted(found, key=lambda name: (name.count("."), name)):
        try:
            yield import_module(name)
        except ImportError:
            continue  # of a package that is not installed


def _function(value: Any) -> FunctionType | None:
    """What runs when a public attribute is used, without decorators; None for plain values."""
    if isinstance(value, (classmethod, staticmethod)):
        value = value.__func__
    if isinstance(value, property):
        value = value.fget
    value = _undecorated(value)
    return value if isinstance(value, FunctionType) else None


def _undecorated(value: Any) -> Any:
    """The function that a decorator closes over, or that stands behind a cache.

    PEFT's update_generate_signature gives its own generate the name of the base's for good, by
    ``functools.update_wrapper``, and never calls that.
    """
    cells = getattr(value, "__closure__", None) or ()
    inner = getattr(value, "__wrapped__", None)
    a_function = isinstance(value, FunctionType)
    called = not a_function or any(cell.cell_contents is inner for cell in cells)
    return _undecorated(inner) if inner is not None and called else value


def _overriding(owner: type | None, attribute: str) -> list[FunctionType]:
    """The same attribute of all classes that PEFT derives from this one."""
    found: list[FunctionType] = []
    waiting: list[type] = list(owner.__subclasses__()) if owner else []
    while waiting:
        one = waiting.pop()
        waiting.extend(one.__subclasses__())
        function = _function(vars(one).get(attribute)) if attribute in vars(one) else None
        if function is not None and one.__module__.startswith("peft."):
            found.append(function)
    return found


def _callee(
    group: str, name: str, function: FunctionType, overriding: list[FunctionType]
) -> Callee:
    signatures = _signatures([function, *overriding])
    own = signatures[0]
    names = (*own.options, *(_taken(function) if own.more else ()))
    return Callee(group, name, tuple(dict.fromkeys(names)), signatures)


def _signatures(functions: list[Any]) -> tuple[Signature, ...]:
    found = {}
    for function in functions:
        parameters = inspect.signature(function).parameters.values()
        variadic = {p.kind: p.name for p in parameters}
        options = {p.name: p.default for p in parameters if p.default is not p.empty}
        more = variadic.get(inspect.Parameter.VAR_KEYWORD, "")
        found[function.__code__] = Signature(function.__code__, options, more)
    return tuple(found.values())


def _taken(function: FunctionType) -> Iterator[str]:
    """What a call takes out of its ``**kwargs`` by name, itself or as a special word of forward."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    more = next(
        p.name for p in inspect.signature(function).parameters.values() if p.kind == p.VAR_KEYWORD
    )
    for node in ast.walk(tree):
        text = ""
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (f"{more}.pop", f"{more}.get"):
            text = _literal(node.args[0])
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == more:
            text = _literal(node.slice)
        elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[-1]) == more:
            text = _literal(node.left)
        elif isinstance(node, ast.Attribute) and node.attr == SPECIAL:
            yield from _special()
        if text:
            yield text


SPECIAL = "special_peft_forward_args"


def _special() -> tuple[str, ...]:
    """The arguments that a wrapped model's ``forward`` and ``generate`` keep from the base."""
    from peft import PeftModel

    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(PeftModel.__init__)))):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == f"self.{SPECIAL}":
            return tuple(sorted(ast.literal_eval(node.value)))
    return ()


def _literal(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
