"""Cases: their repr pastes back, and reading one never evaluates it nor fails in any other way."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conformance.core.case import CHOICES, STRATUM_FIELDS, Case, check, make_case, parse_case
from conformance.core.device_names import DEVICES
from conformance.core.grid import strata
from conformance.core.literals import LONGEST, CaseError
from conformance.kinds.lifecycle.making import make
from conformance.running.strategies import made
from tiny_models.families import DECODERS

STRATUM = "Case(device='cpu', tied=True, ensure=False, placement='target:head'"


@st.composite
def drawn(draw: st.DrawFn) -> Case:
    """Cases of any stratum."""
    return draw(made(partial(make, draw(st.sampled_from(strata(DEVICES))), DECODERS)))


DRAWN = drawn()
FUZZ = settings(max_examples=700, derandomize=True)


def refusal(text: str) -> str:
    """The sentence with which a text is refused; fails if it is not one, or not refused."""
    with pytest.raises(CaseError) as caught:
        parse_case(text)
    return sentence(caught.value)


def sentence(error: CaseError) -> str:
    said = str(error)
    assert said
    assert said.splitlines() == [said]
    assert len(said) < 600
    return said


@FUZZ
@given(case=DRAWN)
def test_repr_of_every_drawn_case_pastes_back(case: Case) -> None:
    assert parse_case(repr(case)) == case


@settings(max_examples=300, derandomize=True)
@given(case=DRAWN)
def test_repr_shows_the_stratum_and_what_is_not_the_default(case: Case) -> None:
    for n, field in enumerate(fields(Case)):
        is_shown = re.search(rf"[( ]{field.name}=", repr(case)) is not None
        assert is_shown == (n < len(STRATUM_FIELDS) or getattr(case, field.name) != field.default)


def test_default_case_is_its_stratum() -> None:
    assert repr(Case()) == f"{STRATUM})"


def test_defaults_are_the_first_choices() -> None:
    assert {name: choices[0] for name, choices in CHOICES.items()} == {
        name: getattr(Case(), name) for name in CHOICES
    }


def test_lists_are_taken_as_tuples() -> None:
    assert make_case({"tokens": [0, -1]}).tokens == (0, -1)


# What is written, and a word of the sentence that refuses it.
HOSTILE = [
    ("", "is not Python"),
    ("Case", "not of the form"),
    ("Case(", "is not Python"),
    ("case()", "named fields only"),
    ("Case()()", "not of the form"),
    ("Case(); Case()", "is not Python"),
    ("x = Case()", "is not Python"),
    ("os.Case()", "not of the form"),
    ("__import__('os').system('false')", "not of the form"),
    ("Case('cpu')", "named fields only"),
    ("Case(*[])", "named fields only"),
    ("Case(**{'family': 'gpt2'})", "no ** expansion"),
    ("Case(family='llama', family='gpt2')", "'family' of the case is given twice"),
    ("Case(family=open('x'))", "not a literal"),
    ("Case(family='llama'.upper())", "not a literal"),
    ("Case(family=str)", "not a literal"),
    ("Case(family=f'{1}')", "not a literal"),
    ("Case(tokens=[t for t in (0,)])", "not a literal"),
    ("Case(tokens=(lambda: (0,))())", "not a literal"),
    ("Case(rank=1+1)", "not a literal"),
    ("Case(rank=10**9)", "not a literal"),
    ("Case(rank=True)", "type int, not True"),
    ("Case(rank=2.0)", "type int, not 2.0"),
    ("Case(rank=None)", "type int, not None"),
    ("Case(rank='2')", "type int, not '2'"),
    ("Case(tied=1)", "type bool, not 1"),
    ("Case(tied='False')", "type bool"),
    ("Case(family=b'llama')", "type str"),
    ("Case(tokens=0)", "type tuple[int, ...]"),
    ("Case(tokens=(True,))", "type tuple[int, ...]"),
    ("Case(tokens={0})", "type tuple[int, ...]"),
    ("Case(tokens={[]: 0})", "not a literal"),
    ("Case(also='mlp')", "type tuple[str, ...]"),
    ("Case(colour='red')", "no field 'colour'; its fields are device, tied"),
    ("Case(__class__=1)", "no field '__class__'"),
    ("Case(model=1)", "no field 'model'"),
    ("Case(scaling=1)", "no field 'scaling'"),
    ("Case(device='tpu')", "accepts 'cpu', 'cuda', 'emulated', not 'tpu'"),
    ("Case(family='lama')", "accepts 'llama', 'mistral'"),
    ("Case(placement='target:tail')", "accepts 'target:embedding'"),
    ("Case(also=('mlp', 'mlp'))", "accepts (), ('mlp',)"),
    ("Case(layers=0)", "accepts 1 to 8, not 0"),
    ("Case(hidden=12)", "multiple of 8"),
    ("Case(vocab=15)", "at least 16"),
    ("Case(rank=65)", "accepts 1 to 64"),
    ("Case(seed=-1)", "accepts 0 to"),
    ("Case(seed=" + "9" * 1900 + ")", "accepts 0 to"),
    ("Case(seed=" + "9" * 9000 + ")", f"at most {LONGEST} characters"),
    ("Case(family=0x" + "f" * 1900 + ")", "type str"),
    ("Case(tokens=())", "'tokens' must hold rows"),
    ("Case(tokens=(24,))", "'tokens' must hold rows of a vocabulary of 24"),
    ("Case(tokens=(-25,))", "'tokens' must hold rows"),
    ("Case(base='loaded-untied')", "needs tied=False"),
    ("Case(writing='all-linear')", "'all-linear' cannot name the targets of target:head"),
    ("Case(placement='body', writing='all-linear', family='mixtral')", "expert parameters"),
    ("Case(family='mamba', also=('attention',))", "'also' accepts 'mlp' for mamba"),
    ("Case(family='mixtral', dtype='float64')", "not 'float64'"),
    ("Case(excluded=True, also=('mlp',))", "'excluded' needs"),
    ("Case(excluded=True, family='mamba')", "'excluded' needs"),
    ("Case(grown=True)", "'grown'"),
    ("Case(crossing='reload-on-cpu')", "needs a device other than cpu"),
    ("Case(family='\\ud800')", "accepts 'llama'"),
    ("Case(family='\0')", "is not Python"),
    ("(" * 900 + ")" * 900, "is not Python"),
    ("Case(tokens=" + "(" * 900 + ")" * 900 + ")", "is not Python"),
    ("Case(rank=" + "-" * 1900 + "1)", ""),
    ("Case(family=" + "'a'+" * 450 + "'a')", ""),
    ("Case" + "()" * 900, ""),
    ("Case(" + "x" * 1900 + "=1)", "no field 'xxx"),
    ("[" * 100_000, "characters"),
]


@pytest.mark.parametrize(("text", "word"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_refused_in_one_sentence(text: str, word: str) -> None:
    assert word in refusal(text)


def test_reading_evaluates_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    for call in ("print('run')", "Case(family=print('run'))", "Case(**print('run'))"):
        refusal(call)
    refusal("Case(family=[print('run') for _ in 'a'])")
    assert capfd.readouterr() == ("", "")


def read_or_refuse(text: str) -> None:
    """Any text gives a possible case or one sentence, and nothing else."""
    try:
        case = parse_case(text)
    except CaseError as error:
        sentence(error)
    else:
        check(case)
        assert parse_case(repr(case)) == case


@FUZZ
@given(text=st.text())
@example("\ud800")
@example("Case(family='\\d')")
def test_any_text(text: str) -> None:
    read_or_refuse(text)
    read_or_refuse(f"Case({text})")
    read_or_refuse(f"Case(family={text})")


SNIPPETS = ("", "(", ")", "'", "=", ",", "*", "**", "0", "-", "True", "1if", "\\", "\n", "#", "x.y")


@FUZZ
@given(
    case=DRAWN,
    cut=st.tuples(st.integers(0, 400), st.integers(0, 12)),
    snippet=st.sampled_from(SNIPPETS) | st.text(max_size=3),
)
def test_any_damaged_repr(case: Case, cut: tuple[int, int], snippet: str) -> None:
    text = repr(case)
    start = cut[0] % len(text)
    read_or_refuse(text[:start] + snippet + text[start + cut[1] :])


LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)
OFTEN_RIGHT = LITERALS | st.sampled_from([c for choices in CHOICES.values() for c in choices])


@FUZZ
@given(values=st.dictionaries(st.sampled_from([f.name for f in fields(Case)]), OFTEN_RIGHT))
def test_any_literal_in_any_field(values: dict[str, object]) -> None:
    read_or_refuse(f"Case({', '.join(f'{name}={value!r}' for name, value in values.items())})")
