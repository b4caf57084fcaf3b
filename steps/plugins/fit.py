"""Do features and steps fit each other? Checked when they are collected, all at once, before anything runs.

pytest-bdd itself takes the last of several matching definitions in silence, and finds a missing one when it gets there.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import pytest
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry
from pytest_bdd.utils import get_required_args

from steps.plugins import collection, instances, tags
from steps.plugins.refusal import refuse

if TYPE_CHECKING:
    from pytest_bdd.parser import Scenario, ScenarioTemplate, Step

FEATURES = "features"
"""The folder whose features, when all are collected, must together use every step definition."""

SCENE = "scene"
"""The fixture that finds out by itself which axis its instance belongs to: a step that asks for it speaks of it."""

_PLACEHOLDER = re.compile(r"<[^<>]+>")
_OF_PYTEST_BDD = frozenset({"request", "datatable", "docstring"})


class _FixtureDefinition(Protocol):
    @property
    def argnames(self) -> Sequence[str]: ...


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Raise UsageError with everything that does not fit."""
    ours = [item for item in items if collection.template_of(item)]
    if not ours:
        return
    if why := instances.unusable(config):
        refuse(config, items, f"this deployment cannot be tested:\n{why}")
        return
    check = _Check(session)
    found = list(dict.fromkeys(line for item in _one_each(ours) for line in check.scenario(item)))
    if _all_collected(config, ours):
        found += check.unused()
    if found:
        refuse(config, items, "\n".join(["features and steps do not fit:", *found]))


def _one_each(items: Iterable[pytest.Item]) -> Iterable[pytest.Item]:
    """One item of each scenario: the other instances have the same steps."""
    return {id(item.stash[collection.TEMPLATE]): item for item in items}.values()


def _all_collected(config: pytest.Config, ours: Iterable[pytest.Item]) -> bool:
    every = set((config.rootpath / FEATURES).rglob("*.feature"))
    selected = any("::" in argument for argument in config.args)
    return bool(every) and not selected and every <= {item.path for item in ours}


@dataclass(slots=True)
class _Check:
    session: pytest.Session
    _matches: dict[tuple[str, str], list[StepFunctionContext]] = field(default_factory=dict)
    _used: set[int] = field(default_factory=set)
    _definitions: list[StepFunctionContext] = field(init=False)

    def __post_init__(self) -> None:
        every = step_function_context_registry.values()
        self._definitions = [one for one in every if not one.step_func.__module__.startswith("pytest_bdd")]

    def scenario(self, item: pytest.Item) -> Iterator[str]:
        template = item.stash[collection.TEMPLATE]
        reached: set[str] = set()
        for scenario in _renderings(template):
            given = {tags.AXES[tag] for tag in collection.all_tags(template) if tag in tags.AXES}
            axes = frozenset(given)
            for step in scenario.steps:
                place = f"{collection.relative(template.feature.filename, item.config)}:{step.line_number}"
                sentence = f"{place}: {step.keyword.strip()} {step.name}"
                definition, why = self._definition(step)
                if definition is None:
                    yield f"{sentence}\n    {why}"
                    continue
                asked = self._asked(definition, step, given, item)
                reached |= {name for name, _ in asked}
                reached |= axes if SCENE in reached else set()
                yield from (f"{sentence}\n    {one}" for one in _complaints(definition, step, asked, axes))
                given |= {definition.target_fixture} if definition.target_fixture else set()
        written = sorted(collection.all_tags(template))
        place = f"{collection.relative(template.feature.filename, item.config)}:{template.line_number}"
        for tag in written:
            if tag.startswith(tags.WITH) and not any(one in tags.AXES for one in written):
                why = f"@{tag} is about an instance's site: the scenario needs @each_site or the like"
                yield f"{place}: {template.name}\n    {why}"
            if tag in tags.AXES and tags.AXES[tag] not in reached:
                axis = tags.spoken(tags.AXES[tag])
                yield f"{place}: {template.name}\n    no step speaks of a {axis}: @{tag} would repeat the same test"

    def _definition(self, step: Step) -> tuple[StepFunctionContext | None, str]:
        if left := _PLACEHOLDER.search(step.name):
            return None, f"no Examples column is called {left.group()}"
        found = self._matching(step)
        self._used |= {id(one) for one in found}
        if not found:
            return None, "no step says this"
        if len(found) > 1:
            return None, f"more than one step says this: {', '.join(sorted(_where(one) for one in found))}"
        return found[0], ""

    def _matching(self, step: Step) -> list[StepFunctionContext]:
        key = (step.type, step.name)
        if key not in self._matches:
            candidates = (one for one in self._definitions if one.type in (None, step.type))
            self._matches[key] = [one for one in candidates if one.parser.is_matching(step.name)]
        return self._matches[key]

    def _asked(self, definition: StepFunctionContext, step: Step, given: set[str], item: pytest.Item) -> set[tuple[str, bool]]:
        """Every argument that the step and the fixtures behind it ask for, and whether somebody gives it."""
        parsed = definition.parser.parse_arguments(step.name) or {}
        waiting = [name for name in get_required_args(definition.step_func) if name not in parsed]
        asked: set[tuple[str, bool]] = set()
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in seen or name in _OF_PYTEST_BDD:
                continue
            seen.add(name)
            if name in given:
                asked.add((name, True))
                continue
            # Private, and what pytest-bdd uses as well: pytest has no public way to ask what a fixture asks for.
            found: Sequence[_FixtureDefinition] = self.session._fixturemanager.getfixturedefs(name, item) or ()
            asked.add((name, bool(found)))
            waiting += [argument for one in found[-1:] for argument in one.argnames]
        return asked

    def unused(self) -> Iterator[str]:
        for one in sorted(self._definitions, key=_where):
            if id(one) not in self._used:
                yield f"{_where(one)}: {one.parser.name}\n    no feature says this"


def _renderings(template: ScenarioTemplate) -> Iterator[Scenario]:
    contexts = [context for examples in template.examples for context in examples.as_contexts()]
    return (template.render(context) for context in contexts or [{}])


def _complaints(
    definition: StepFunctionContext, step: Step, asked: set[tuple[str, bool]], axes: frozenset[str]
) -> Iterator[str]:
    tag_of = {axis: tag for tag, axis in tags.AXES.items()}
    for name, provided in sorted(asked):
        if name in tag_of and name not in axes and not provided:
            yield f"speaks of a {tags.spoken(name)}: the scenario needs @{tag_of[name]}"
        elif not provided:
            yield f"{_where(definition)} asks for {name!r}, which nobody gives"
    arguments = inspect.signature(definition.step_func).parameters
    for name, carried in (("datatable", step.datatable), ("docstring", step.docstring)):
        if name in arguments and carried is None and arguments[name].default is inspect.Parameter.empty:
            yield f"{_where(definition)} wants a {name} below this sentence"
        elif name not in arguments and carried is not None:
            yield f"{_where(definition)} takes no {name}"


def _where(definition: StepFunctionContext) -> str:
    function: Callable[..., object] = inspect.unwrap(definition.step_func)
    code = getattr(function, "__code__", None)
    return f"{function.__module__}:{code.co_firstlineno if code else 0}"
