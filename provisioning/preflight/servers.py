"""Rules about what the plan has OpenStack make: image, appliances, key, servers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from provisioning.cloud_plan import ApplianceImage, Cloud
from provisioning.preflight.ground import Ground
from provisioning.preflight.rule import Doubt, Severity

FLAVORS: Mapping[str, tuple[str, ...]] = {
    "EVA1": ("b3-16", "b3-32"),
    "EVA2": ("b3-32",),
    "EVA3": ("b3-32", "b3-64"),
    "EVA4": ("b3-128",),
    "EVAU": ("b3-256",),
}
"""The guide's table of flavors by licence."""

QCOW2 = b"QFI\xfb"
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_BLOCK = 1 << 20  # bytes


def check(ground: Ground) -> Iterator[Doubt]:
    """All of them; without ``[cloud]`` there is nothing to look at."""
    cloud = ground.deployment.cloud
    if cloud is None:
        return
    yield from _image(ground, cloud.appliances.image)
    yield from _appliances(ground, cloud)
    yield from _key(ground, cloud)
    yield from _regions(ground, cloud)
    if cloud.mtu is None:
        yield ground.in_plan("O30", (*cloud.place, "mtu"), "no MTU is written")


def versions_differ(file: str, name: str) -> bool:
    """Whether a file's name and an image's tell versions, and not the same."""
    one, other = _VERSION.search(Path(file).name), _VERSION.search(name)
    return bool(one and other and one[0] != other[0])


def format_of(path: Path) -> str:
    """The disk format of a file: by its first bytes where it is there, else as its name says; empty when neither tells."""
    try:
        with path.open("rb") as file:
            return "qcow2" if file.read(len(QCOW2)) == QCOW2 else "raw"
    except OSError:
        return {".qcow2": "qcow2", ".raw": "raw", ".img": ""}.get(path.suffix.lower(), "")


def _image(ground: Ground, image: ApplianceImage) -> Iterator[Doubt]:
    path = ground.file(image.file)
    if versions_differ(image.file, image.name):
        yield ground.in_plan("O1", (*image.place, "name"), f"{image.name} is made from {Path(image.file).name}")
    real = format_of(path)
    if real and real != image.disk_format:
        yield ground.in_plan("O2", (*image.place, "disk_format"), f"{image.disk_format}, and {path.name} is {real}")
    if not path.is_file():
        yield ground.in_plan("O28", (*image.place, "file"), f"{path.name} is not here: its content was not looked at")
    elif image.sha256 and _sha256(path) != image.sha256:
        message = f"{path.name} is another file than the one of this checksum"
        yield ground.in_plan("O28", (*image.place, "sha256"), message, Severity.ERROR)
    if not image.protected:
        yield ground.in_plan("O31", (*image.place, "protected"), "the image can be deleted under its servers")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _appliances(ground: Ground, cloud: Cloud) -> Iterator[Doubt]:
    asked = cloud.appliances
    if not asked.anti_affinity:
        for site in ground.sites:
            if site.firewall.is_cluster:
                message = f"nothing keeps the members of {site.name} apart"
                yield ground.in_plan("O13", (*asked.place, "anti_affinity"), message)
    if not asked.first_boot:
        yield ground.in_plan("O18", (*asked.place, "first_boot"), "the first password is typed at a console")
    for site in ground.sites:
        firewall = site.firewall
        place = (*firewall.place, "model")
        fitting = FLAVORS.get(firewall.model.upper())
        if not firewall.model_chosen:
            yield ground.in_plan("O20", place, f"no model is chosen for {asked.flavor}")
        elif fitting is None:
            yield ground.in_plan("O20", place, f"{firewall.model} is in no table of flavors ({', '.join(FLAVORS)})")
        elif asked.flavor not in fitting:
            message = f"{asked.flavor} is not for {firewall.model} ({', '.join(fitting)})"
            yield ground.in_plan("O20", (*asked.place, "flavor"), message, Severity.WARNING)


def _key(ground: Ground, cloud: Cloud) -> Iterator[Doubt]:
    path = ground.file(cloud.public_key)
    place = (*cloud.place, "public_key")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        if path.name == "id_rsa.pub":
            yield ground.in_plan("O22", place, f"{cloud.public_key} is not here; a key of today is id_ed25519.pub")
        else:
            yield ground.in_plan("O21", place, f"{cloud.public_key} is not here to be looked at", Severity.INFORMATION)
        return
    if not _is_public_key(text):
        message = f"{cloud.public_key} holds no public key of OpenSSH"
        yield ground.in_plan("O22", place, message, Severity.ERROR)


def _is_public_key(text: str) -> bool:
    """Whether a text is one line ``TYPE BASE64 [COMMENT]`` whose content names the same type (RFC 4253, section 6.6)."""
    words = text.split()
    if len(words) < 2:
        return False
    try:
        content = base64.b64decode(words[1], validate=True)
    except binascii.Error:
        return False
    length = int.from_bytes(content[:4], "big")
    return content[4 : 4 + length] == words[0].encode()


def _regions(ground: Ground, cloud: Cloud) -> Iterator[Doubt]:
    for site in ground.sites:
        if not site.region_chosen:
            yield ground.in_plan("O23", (*site.place, "region"), f"no region is written for {site.name}")
    client = cloud.vpn_client
    if client is not None and not client.region:
        yield ground.in_plan("V6", (*client.place, "region"), "no region is written for the VPN client")
