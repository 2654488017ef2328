"""One run on a user's own configuration: lived once, asked by every item."""

from __future__ import annotations

from functools import cached_property

from conformance.core.declared import Declared
from conformance.core.errors import SuiteError
from conformance.core.observation import Observation, adapted_modules
from conformance.core.user_files import on_one_line
from conformance.kinds.lifecycle.proof import first_difference, require_informative
from conformance.kinds.user_config.advice import Advice, advised
from conformance.kinds.user_config.answer import Answer, answer
from conformance.kinds.user_config.configuration import Configuration, configuration


class OwnLife:
    """The life of a user's configuration, and what is told of it."""

    def __init__(self, model_path: str, adapter_path: str, known: Declared) -> None:
        """Read both; raises InputError in one sentence."""
        self.found: Configuration = configuration(model_path, adapter_path)
        self.known = known

    @cached_property
    def seen(self) -> Observation:
        """What was seen; lived twice, since it must not depend on chance."""
        seen = _live(self.found)
        difference = first_difference(seen, _live(self.found))
        if difference is not None:
            raise SuiteError(f"two observations of this configuration differ: {difference}")
        return seen

    @cached_property
    def vacuous(self) -> str:
        """Why this life proves nothing, or ""."""
        try:
            self.seen  # noqa: B018  lived here first
        except SuiteError as error:
            return str(error)
        ended = self.seen.ended_at()
        if ended is not None and ended.stage == "base":
            return f"the tiny model does not run on text alone: {on_one_line(ended.message)}"
        trained = self.seen.stages.get("trained")
        adapted = adapted_modules(trained.weights if trained else ())
        shown_nothing = "vision_config" in self.found.model.config
        if adapted and shown_nothing and not adapted & self.seen.called:
            return "text alone calls nothing that this adapter is on, and no picture is shown"
        try:
            require_informative(self.seen)
        except SuiteError as error:
            return str(error)
        return ""

    @cached_property
    def answer(self) -> Answer:
        """What becomes of the user's model."""
        if self.vacuous:
            return Answer(words=f"not judged: {self.vacuous}", verdict="not run")
        return answer(self.seen, self.known, self.found.case)

    @cached_property
    def instead(self) -> tuple[Advice, ...]:
        """What to do before training, where anything is wrong."""
        return () if self._nothing_to_advise else tuple(advised(self.found, _live))

    @cached_property
    def rescue(self) -> tuple[Advice, ...]:
        """What to do with an adapter that is trained already."""
        from conformance.kinds.user_config.rescue import rescued

        if self._nothing_to_advise or "trained" not in self.seen.stages:
            return ()
        return tuple(rescued(self.found, self.seen))

    @property
    def _nothing_to_advise(self) -> bool:
        return bool(self.vacuous) or self.answer.safe


def _live(found: Configuration) -> Observation:
    from conformance.kinds.user_config.subject import observe_own  # imports torch

    return observe_own(found)
