"""The language of ``when``: a boolean expression over the facts of a case, read and never run.

``and``, ``or``, ``not``, parentheses, ``==``, ``!=``, ``in`` and ``not in``; names are facts, and
what they are compared with are words in quotes or lists of them. Nothing else is accepted.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

Value = bool | str | frozenset[str]
Lookup = Callable[[str], Value]
"""The value of a fact, by name."""
TYPES: Mapping[type, str] = {bool: "a flag", str: "a word", frozenset: "a set of words"}


class WhenError(ValueError):
    """An expression that is not one of this language; the message is one sentence."""


class Expression(ABC):
    """One part of an expression."""

    @abstractmethod
    def holds(self, fact: Lookup) -> bool:
        """Whether a case with these facts is meant."""

    @abstractmethod
    def unmet(self, fact: Lookup) -> tuple[str, ...]:
        """The parts that keep such a case out, as they are written; none where it is meant."""

    @abstractmethod
    def names(self) -> Iterator[str]:
        """The facts that it asks for."""

    def denied(self) -> Expression:
        """Its opposite."""
        return Not(self)


@dataclass(frozen=True)
class Flag(Expression):
    """A fact that is true or false by itself."""

    name: str

    def __str__(self) -> str:
        return self.name

    def holds(self, fact: Lookup) -> bool:
        """Whether the flag is set."""
        return bool(fact(self.name))

    def unmet(self, fact: Lookup) -> tuple[str, ...]:
        """Itself where it is not set."""
        return () if self.holds(fact) else (str(self),)

    def names(self) -> Iterator[str]:
        """The one fact."""
        yield self.name


@dataclass(frozen=True)
class Among(Expression):
    """A word is one of some words; ``backwards`` where a word is asked for in a set of words."""

    name: str
    words: tuple[str, ...]
    written: str
    backwards: bool = False

    def __str__(self) -> str:
        return self.written

    def holds(self, fact: Lookup) -> bool:
        """Whether it is."""
        value = fact(self.name)
        if self.backwards:
            assert isinstance(value, frozenset)
            return self.words[0] in value
        return value in self.words

    def unmet(self, fact: Lookup) -> tuple[str, ...]:
        """Itself where it is not."""
        return () if self.holds(fact) else (str(self),)

    def names(self) -> Iterator[str]:
        """The one fact."""
        yield self.name


@dataclass(frozen=True)
class Not(Expression):
    """The opposite of a part."""

    part: Expression

    def __str__(self) -> str:
        inner = str(self.part)
        return f"not ({inner})" if isinstance(self.part, Several) else f"not {inner}"

    def holds(self, fact: Lookup) -> bool:
        """Whether the part does not."""
        return not self.part.holds(fact)

    def unmet(self, fact: Lookup) -> tuple[str, ...]:
        """Itself where the part does."""
        return () if self.holds(fact) else (str(self),)

    def names(self) -> Iterator[str]:
        """Those of the part."""
        yield from self.part.names()


@dataclass(frozen=True)
class Several(Expression):
    """Parts of which all have to hold, or one."""

    word: str
    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        inner = (f"({one})" if isinstance(one, Several) else str(one) for one in self.parts)
        return f" {self.word} ".join(inner)

    def holds(self, fact: Lookup) -> bool:
        """Whether they do."""
        some = (one.holds(fact) for one in self.parts)
        return all(some) if self.word == "and" else any(some)

    def unmet(self, fact: Lookup) -> tuple[str, ...]:
        """What is missing: of all parts what each lacks, of alternatives what the nearest lacks."""
        missing = [one.unmet(fact) for one in self.parts]
        if self.word == "and":
            return tuple(text for some in missing for text in some)
        return min(missing, key=len)

    def names(self) -> Iterator[str]:
        """Those of all parts."""
        for one in self.parts:
            yield from one.names()


def parse(text: str, types: Mapping[str, type]) -> Expression:
    """Read an expression; ``types`` are those of the facts.

    Raises WhenError for what is no expression, for a fact that is unknown, and for a fact that is
    asked for what it cannot be.
    """
    try:
        tree = ast.parse(" ".join(text.split()), mode="eval").body
    except SyntaxError as error:
        raise WhenError(f"cannot be read at {error.text or text!r}: {error.msg}") from None
    return _Reader(types).read(tree)


@dataclass(frozen=True)
class _Reader:
    types: Mapping[str, type]

    def read(self, node: ast.expr) -> Expression:
        if isinstance(node, ast.BoolOp):
            word = "and" if isinstance(node.op, ast.And) else "or"
            return Several(word, tuple(map(self.read, node.values)))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Not(self.read(node.operand))
        if isinstance(node, ast.Name):
            self._expect(node.id, bool, f"is no condition by itself: compare {node.id!r} with")
            return Flag(node.id)
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self._comparison(node, node.left, node.ops[0], node.comparators[0])
        told = "facts, and, or, not, ==, !=, in, not in, words in quotes and lists of words"
        raise WhenError(f"{ast.unparse(node)!r} is not accepted: an expression is made of {told}")

    def _comparison(
        self, node: ast.Compare, left: ast.expr, how: ast.cmpop, right: ast.expr
    ) -> Expression:
        written = ast.unparse(node)
        if isinstance(left, ast.Name) and isinstance(how, (ast.Eq, ast.NotEq)):
            self._expect(left.id, str, f"cannot be compared in {written!r}: it takes")
            found: Expression = Among(left.id, (self._word(right),), _equal(left, right))
            return Not(found) if isinstance(how, ast.NotEq) else found
        denied = isinstance(how, ast.NotIn)
        if isinstance(how, ast.In) or denied:
            if isinstance(right, ast.Name):
                self._expect(right.id, frozenset, f"holds no words in {written!r}: it takes")
                word = self._word(left)
                found = Among(right.id, (word,), f"{word!r} in {right.id}", backwards=True)
                return Not(found) if denied else found
            if isinstance(left, ast.Name) and isinstance(right, (ast.List, ast.Tuple)):
                self._expect(left.id, str, f"cannot be compared in {written!r}: it takes")
                words = tuple(map(self._word, right.elts))
                listed = ", ".join(map(repr, words))
                found = Among(left.id, words, f"{left.id} in [{listed}]")
                return Not(found) if denied else found
        raise WhenError(
            f"{written!r} is not accepted: write a fact == 'word', a fact in "
            f"['word', ...], or 'word' in a fact"
        )

    def _expect(self, name: str, wanted: type, told: str) -> None:
        if name not in self.types:
            raise WhenError(f"there is no fact {name!r}; the facts are {', '.join(self.types)}")
        if self.types[name] is not wanted:
            ways = {
                bool: "nothing, it stands alone",
                str: "== or in a list of words",
                frozenset: "'word' in it",
            }
            is_ = TYPES[self.types[name]]
            raise WhenError(f"the fact {name!r} is {is_} and {told} {ways[self.types[name]]}")

    def _word(self, node: ast.expr) -> str:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        raise WhenError(f"{ast.unparse(node)!r} is no word in quotes")


def _equal(left: ast.expr, right: ast.expr) -> str:
    return f"{ast.unparse(left)} == {ast.unparse(right)}"
