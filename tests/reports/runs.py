"""A larger record to look at: two sites, a topology, every verdict, text that attacks its reader, and silences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reports.entries import (
    Catalogue,
    Deviation,
    End,
    Entry,
    EnvironmentUp,
    Event,
    Evidence,
    Json,
    Observation,
    Outcome,
    Plan,
    Scenario,
    Series,
    Step,
    Support,
    Topology,
    Unmapped,
    Verdict,
)
from tests.reports.examples import RUN

ATTACK = "<script>fetch('http://203.0.113.66/')</script><img src=http://203.0.113.66/x onerror=alert(1)>\"'&{{ 7*7 }}"


def _host(name: str, role: str, site: str, *interfaces: tuple[str, str]) -> dict[str, Json]:
    plugged = [
        {"name": f"eth{place}", "segment": segment, "vlans": [], "addresses": [address]}
        for place, (segment, address) in enumerate(interfaces)
    ]
    return {"name": name, "role": role, "site": site, "interfaces": plugged}


def _site(site: str, vlan: int) -> list[dict[str, Json]]:
    wires = (("vrack-0", "192.0.2.1/29"), (f"vrack-{vlan}", f"10.{vlan}.0.1/16"), ("vrack-199", "192.168.2.3"))
    return [
        _host(f"gw-{site}", "gateway", site, ("vrack-0", "192.0.2.6/29")),
        _host(f"fw1-{site}", "appliance", site, *wires),
        _host(f"fw2-{site}", "appliance", site, *wires),
        _host(f"web-{site}", "web", site, (f"vrack-{vlan}", f"10.{vlan}.0.10/16")),
    ]


TOPOLOGY = Topology(
    sites=(
        {"name": "sbg7", "region": "sbg7", "distance_ms": 0, "pools": ["udp"]},
        {"name": "gra11", "region": "gra11", "distance_ms": 7, "pools": []},
    ),
    segments=(
        {"name": "internet", "vlan": None},
        *({"name": f"vrack-{vlan}", "vlan": vlan} for vlan in (0, 199, 200, 201)),
    ),
    hosts=(
        *_site("sbg7", 200),
        *_site("gra11", 201),
        *(_host(name, name, "", ("internet", "198.51.100.10")) for name in ("public", "admin", "stranger", "vpn-client")),
    ),
    tunnels=({"sites": ["sbg7", "gra11"], "networks": ["vlan200", "vlan201"]},),
)


def instance(
    number: int,
    name: str,
    verdict: Verdict = "pass",
    *,
    sentence: str = "A stranger reaches the published web site",
    file: str = "features/publication.feature",
    seen: Sequence[tuple[str, Json, Json]] = (("the answer", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK"),),
) -> list[Entry]:
    """An instance of a scenario from its beginning to its end, a second after the one before it."""
    at, ended = (f"2026-11-24T00:{second // 60 % 60:02}:{second % 60:02}.000Z" for second in (number, number + 1))
    steps = ("When the stranger fetches the headers of the published site", 'Then the answer is "HTTP/1.1 200 OK"')
    feature = "A private web server is published to the Internet" if "publication" in file else "Two firewalls stand for one"
    failed = verdict == "fail"
    entries: list[Entry] = [
        Scenario(
            at=at,
            instance=name,
            scenario=name.partition("[")[0],
            name=sentence,
            feature=feature,
            rule="",
            file=file,
            line=6,
            tags=("each_site",),
            steps=steps,
        )
    ]
    if verdict not in ("skipped", "not applicable"):
        done = Step(at=at, instance=name, number=1, keyword="When", text=steps[0][5:], line=7, seconds=0.05, verdict="pass")
        entries.append(done)
        entries += [
            Observation(
                at=ended,
                instance=name,
                step=2,
                what=what,
                expected=expected,
                observed=observed,
                attempts=2,
                seconds=0.2,
                verdict="fail" if failed and last else "pass",
            )
            for last, (what, expected, observed) in ((one is seen[-1], one) for one in seen)
        ]
        kept = "evidence/x/internet.pcapng"
        entries.append(Evidence(at=ended, instance=name, step=2, what="capture", path=kept, sha256="f" * 64, bytes=1234))
    reason = "" if verdict == "pass" else f"expected the answer: 200, observed {ATTACK}"
    return [*entries, Outcome(at=ended, instance=name, verdict=verdict, seconds=0.25, reason=reason, detail=reason)]


CURVES = (
    Series(
        instance="SNS-HA-04[sbg7]",
        step=2,
        what="pings to the Internet",
        kind="answers",
        positions=(0.01, 0.02, 0.46, 0.47, 0.48),
        milliseconds=(10, 10, 440, 10, 10),
        limit=400,
    ),
    Series(
        instance="SNS-HA-04[sbg7]",
        step=2,
        what="round trips from sbg7",
        kind="round trips",
        positions=(1, 2, 3, 4, 5),
        milliseconds=(14.1, 14.2, 15.9, 14.0, 21.3),
    ),
)
"""A flow with a silence, and round trips."""

SILENCES = (
    ("the longest silence of pings to the Internet", "at most 1000 ms", "83 ms"),
    ("the longest silence of pings through the tunnel to gra11", "at most 5000 ms", "640 ms"),
)

MIXED: tuple[Entry, ...] = (
    RUN,
    Plan(
        planned=(
            "SNS-WEB-01[sbg7-http]",
            "SNS-WEB-03[gra11-http]",
            "SNS-HA-04[sbg7]",
            "SNS-PLAT-07",
            "SNS-RA-05[udp]",
            "SNS-RA-06[udp]",
            "SNS-IPSEC-01[none]",
            "SNS-MGMT-01[sbg7]",
        )
    ),
    EnvironmentUp(kind="lab", capabilities=("spoofing",), seconds=3.2),
    TOPOLOGY,
    *instance(1, "SNS-WEB-01[sbg7-http]"),
    *instance(2, "SNS-WEB-03[gra11-http]", "fail", sentence=ATTACK, seen=[(ATTACK, [], {ATTACK: ATTACK * 20})]),
    *instance(3, "SNS-HA-04[sbg7]", file="features/high_availability.feature", seen=SILENCES),
    *CURVES,
    *instance(4, "SNS-PLAT-07"),
    *instance(5, "SNS-RA-05[udp]", "inconclusive"),
    *instance(6, "SNS-RA-06[udp]", "error"),
    *instance(7, "SNS-IPSEC-01[none]", "not applicable"),
    Event(text=ATTACK),
    End(status=1, seconds=9.8, counts={}),
)

HUNDRED: tuple[Entry, ...] = (
    RUN,
    TOPOLOGY,
    *(entry for number in range(100) for entry in instance(number, f"SNS-WEB-{number:02}[sbg7-http]", seen=SILENCES * 4)),
)


def _support(scenario: str, catalogue: str, control: str, reason: str, confidence: str = "verified") -> Support:
    return Support(
        scenario=scenario,
        catalogue=catalogue,
        control=control,
        title="networks",
        reason=reason,
        does_not_prove=reason,
        source="https://publisher.example/",
        date="2026-11-25",
        confidence=confidence,
    )


def catalogue(name: str, **more: object) -> Catalogue:
    """A catalogue of this name."""
    return Catalogue(
        name=name,
        title=f"All of {name}",
        version="1",
        publisher="Publisher",
        source="https://publisher.example/",
        date="2026-01-01",
        read_on="2026-08-01",
        licence="ours",
        **more,  # type: ignore[arg-type]
    )


def waiver(subject: str, expires: str = "2026-12-31") -> Deviation:
    """A waiver of this subject."""
    return Deviation(
        subject=subject,
        kind="waiver",
        justification=ATTACK,
        owner="Ada",
        expires=expires,
        compensation="watched",
        file="guide/deviations.toml",
        line=3,
    )


CONTROLS: tuple[Entry, ...] = (
    catalogue("ANSSI SNS 4.3", unsupported=("R1", "R2")),
    catalogue("ISO 27001:2022"),
    catalogue("PCI DSS 4.0.1"),
    _support("SNS-WEB-01", "ANSSI SNS 4.3", "R29", "it is reached"),
    _support("SNS-WEB-01", "ISO 27001:2022", "8.20", ATTACK, "to verify"),
    _support("SNS-WEB-03", "ISO 27001:2022", "8.20", "nothing else answers", "to verify"),
    _support("SNS-NOT-01", "PCI DSS 4.0.1", "1.3.1", ""),
    Unmapped(scenario="SNS-HA-04", catalogue="ANSSI SNS 4.3", reason="no chapter"),
    Unmapped(scenario="SNS-HA-04", catalogue="", reason="nobody asks for it"),
    replace(waiver("ANSSI SNS 4.3 R40"), kind="finding", owner="", expires="", line=9),
)
"""What ``MIXED`` supports, and a finding."""
