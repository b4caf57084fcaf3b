"""The plan as Terraform: what is written is compared with ``golden/``, which a reader can read. Write it anew with

python -m tests.provisioning.cloud.test_terraform
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from provisioning.cloud import desired, terraform
from tests.provisioning.cloud.applicable import guide

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
