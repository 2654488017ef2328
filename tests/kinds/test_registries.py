"""One registry of invariants: an id means one thing, and what is true of a check stands with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest

from conformance.core.finding import Finding
from conformance.core.invariant import EVERY, Invariant, Registry, joined
from conformance.kinds.corpus.checks import CORPUS
from conformance.kinds.heads.checks import HEADS
from conformance.kinds.lifecycle.checks import INVARIANTS
from conformance.kinds.lifecycle.checks.warnings import deciding
from conformance.kinds.lifecycle.merge_code.checks import of_a_merger
from conformance.kinds.loading.checks import LOADING
from conformance.kinds.pipeline.checks import PIPELINE
from conformance.kinds.programs.checks import PROGRAMS
from conformance.kinds.tuners.checks import ONLY_TUNERS, TUNER_PROMISES
from conformance.kinds.user_config.advice import KEEPS_ADAPTER, NEEDED, RESCUES
from conformance.kinds.user_config.answer import CORRUPTS, LOST
from conformance.reproducer.applicable import JUDGED_WHEN_REFUSED
from conformance.reproducer.programs import PROMISES
from conformance.reproducer.user_config import SCRIPTS

OWN = (INVARIANTS, LOADING, PROGRAMS, CORPUS, ONLY_TUNERS, HEADS)


def silent(_: object) -> Iterator[Finding]:
    yield from ()


def registry(ids: dict[str, Invariant], *names: str) -> Registry:
    made = Registry(ids=ids)
    for name in names:
        made.check(name, "It is kept.", source="this test")(silent)
    return made


def test_a_registry_tells_its_checks_in_the_order_in_which_they_came() -> None:
    made = registry({}, "second", "first")
    assert list(made) == ["second", "first"]
    assert (made["first"].check, made["first"].needs) == (silent, ())


def test_what_a_kind_has_in_common_is_said_once_and_may_be_said_otherwise() -> None:
    made = Registry(ids={}, needs=("loaded",))
    made.check("usual", "It is kept.", source="this test")(silent)
    made.check("other", "It is kept.", source="this test", needs=())(silent)
    assert (made["usual"].needs, made["other"].needs) == (("loaded",), ())


def test_an_unknown_trait_is_an_error() -> None:
    with pytest.raises(TypeError, match="of_merges"):
        Registry(ids={}).check("one", "p", source="s", of_merges=True)(silent)


def test_an_id_is_given_once_over_all_registries() -> None:
    ids: dict[str, Invariant] = {}
    registry(ids, "one")
    with pytest.raises(ValueError, match="already an invariant 'one'"):
        registry(ids, "one")
    with pytest.raises(ValueError, match="already an invariant 'merge-keeps-logits'"):
        Registry().check("merge-keeps-logits", "p", source="s")(silent)


def test_what_is_shared_is_the_same_and_no_second_registration() -> None:
    ids: dict[str, Invariant] = {}
    first = registry(ids, "one")
    second = registry(ids, "two")
    second.share(first["one"])
    assert second["one"] is first["one"]
    assert list(ids) == ["one", "two"]


@pytest.mark.parametrize("take", [Registry.share, Registry.vary])
def test_what_nobody_registered_can_be_neither_shared_nor_varied(
    take: Callable[[Registry, Invariant], None],
) -> None:
    ids: dict[str, Invariant] = {}
    first = registry(ids, "one")
    variant = Registry(ids=ids)
    variant.vary(first["one"], needs=("merged",))
    for stranger in (Invariant("new", "p", "s", silent), variant["one"]):
        with pytest.raises(ValueError, match=f"'{stranger.id}'"):
            take(Registry(ids=ids), stranger)


def test_a_variant_has_the_id_and_what_else_is_true_of_what_it_varies() -> None:
    ids: dict[str, Invariant] = {}
    first, second = registry(ids, "one"), Registry(ids=ids)
    second.vary(first["one"], needs=("merged",))
    assert second["one"].needs == ("merged",)
    assert (second["one"].promise, ids["one"]) == ("It is kept.", first["one"])


@pytest.mark.parametrize("take", [Registry.share, Registry.vary])
def test_one_kind_judges_an_id_once(take: Callable[[Registry, Invariant], None]) -> None:
    ids: dict[str, Invariant] = {}
    first, second = registry(ids, "one"), Registry(ids=ids)
    second.share(first["one"])
    with pytest.raises(ValueError, match="'one' is judged here already"):
        take(second, first["one"])


def test_joining_keeps_the_order_and_knows_what_is_shared() -> None:
    ids: dict[str, Invariant] = {}
    first, second = registry(ids, "one", "two"), registry(ids, "three")
    second.share(first["one"])
    assert list(joined(first, second)) == ["one", "two", "three"]


def test_joining_refuses_what_would_win_in_silence() -> None:
    ids: dict[str, Invariant] = {}
    first, second = registry(ids, "one"), Registry(ids=ids)
    second.vary(first["one"], needs=("merged",))
    with pytest.raises(ValueError, match="'one' is one thing"):
        joined(first, second)


def test_a_trait_is_asked_of_all_value_by_value() -> None:
    made = Registry(ids={})
    for name, place in {"a": "reload", "b": "", "c": "merge", "d": "reload"}.items():
        made.check(name, "It is kept.", source="this test", lost_at=place)(silent)
    assert made.having("lost_at", "merge", "reload") == ("c", "a", "d")
    assert made.having("lost_at") == ("a", "c", "d")


# What a user reads comes in these orders: in warnings, verdicts, answers, issues and refusals.
TOLD: dict[str, tuple[Iterable[str], str]] = {
    "decides": (
        deciding(),
        """merge-keeps-logits reload-keeps-logits adapter-keeps-logits config-tells-the-truth
        config-driven-loader-agrees""",
    ),
    "advice": (
        NEEDED,
        """merge-keeps-logits reload-keeps-logits adapter-keeps-logits config-tells-the-truth
        config-driven-loader-agrees trouble-is-announced-early""",
    ),
    "lost": (
        CORRUPTS,
        """forward-follows-definition adapter-keeps-logits merge-keeps-logits reload-keeps-logits
        config-driven-loader-agrees config-tells-the-truth""",
    ),
    "adapter": (KEEPS_ADAPTER, "adapter-keeps-logits forward-follows-definition"),
    "rescue": (RESCUES, "merge-keeps-logits reload-keeps-logits config-driven-loader-agrees"),
    "refused": (JUDGED_WHEN_REFUSED, "documented-contract base-load-tells-the-truth"),
    "program script": (
        PROMISES,
        """program-follows-reference program-keeps-values program-trains-only-its-adapters
        program-copies-apart program-casts-everything program-completes""",
    ),
    "pipeline": (
        PIPELINE,
        """checkpoint-loads tied-keys-are-not-missing missing-means-missing
        nothing-is-silently-reinitialised tied-members-are-one file-is-restored
        loading-keeps-outputs pipeline-keeps-outputs pipeline-encodes-alike""",
    ),
}


@pytest.mark.parametrize("where", TOLD)
def test_what_is_told_keeps_its_order(where: str) -> None:
    derived, told = TOLD[where]
    assert list(derived) == told.split()


# What the options, scripts and verdicts of others rest on; nobody reads the order.
TRAITS: dict[str, tuple[Iterable[str], str]] = {
    "of a merge": (
        INVARIANTS.having("of_merge"),
        """checkpoint-is-plain saving-is-repeatable dtype-is-kept device-is-kept
        config-tells-the-truth life-completes load-report-is-clean merge-keeps-logits
        config-driven-loader-agrees tied-stay-tied untied-stay-untied trouble-is-announced-early""",
    ),
    "not of a merge": (
        INVARIANTS.having("not_of_merge"),
        "reload-keeps-logits unload-leaves-no-trace safe-merge-agrees",
    ),
    "of LoRA alone": (
        joined(INVARIANTS, ONLY_TUNERS).keys() - TUNER_PROMISES.keys(),
        "documented-contract config-wraps-what-it-names adapter-file-is-as-asked",
    ),
    "by placement": (
        [name for name, one in EVERY.items() if one.by_placement],
        "documented-contract tied-stay-tied untied-stay-untied tuner-wraps-what-it-names",
    ),
    "script": (
        SCRIPTS,
        """adapter-keeps-logits merge-keeps-logits reload-keeps-logits config-driven-loader-agrees
        config-tells-the-truth""",
    ),
}


@pytest.mark.parametrize("trait", TRAITS)
def test_what_is_true_of_a_check_is_said_of_these_alone(trait: str) -> None:
    derived, told = TRAITS[trait]
    assert sorted(derived) == sorted(told.split())


def test_what_decides_or_is_lost_is_one_of_few_things() -> None:
    assert {one.decides for one in EVERY.values()} == {"", "logits", "config", "warning"}
    assert {one.lost_at for one in EVERY.values()} == {"", *LOST}


def test_every_invariant_is_of_one_kind() -> None:
    assert joined(*OWN, PIPELINE) == EVERY
    assert len(EVERY) == sum(map(len, OWN)) + len(PIPELINE.keys() - LOADING.keys())


@pytest.mark.parametrize("kind", [TUNER_PROMISES, of_a_merger(INVARIANTS)])
def test_variants_are_of_what_there_is(kind: Registry) -> None:
    assert all(one.promise == EVERY[name].promise for name, one in kind.items())


def test_what_excuses_an_arrival_is_judged_of_the_life_it_comes_from() -> None:
    named = {name for one in EVERY.values() for name in one.excused_by}
    assert named
    assert named <= set(INVARIANTS)
    assert not any(
        one.excused_by or one.of_adapters for one in (EVERY[n] for n in EVERY if n not in CORPUS)
    )
