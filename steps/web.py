"""Web sites: fetching them, from inside and from outside, and what they answer."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pytest_bdd import given, parsers, step, then, when

from lab.host import LabHost
from lab.namespace import Completed
from lab.probe import Outcome, Target, reached
from sns.model import Configuration, Rule
from sns.prediction import Flow, predict
from steps.eventually import LIMIT, watch
from steps.passage import interface
from steps.patience import attempts, patience
from steps.plugins.recording import ScenarioRecorder
from steps.plugins.restore import Changes
from steps.scene import Scene
from steps.verdict import Refuted

WITHIN = 4.0  # s: an answer takes some 20 ms, the most distant one 60 ms
LOGGED_WITHIN = 1.0  # s: a busy machine comes later to the log than to the answer
TOLD = 200  # characters of a page that is not the expected one
CLIENT_PORT = 50_000  # as programs have that ask


def max_time() -> str:
    """Seconds that a command may take until it is answered, as commands take them."""
    return f"{LIMIT.of(WITHIN):g}"


def fetch(host: LabHost, url: str, *options: str) -> Completed:
    """The headers of a page."""
    return fetch_page(host, url, "--head", *options)


def fetch_page(host: LabHost, url: str, *options: str) -> Completed:
    """A page, headers and all."""
    return host.run("curl", "--silent", "--show-error", "--include", "--max-time", max_time(), *options, url)


def status(answer: Completed) -> str:
    """The status line of an answer, or why there is none."""
    lines = answer.stdout.splitlines()
    return lines[0].strip() if lines else answer.stderr.strip() or f"curl status {answer.status}"


def published(scene: Scene) -> str:
    """The published site's address."""
    return f"http://{published_port(scene)}/"


def published_port(scene: Scene) -> Target:
    """Where the Internet reaches the published site."""
    return Target(scene.public_address, scene.service.port)


@when("the private server fetches the headers of the public page", target_fixture="answer")
def _fetch_public_page(scene: Scene) -> Completed:
    return fetch(scene.server, scene.deployment.internet.page)


@when("the stranger fetches the headers of the published site", target_fixture="answer")
def _fetch_published_site(scene: Scene) -> Completed:
    # Marked, so that it is found again: a log may hold older requests of the same stranger.
    return fetch(scene.environment.stranger, f"{published(scene)}?{secrets.token_hex(6)}")


@then(parsers.parse('the answer is "{expected}"'))
def _answer_is(answer: Completed, expected: str, record: ScenarioRecorder) -> None:
    record.observe("the answer", expected=expected, observed=status(answer))


@then("it comes from the private web server")
def _comes_from_the_server(scene: Scene, record: ScenarioRecorder) -> None:
    body = scene.environment.stranger.must("curl", "-s", "--max-time", max_time(), published(scene))
    inside = predict(scene.environment.configuration(scene.site.name), _request(scene)).translated.destination_port
    named = scene.environment.page(scene.server, inside or scene.service.port)
    record.observe("the page", expected=named, observed=body.strip(), holds=named in body)


@then("the web server's log shows the stranger's own address")
def _log_shows_the_stranger(scene: Scene, answer: Completed, record: ScenarioRecorder) -> None:
    lines = logged(scene.server, answer.command.rpartition("?")[2])
    record.observe("the stranger's request in the web server's log", expected="one line",
                   observed=f"{len(lines)} lines; the stranger was told {status(answer)}", holds=len(lines) == 1)  # fmt: skip
    stranger = str(scene.deployment.internet.stranger)
    record.observe("the client in the web server's log", expected=stranger, observed=lines[0].split()[0])


def logged(server: LabHost, mark: str) -> list[str]:
    """The requests with this mark in a web server's log, as soon as there is one: it is written after the answer has left."""

    def look() -> list[str]:
        return [line for line in server.read("/var/log/nginx/access.log").splitlines() if mark in line]

    return watch(look, within=LOGGED_WITHIN).seen


@step("the stranger reaches the published web site")
def stranger_reaches(scene: Scene, record: ScenarioRecorder) -> None:
    """Observe that the published site answers a stranger."""
    observe_stranger(seen_by_stranger(scene), record)


def seen_by_stranger(scene: Scene) -> str:
    """What the published site tells a stranger."""
    return status(fetch(scene.environment.stranger, published(scene)))


def observe_stranger(seen: str, record: ScenarioRecorder) -> None:
    """Observe that this is an answer of the published site."""
    record.observe("the stranger's request to the published site", expected="HTTP/1.1 200 OK", observed=seen)


@when("the translation of the published service is removed", target_fixture="silence")
def _remove_translation(scene: Scene, changes: Changes) -> float:
    within = patience(lambda: reached(scene.environment.stranger, published_port(scene)), "the published site")
    firewall = changes.of(scene.environment.firewall(scene.site.name))
    place = translating(firewall.configuration(), _request(scene)).location
    firewall.edit(place.file, lambda text: without_line(text, place.line))
    firewall.apply("enfilter")
    return within


def _request(scene: Scene) -> Flow:
    """A stranger's for the published site, as it arrives at the firewall."""
    outside, stranger = interface(scene, scene.site, "external"), scene.deployment.internet.stranger
    return Flow(outside, stranger, scene.public_address, "tcp", CLIENT_PORT, scene.service.port)


def translating(configuration: Configuration, request: Flow) -> Rule:
    """The rule that leads a request to another destination. Raises Refuted when there is none."""
    prediction = predict(configuration, request)
    rule = prediction.nat_rule
    if rule is None or rule.translation is None or rule.translation.destination is None:
        raise Refuted(expected="a rule that translates the published service", observed="none", prediction=prediction)
    return rule


