"""The plan as Terraform: what is written is read by HCL's own parser, held against what the provider takes, and compared with
``golden/``, which a reader can read. Write that anew with

python -m tests.provisioning.cloud.test_terraform
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pygohcl
import pytest

from provisioning.cloud import desired, terraform
from tests.provisioning.cloud.applicable import guide
from tests.provisioning.cloud.provider_schema import violations

GOLDEN = Path(__file__).parent / "golden"
KEY = re.compile(r"ssh-ed25519 [^\s\"]+")


def _written(folder: Path) -> dict[str, str]:
    plan = guide(folder)
    texts = terraform.files(desired.resources(plan), "rempart-guide", plan.plan.name, plan.folder / "terraform")
    return {name: KEY.sub("ssh-ed25519 AAAA", text) for name, text in texts.items()}


def test_the_guide_as_terraform(tmp_path: Path) -> None:
    written = _written(tmp_path)
    assert sorted(written) == sorted(path.name for path in GOLDEN.iterdir())
    for name, text in written.items():
        assert text == (GOLDEN / name).read_text(), name


def test_every_reference_has_something_to_refer_to(tmp_path: Path) -> None:
    text = "\n".join(_written(tmp_path).values())
    declared = {f"{kind}.{label}" for kind, label in re.findall(r'^resource "(\w+)" "(\w+)"', text, re.MULTILINE)}
    declared |= {f"data.{kind}.{label}" for kind, label in re.findall(r'^data "(\w+)" "(\w+)"', text, re.MULTILINE)}
    referred = set(re.findall(r"\b((?:data\.)?openstack_\w+\.\w+)\.(?:id|name)\b", text))
    assert len(declared) == len(re.findall(r"^(?:resource|data) ", text, re.MULTILINE)), "two of one name"
    assert referred
    assert referred <= declared


def test_the_provider_takes_all_of_it(tmp_path: Path) -> None:
    written = _written(tmp_path)
    assert [wrong for name, text in written.items() if name.endswith(".tf") for wrong in violations(text)] == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("  network_id ", "  network ", ["network is unknown", "network_id is missing"]),
        ("  enable_dhcp     = false", "  enable_dhcp = 0", ["enable_dhcp is 0, no boolean"]),
        ("  metadata     = {", "  metadata {", ["metadata is an attribute and is written as a block"]),
        ("  fixed_ip {", "  fixed_ip = {", ["fixed_ip is a block and is written as an attribute"]),
        ("    ip_address =", "    address    =", ["fixed_ip: address is unknown"]),
        ('"openstack_networking_subnet_v2"', '"openstack_subnet"', ["the provider has no such kind"]),
    ],
)
def test_what_the_provider_would_refuse_is_seen(before: str, after: str, told: list[str]) -> None:
    text = (GOLDEN / "resources.tf").read_text()
    assert before in text
    seen = {wrong.partition(": ")[2] for wrong in violations(text.replace(before, after))}
    assert seen == set(told)


def test_what_is_no_hcl_is_seen() -> None:
    with pytest.raises(pygohcl.HCLParseError, match=r"tmp\.hcl:2,6.* Invalid expression"):
        list(violations("locals {\n  a =\n}\n"))


def test_no_secret_is_written_and_each_is_a_variable(tmp_path: Path) -> None:
    written = _written(tmp_path)
    scripts = [text for name, text in written.items() if name.startswith("first-boot-")]
    assert len(scripts) == 4
    assert all("${admin_password}" in text and "${secret:" not in text for text in scripts)
    assert 'variable "admin_password"' in written["main.tf"]


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in _written(Path(folder)).items():
            (GOLDEN / name).write_text(text)
