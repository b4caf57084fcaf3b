"""Collects ``.feature`` files: each scenario becomes a test named by its id, ``features/web.feature::SNS-WEB-04``."""

from __future__ import annotations

import gc
import types
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import scenario
from pytest_bdd.exceptions import GherkinParseError
from pytest_bdd.feature import get_feature
from pytest_bdd.gherkin_parser import get_gherkin_document
from pytest_bdd.scenario import scenario_wrapper_template_registry

from steps.plugins import instances, lint, tags

if TYPE_CHECKING:
    from pytest_bdd.parser import Scenario, ScenarioTemplate

TEMPLATE = pytest.StashKey["ScenarioTemplate"]()
"""On an item: the scenario it runs. An item without it is not ours, and every hook here leaves it alone."""

_IDS = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Start with no scenario id taken."""
    config.stash[_IDS] = {}
    config.addinivalue_line("markers", "not_applicable(reason): the deployment has nothing that this is about")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take the feature files."""
    if file_path.suffix != ".feature":
        return None
    file: pytest.Collector = FeatureFile.from_parent(parent, path=file_path)
    return file


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Modules and tests stay until the end: neither pytest nor Python need look for garbage among them, a third of a start."""
    gc.freeze()


def template_of(item: pytest.Item) -> ScenarioTemplate | None:
    """The scenario that a test runs, as written; None for a test that is not from a feature."""
    return item.stash.get(TEMPLATE, None)


def all_tags(template: ScenarioTemplate) -> set[str]:
    """The tags of a scenario, its rule and its feature."""
    return template.tags | template.feature.tags | (template.rule.tags if template.rule else set())


def id_of(template: ScenarioTemplate) -> str:
    """The scenario's id tag."""
    return next(tag for tag in template.tags if tags.ID.fullmatch(tag))


def rendered(item: pytest.Item) -> Scenario:
    """The scenario with its row of examples filled in. Only for items that have a template."""
    callspec = getattr(item, "callspec", None)
    return item.stash[TEMPLATE].render(callspec.params.get("_pytest_bdd_example", {}) if callspec else {})


def relative(path: str | Path, config: pytest.Config) -> str:
    """A path as messages show it: relative to the project when it lies inside."""
    path = Path(path)
    return path.relative_to(config.rootpath).as_posix() if path.is_relative_to(config.rootpath) else str(path)


class FeatureFile(pytest.Module):
    """A feature file, as pytest sees a module: its scenarios are the test functions."""

    def _getobj(self) -> types.ModuleType:
        # pytest would import the file as Python here; this is the one private method that must be replaced.
        self._refuse_misuse()
        module = types.ModuleType(self.path.stem)
        feature = get_feature(str(self.path.parent), self.path.name)
        for template in feature.scenarios.values():
            vars(module)[id_of(template)] = self._bind(template)
        return module

    def funcnamefilter(self, name: str) -> bool:
        """Only names that are scenario ids are tests here."""
        return tags.ID.fullmatch(name) is not None

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """The scenarios, each with its own place in the feature file."""
        for item in super().collect():
            template = scenario_wrapper_template_registry[getattr(item, "function")]  # noqa: B009 - not every node has it
            item.stash[TEMPLATE] = template
            if isinstance(item, pytest.Item):
                vars(item)["location"] = (relative(self.path, self.config), template.line_number - 1, item.name)
            item.extra_keyword_matches |= {template.name, template.feature.name}
            yield item

    def _bind(self, template: ScenarioTemplate) -> object:
        for tag in all_tags(template) | {tag for rows in template.examples for tag in rows.tags}:
            self.config.addinivalue_line("markers", f"{tag}: {tags.meaning(tag)}")

        def body() -> None:
            """Nothing is left to do once the steps have run."""

        test = scenario(self.path.name, template.name, features_base_dir=str(self.path.parent))(body)
        return instances.spread(test, all_tags(template), self.config)

    def _refuse_misuse(self) -> None:
        name = relative(self.path, self.config)
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
            document = get_gherkin_document(str(self.path))
        except GherkinParseError as why:
            raise self.CollectError(f"{name}:{why.line}: {why.message} {str(why.line_content).strip()!r}") from None
        except KeyError:
            raise self.CollectError(f"{name}:1: there is no feature in this file") from None
        except (OSError, UnicodeDecodeError) as why:
            raise self.CollectError(f"{name}: {why}") from None
        found = [f"{name}:{one.line}: {one.message}" for one in lint.misuses(document, lines)]
        found = found or self._ids_taken(name)
        if found:
            raise self.CollectError("\n".join(found))

    def _ids_taken(self, name: str) -> list[str]:
        taken, found = self.config.stash[_IDS], []
        feature = get_feature(str(self.path.parent), self.path.name)
        for template in feature.scenarios.values():
            place = f"{name}:{template.line_number}"
            before = taken.setdefault(id_of(template), place)
            if before != place:
                found.append(f"{place}: @{id_of(template)} is already the scenario at {before}")
        return found