def without_line(text: str, number: int) -> str:
    """A file without one of its lines, which count from 1."""
    lines = text.splitlines(keepends=True)
    return "".join((*lines[: number - 1], *lines[number:]))


@then("the stranger gets no answer")
def _stranger_gets_nothing(scene: Scene, silence: float, record: ScenarioRecorder) -> None:
    # The connection, not the page: who is connected and waits for a slow page was let through.
    target = published_port(scene)
    outcome = attempts(scene.environment.stranger, [target], silence)[target]
    record.observe("the stranger's request", expected="not answered", observed=outcome.value,
                   holds=outcome is not Outcome.ANSWERED)  # fmt: skip


@when("the translation of the published service is put back")
def _put_translation_back(changes: Changes) -> None:
    changes.now()


@given(parsers.parse("the private server reaches the public site over {service}"))
def server_reaches(scene: Scene, service: str, record: ScenarioRecorder) -> None:
    """Observe that the public site answers the private server over http or https."""
    observe_server(seen_by_server(scene, service), service, record)


def seen_by_server(scene: Scene, service: str) -> str:
    """What the public site tells the private server over http or https."""
    return status(fetch(scene.server, f"{service}://{scene.deployment.internet.allowed[0]}/"))


def observe_server(seen: str, service: str, record: ScenarioRecorder) -> None:
    """Observe that this is an answer of the public site."""
    record.observe(f"the private server's {service} request", expected="200", observed=seen, holds="200" in seen)


@when("the private server asks the public site from where it was reached", target_fixture="told_address")
def _asks_from_where(scene: Scene) -> str:
    answer = scene.server.run("curl", "--silent", "--show-error", "--max-time", max_time(), scene.deployment.internet.echo)
    return (answer.stdout if answer.ok else answer.stderr).strip()


@then("it is told the firewall's public address")
def _told_public_address(scene: Scene, told_address: str, record: ScenarioRecorder) -> None:
    record.observe("the address it was reached from", expected=str(scene.public_address), observed=told_address)


@when("the private server resolves the name of the public site", target_fixture="resolved")
def _resolves(scene: Scene) -> str:
    asked = scene.server.run("timeout", max_time(), "getent", "ahostsv4", scene.deployment.internet.allowed[0])
    return asked.stdout.partition(" ")[0] or f"no answer from {', '.join(_resolvers(scene))}"


def _resolvers(scene: Scene) -> list[str]:
    lines = scene.server.read("/etc/resolv.conf").splitlines()
    return [line.split()[1] for line in lines if line.startswith("nameserver ")]


@then("it is given the site's address")
def _given_address(scene: Scene, resolved: str, record: ScenarioRecorder) -> None:
    record.observe("the address", expected=str(scene.deployment.internet.public), observed=resolved)


@given(parsers.parse("the stranger reaches each refused name over {service}"))
def _stranger_reaches_refused(scene: Scene, service: str, record: ScenarioRecorder) -> None:
    for name, answer in _fetched(scene.environment.stranger, service, scene.deployment.internet.refused, "--head").items():
        seen = status(answer)
        record.observe(f"the stranger's {service} request for {name}", expected="200", observed=seen, holds="200" in seen)


@when(parsers.parse("the private server asks the same address for each refused name over {service}"),
      target_fixture="refused")  # fmt: skip
def _asks_refused_names(scene: Scene, service: str) -> dict[str, Completed]:
    return _fetched(scene.server, service, scene.deployment.internet.refused)


def _fetched(host: LabHost, service: str, names: Sequence[str], *options: str) -> dict[str, Completed]:
    """The page of each of these names, all asked for at once."""
    with ThreadPoolExecutor() as pool:
        answers = pool.map(lambda name: fetch_page(host, f"{service}://{name}/", *options), names)
        return dict(zip(names, answers, strict=True))


@then("it gets the firewall's refusal page instead")
def _gets_refusal_page(scene: Scene, refused: dict[str, Completed], record: ScenarioRecorder) -> None:
    categories = _refused_categories(scene)
    for name, answer in refused.items():
        record.observe(f"the answer for {name}", expected="HTTP/1.1 403 Forbidden", observed=status(answer))
        page = " ".join(answer.stdout.partition("\r\n\r\n")[2].split())
        seen = next((category for category in categories if category in page), page[:TOLD])
        record.observe(f"the category on the page for {name}", expected=f"one of {', '.join(categories)}", observed=seen,
                       holds=seen in categories)  # fmt: skip


def _refused_categories(scene: Scene) -> list[str]:
    """What the site's URL filtering refuses. A site's own refusal cannot know its category; the firewall's page names it.

    Source: SNS user manual, "Block messages", "HTTP block page": by default it tells the category.
    """
    slots = scene.deployment.configuration(scene.site.name).url_filters.values()
    return sorted({rule.group for slot in slots for rule in slot if rule.enabled and rule.action == "block"})


@then("the firewall ends the connection before any answer")
def _connection_ended(refused: dict[str, Completed], record: ScenarioRecorder) -> None:
    for name, answer in refused.items():
        seen = answer.stdout.strip() or f"no answer, curl status {answer.status}"
        # 35: TLS was not negotiated; 28 would be silence, which says nothing about the name.
        record.observe(f"the TLS connection to {name}", expected="no answer, curl status 35", observed=seen)
