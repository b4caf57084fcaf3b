"""The page in a real browser without any network: quiet, narrow enough, readable, and each scenario at its anchor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.entries import Scenario
from reports.html import page
from reports.languages import CODES
from reports.record import safe_name
from tests.reports.browser import NAME, Browser, browser
from tests.reports.examples import written
from tests.reports.failovers import CAMPAIGN
from tests.reports.runs import CONTROLS, MIXED, waiver

pytestmark = pytest.mark.skipif(not NAME, reason="Chromium is not installed")

UNFOLD = "document.querySelectorAll('details').forEach(one => { one.open = true; })"

TOO_FAINT = """
(() => {
  const channel = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
  const parts = c => { const n = c.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = c => .2126 * channel(c[0]) + .7152 * channel(c[1]) + .0722 * channel(c[2]);
  const ground = e => {
    for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor); if (c[3]) return c; }
    return [255, 255, 255, 1];
  };
  const faint = [];
  for (const e of document.querySelectorAll('body *')) {
    if (e.closest('svg, script, .skip') || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [light(parts(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) faint.push(`${e.tagName}.${e.className} ${ratio.toFixed(2)} ${e.textContent.trim().slice(0, 30)}`);
  }
  return [...new Set(faint)];
})()
"""

TOO_WIDE = """
[...document.querySelectorAll('body *')]
  .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !one.closest('.scroll'))
  .map(one => one.outerHTML.slice(0, 80))
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("run")
    record = written(folder, (*MIXED[:-1], *CAMPAIGN, MIXED[-1], *CONTROLS, waiver("SNS-WEB-03")))
    found = {}
    for code in CODES:
        found[code] = folder / f"{code}.html"
        found[code].write_text(page.render(record, code=code), encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.mark.parametrize("code", CODES)
def test_it_asks_for_nothing_and_nothing_is_wrong(pages: dict[str, Path], reader: Browser, code: str) -> None:
    reader.open(pages[code])
    reader.value(UNFOLD)
    assert reader.complaints() == []
    assert reader.requests() == [pages[code].as_uri()]
    assert reader.value("performance.getEntriesByType('resource').length") == 0


def test_its_policy_lets_nothing_else_in(pages: dict[str, Path], reader: Browser) -> None:
    reader.open(pages["en"])
    reader.value("document.body.append(Object.assign(new Image(), {src: 'http://203.0.113.66/x.png'}))")
    assert reader.value("fetch('http://203.0.113.66/').then(() => 'fetched', () => 'refused')") == "refused"
    assert any("Content Security Policy" in one or "contentSecurityPolicy" in one for one in reader.complaints())


@pytest.mark.parametrize("name", ["SNS-WEB-01[sbg7-http]", "SNS-HA-04[sbg7]", "SNS-PLAT-07"])
def test_a_scenario_is_shown_at_its_anchor(pages: dict[str, Path], reader: Browser, name: str) -> None:
    reader.open(pages["en"], anchor=safe_name(name), height=400)
    there = f"document.getElementById('{safe_name(name)}')"
    assert reader.value(f"{there}.open")
    assert 0 <= reader.value(f"{there}.getBoundingClientRect().top") < 400


def test_each_scenario_and_each_instance_has_an_anchor_that_shows_it(pages: dict[str, Path], reader: Browser) -> None:
    reader.open(pages["en"], height=400)
    instances = [one.instance for one in MIXED if isinstance(one, Scenario)]
    for name in dict.fromkeys([*instances, *(one.partition("[")[0] for one in instances)]):
        reader.value(f"new Promise(done => {{ onhashchange = done; location.hash = '{safe_name(name)}' }})")
        there = f"document.getElementById('{safe_name(name)}')"
        assert reader.value(f"{there}.tagName !== 'DETAILS' || {there}.open"), name
        assert 0 <= reader.value(f"{there}.getBoundingClientRect().top") < 400, name


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_is_never_wider_than_the_window(
    pages: dict[str, Path], reader: Browser, width: int, code: str, tmp_path: Path
) -> None:
    reader.open(pages[code], width=width)
    reader.value(UNFOLD)
    assert reader.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert reader.value(TOO_WIDE) == []
    assert len(reader.picture(tmp_path / f"{code}-{width}.png")) > 20_000


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_stands_out_from_its_ground(pages: dict[str, Path], reader: Browser, dark: bool) -> None:
    reader.open(pages["fr"], dark=dark)
    reader.value(UNFOLD)
    assert reader.value(TOO_FAINT) == []


def test_the_first_stop_of_the_keyboard_skips_to_the_summary(pages: dict[str, Path], reader: Browser) -> None:
    reader.open(pages["en"])
    for kind in ("keyDown", "keyUp"):
        reader.ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert reader.value("document.activeElement.getAttribute('href')") == "#summary"
    assert reader.value("document.activeElement.getBoundingClientRect().left") >= 0


def test_printing_shows_what_is_folded(pages: dict[str, Path], reader: Browser) -> None:
    reader.open(pages["en"])
    assert not reader.value("document.getElementById('SNS-WEB-01-sbg7-http').open")
    reader.value("dispatchEvent(new Event('beforeprint'))")
    assert reader.value("document.getElementById('SNS-WEB-01-sbg7-http').open")
