"""What a change of configuration changes in what is logged: it decides no packet, and is missed when it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .boxes import outside
from .comparison import Difference, compare
from .cuts import Cuts
from .model import Configuration, Rule
from .wording import Wording


def logging_changed(
    before: Configuration, after: Configuration, also: Cuts | None = None, apart_from: Iterable[Difference] = ()
) -> Iterator[str]:
    """The packets that a rule logged and none does now, or the other way round, in words.

    ``apart_from`` are differences of which enough is said; ``also`` the lines that their comparison had besides.
    """
    if [_logged(rule) for rule in before.policy.filter] == [_logged(rule) for rule in after.policy.filter]:
        return
    cuts = Cuts.of(before) | Cuts.of(after)  # as in the other comparison: a cell of the one is a cell of the other
    comparison = compare(_by_logging(before), _by_logging(after), cuts | also if also else cuts)
    words = Wording(after, comparison.space)
    told = [box for difference in apart_from for box in difference.boxes]
    for one in comparison.differences:
        boxes = outside(one.boxes, told)
        said = {"opens": "is logged now, was not", "closes": "was logged, is not now"}.get(one.kind)
        if said and boxes:
            yield f"{words.box(boxes[0])}: {said}"


def _logged(rule: Rule) -> tuple[str, bool, bool]:
    return rule.text, rule.log, rule.enabled


def _by_logging(configuration: Configuration) -> Configuration:
    """The same rules, with "pass" for those that log and "block" for others: what passes then is what is logged."""
    slot, policy = configuration.active_policy, configuration.policy
    rules = tuple(
        replace(rule, action="pass" if rule.log else "block", translation=None, url_filter=None, ssl_filter=None, route=None)
        for rule in policy.filter
        if rule.action in ("pass", "block", "reset")
    )
    return replace(configuration, policies={**configuration.policies, slot: replace(policy, filter=rules, nat=())})
