"""What a run in the lab keeps of its scenarios: each kind of evidence where it belongs, and no secret anywhere."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from reports.record import Record, read
from tests.lab.evidence.planted import ANSWERED, FILE, INTRUDER, LEAKY, traces
from tests.provisioning.plans import GUIDE, change, copy_of

ROOT = Path(__file__).resolve().parents[3]
WITHIN = 180  # s: some 15 on two idle cores

IPSEC, POOL, CLUSTER = "SNS-IPSEC-01[sbg7-gra11]", "SNS-RA-02[udp]", "SNS-HA-01[sbg7]"
EGRESS, UNTOLD = "SNS-EGRESS-01[web-sbg7]", "SNS-PLAT-07"

pytestmark = pytest.mark.lab


@dataclass(frozen=True)
class Run:
    """A run that was made, and the secrets that were planted for it, by where."""

    folder: Path
    record: Record
    planted: Mapping[str, str]

    def of(self, instance: str) -> dict[str, Path]:
        """The evidence files of a scenario by name."""
        return {Path(one.path).name: self.folder / one.path for one in self.record.scenarios[instance].evidence}

    def text(self, instance: str, name: str) -> str:
        """One of them."""
        return self.of(instance)[name].read_text()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    deployment = copy_of(GUIDE, folder)
    planted = _plant(deployment)
    (folder / "planted.json").write_text(json.dumps(planted))
    variables = {FILE: str(folder / "planted.json"), "GUIDE_PSK": planted["tunnel"], "OS_PASSWORD": planted["variable"]}
    chosen = [one.partition("[")[0] for one in (LEAKY, IPSEC, POOL, CLUSTER, EGRESS, ANSWERED, UNTOLD)]
    command = [sys.executable, "-m", "pytest", "features/", "-q", "-p", "no:cacheprovider", "-p", "tests.lab.evidence.planted",
               "--runs", str(folder / "runs"), "--deployment", str(deployment),
               f"--appliance-password={planted['option']}", *(f"--scenario={one}" for one in chosen)]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, timeout=WITHIN,
                          check=False)  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    (made,) = (folder / "runs").iterdir()
    return Run(made, read(made), planted)


def _plant(deployment: Path) -> dict[str, str]:
    """Write secrets where a deployment, its operator and its machine have them."""
    key = subprocess.run(["openssl", "genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048"],
                         capture_output=True, text=True, check=True).stdout  # fmt: skip
    planted = {
        "tunnel": "PSK/of+the:tunnel-3f9c",
        "cookie": "sid-51d0c7a98be24f60",
        "directory": "Directory pass & word",
        "hash": "{SSHA}n0tTh3Pl4inW0rdButItsH4sh==",
        "cluster": "Clusters-own-pass-77",
        "variable": "cloud-operator-pass-42",
        "option": "typed-at-the-prompt-19",
        "key": "\n".join(line for line in key.splitlines() if not line.startswith("-----")),
    }
    plan = deployment / "deployment.toml"
    change(plan, 'ipsec_sbg7_gra11 = "generate"', 'ipsec_sbg7_gra11 = "env:GUIDE_PSK"')
    change(plan, 'address_password = "generate"', 'address_password = "file:directory-password"')
    (deployment / "directory-password").write_text(planted["directory"] + "\n")
    change(deployment / "gra11/ConfigFiles/HA/highavailability", "${secret:ha_gra11}", planted["cluster"])
    (deployment / "sbg7/ConfigFiles/Certificates/own").mkdir(parents=True)
    (deployment / "sbg7/ConfigFiles/Certificates/own/own.pkey.pem").write_text(key)
    with (deployment / "sbg7/Data/Ldapbase.ldif").open("a") as ldif:
        hashed = base64.b64encode(planted["hash"].encode()).decode()
        ldif.write("\ndn: cn=eve,ou=users,o=stormshield,dc=ovh\nobjectClass: top\nobjectClass: inetOrgPerson\nuid: eve\n"
                   f"cn: eve\nsn: eve\nuserPassword:: {hashed}\n")  # fmt: skip
    return planted


# Each kind where it belongs -----------------------------------------------------------------------------------------

COUNTERS = {"counters-sbg7.txt"}
SERVERS = {"security-associations-sbg7.txt", "security-associations-gra11.txt"}


@pytest.mark.parametrize(
    "instance, texts",
    [
        (IPSEC, COUNTERS | {"counters-gra11.txt"} | SERVERS),
        (POOL, COUNTERS | {"commands.txt", "openvpn-sbg7.txt"}),
        (CLUSTER, COUNTERS | {"commands.txt", "ha-sbg7.txt"}),
        (EGRESS, COUNTERS | {"commands.txt"}),
        (UNTOLD, {"commands.txt"}),
        (ANSWERED, COUNTERS | {"commands.txt", "log-gw-sbg7.txt", "log-fw1-sbg7.txt", "log-fw2-sbg7.txt"}),
        (
            LEAKY,
            COUNTERS | {"commands.txt", "log-stranger.txt", "log-web-sbg7.txt", "log-fw1-sbg7.txt", "log-fw2-sbg7.txt"},
        ),
    ],
)
def test_a_scenario_keeps_what_it_concerns_and_nothing_else(instance: str, texts: set[str], run: Run) -> None:
    assert {name for name in run.of(instance) if name.endswith(".txt")} == texts


@pytest.mark.parametrize(
    "instance, points",
    [
        (IPSEC, {"internet", "gw-sbg7-eth0", "gw-gra11-eth0", "web-sbg7-eth0", "web-gra11-eth0"}),
        (EGRESS, {"internet", "gw-sbg7-eth0", "web-sbg7-eth0"}),
        (ANSWERED, {"gw-sbg7-eth0"}),
    ],
)
def test_it_keeps_its_own_packets(instance: str, points: set[str], run: Run) -> None:
    kept = {name.removesuffix(".pcapng") for name in run.of(instance) if name.endswith(".pcapng")}
    background = {"gw-gra11-eth0", "web-gra11-eth0", "internet", "web-sbg7-eth0"}  # what IKE and ARP say by themselves
    assert points <= kept <= points | background


def test_no_packet_is_of_another_sites_server_alone(run: Run) -> None:
    for path in (path for name, path in run.of(EGRESS).items() if name.endswith(".pcapng")):
        assert not _tshark(path, "-Y", "arp && arp.src.proto_ipv4 == 10.201.0.10"), path


def test_a_packet_that_nobody_expected_is_there_although_its_sender_has_no_part_in_the_scenario(run: Run) -> None:
    assert run.record.scenarios[ANSWERED].verdict == "fail"
    (released,) = re.findall(r"answers for (\S+): 0, observed 1", run.record.scenarios[ANSWERED].ending.reason)
    answers = _tshark(run.of(ANSWERED)["gw-sbg7-eth0.pcapng"], "-Y", f"arp.opcode == 2 && arp.src.proto_ipv4 == {released}")
    assert answers
    assert f"log-{INTRUDER}.txt" not in run.of(ANSWERED)


def test_tshark_reads_which_scenario_step_and_point_a_capture_is_of(run: Run) -> None:
    path = run.of(EGRESS)["web-sbg7-eth0.pcapng"]
    comments = "\n".join(_tshark(path, "-T", "fields", "-e", "frame.comment"))
    assert "step 1: When the private server fetches the headers of the public page" in comments
    told = subprocess.run(["capinfos", "-k", path], capture_output=True, text=True, check=True).stdout
    assert f"features/egress.feature::{EGRESS} of run {run.record.run.run}, at web-sbg7:eth0; step 1: When" in told
    assert _tshark(path, "-Y", "tcp.dstport == 443")


def _tshark(path: Path, *options: str) -> list[str]:
    done = subprocess.run(["tshark", "-r", path, *options], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_commands_stand_under_their_steps_with_host_status_time_and_output(run: Run) -> None:
    text = run.text(EGRESS, "commands.txt")
    assert text.startswith("# step 1: When the private server fetches the headers of the public page\n")
    assert re.search(r"\n\d\d:\d\d:\d\d\.\d{3}Z web-sbg7 \$ curl --silent .*/\nstatus 0 after \d+\.\d+ s\n\| HTTP/2 200", text)


def test_rules_that_counted_are_shown_with_their_place_and_text(run: Run) -> None:
    text = run.text(IPSEC, "counters-sbg7.txt")
    assert re.search(r"\n {7}\d {8}\d  Filter/05:\d+  pass from vlan200 on in to vlan201 ", text)
    assert re.search(r"the other \d+ counted nothing", text)
    assert {line.partition(":")[0] for line in text.splitlines() if "packets counted" in line} == {"fw1-sbg7", "fw2-sbg7"}


def test_states_of_tunnel_vpn_and_pair_are_those_of_the_scenarios_end(run: Run) -> None:
    for site in ("sbg7", "gra11"):
        assert re.search(r"ESTABLISHED IKEv2 .*\n.*\n.* INSTALLED 10\.20", run.text(IPSEC, f"security-associations-{site}.txt"))
    assert "CLIENT_LIST," in run.text(POOL, "openvpn-sbg7.txt")
    told = run.text(CLUSTER, "ha-sbg7.txt")
    assert told.count("Mode              ") == 4
    assert "when the scenario began" in told
    assert "when it ended" in told


def test_the_logs_of_a_failed_scenario_are_those_of_its_span(run: Run) -> None:
    log = run.text(LEAKY, "log-web-sbg7.txt")
    assert "==> /var/log/nginx/access.log <==" in log
    assert "curl/" in log
    assert "Sec-Fetch" not in log
    assert "/log/l_ha" not in run.text(LEAKY, "log-fw2-sbg7.txt"), "it wrote nothing to that log meanwhile"


# No secret anywhere -------------------------------------------------------------------------------------------------


def test_no_secret_is_in_any_file_of_the_run_in_any_form(run: Run) -> None:
    contents = {path.relative_to(run.folder): path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    assert len(contents) > 30
    found = [
        f"{place}'s secret {form} in {path}"
        for place, secret in run.planted.items()
        for line in secret.splitlines()
        for form, octets in traces(line).items()
        for path, content in contents.items()
        if octets in content
    ]
    assert not found


def test_each_would_have_been_there(run: Run) -> None:
    """The search above means something: each way out was taken, and the secret is missing at its end."""
    ending = run.record.scenarios[LEAKY].ending
    assert ending.reason == "expected nothing, observed [secret]"
    assert ending.detail.count("[secret]") > 100
    assert "--appliance-password=[secret]" in run.record.run.arguments
    assert list(run.record.scenarios[LEAKY].observations[0].expected) == ["[secret]"]
    commands = run.text(LEAKY, "commands.txt")
    assert "curl -s -u [secret] -b [secret] http://" in commands
    assert commands.count("[secret]") > 100
    assert "[secret]" in run.text(LEAKY, "log-web-sbg7.txt")
    for point in ("internet", "gw-sbg7-eth0", "web-sbg7-eth0"):
        path = run.of(LEAKY)[f"{point}.pcapng"]
        assert re.search(r"; \d\d+ secrets in it were written over with \*", _comment(run, path)), point
        assert b"Host: " in path.read_bytes(), "what is no secret is there to read"


def _comment(run: Run, path: Path) -> str:
    return next(one.what for one in run.record.scenarios[LEAKY].evidence if run.folder / one.path == path)
