"""The language of ``when``: what it accepts, what it means, and what it says of all else."""

from __future__ import annotations

import pytest

from conformance.causes.when import WhenError, parse

TYPES = {"tied": bool, "ensure": bool, "placement": str, "targets": frozenset}
CASE = {
    "tied": True,
    "ensure": False,
    "placement": "target:head",
    "targets": frozenset({"head", "mlp"}),
}
MEANT = {
    "tied": True,
    "ensure": False,
    "not ensure": True,
    "tied and ensure": False,
    "tied or ensure": True,
    "tied and not ensure": True,
    "not (tied and ensure)": True,
    "ensure and tied or tied": True,
    "ensure and (tied or tied)": False,
    "placement == 'target:head'": True,
    "placement != 'target:head'": False,
    "placement in ['body', 'target:head']": True,
    "placement not in ['body', 'target:head']": False,
    "placement in ('body',)": False,
    "'head' in targets": True,
    "'embedding' in targets": False,
    "'embedding' not in targets": True,
    "tied\n  and\n  'mlp' in targets": True,
}


@pytest.mark.parametrize("text", MEANT)
def test_an_expression_means_what_it_says(text: str) -> None:
    found = parse(text, TYPES)
    assert found.holds(CASE.__getitem__) is MEANT[text]
    assert bool(found.unmet(CASE.__getitem__)) is not MEANT[text]
    again = parse(str(found), TYPES)
    assert again.holds(CASE.__getitem__) is MEANT[text]
    assert set(found.names()) <= set(TYPES)


UNMET = {
    "ensure and tied": ("ensure",),
    "ensure and 'embedding' in targets and tied": ("ensure", "'embedding' in targets"),
    "ensure and not tied or not tied": ("not tied",),
    "tied and (ensure or placement == 'body')": ("ensure",),
    "not (tied or ensure)": ("not (tied or ensure)",),
}


@pytest.mark.parametrize("text", UNMET)
def test_what_keeps_a_case_out_is_told(text: str) -> None:
    assert parse(text, TYPES).unmet(CASE.__getitem__) == UNMET[text]


REFUSED = {
    "": "cannot be read",
    "tied and": "cannot be read",
    "tide": "there is no fact 'tide'; the facts are tied, ensure, placement, targets",
    "placement": "the fact 'placement' is a word",
    "targets": "the fact 'targets' is a set of words",
    "tied == 'x'": "the fact 'tied' is a flag",
    "tied in ['x']": "the fact 'tied' is a flag",
    "targets == 'head'": "the fact 'targets' is a set of words",
    "'head' in placement": "the fact 'placement' is a word",
    "placement == body": "'body' is no word in quotes",
    "placement in [1]": "'1' is no word in quotes",
    "placement in 'target:head'": "is not accepted",
    "placement == 'a' == 'b'": "is not accepted",
    "placement < 'b'": "is not accepted",
    "placement.upper()": "is not accepted",
    "len(targets)": "is not accepted",
    "tied if ensure else tied": "is not accepted",
    "[tied for _ in targets]": "is not accepted",
    "__import__('os').system('true')": "is not accepted",
    "tied & ensure": "is not accepted",
    "-tied": "is not accepted",
    "True": "is not accepted",
    "1": "is not accepted",
    "(tied := ensure)": "is not accepted",
    "lambda: tied": "is not accepted",
}


@pytest.mark.parametrize("text", REFUSED)
def test_all_else_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(WhenError) as caught:
        parse(text, TYPES)
    said = str(caught.value)
    assert REFUSED[text] in said
    assert said.splitlines() == [said]
