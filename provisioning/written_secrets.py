"""Secrets that a deployment's own files hold in clear: an export of an appliance has them where ours has references."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from provisioning.deployment import Deployment
from provisioning.secrets import REFERENCE, Secrets, SecretUnavailable

_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(.*?)-----END", re.DOTALL)
_TOKEN = re.compile(r"(?im)^[^#\n=]*(?:password|passphrase|secret|psk|privatekey|community)[ \t]*=[ \t]*\"?([^\t#\"\n]+)")
_ATTRIBUTE = re.compile(r"(?im)^\w*password(?:;[^:\n]*)?(::?)[ \t]*(\S+(?:\n [^\n]*)*)")
_PRESHARED = re.compile(r"(?m)^[^#\[\n=]+=[ \t]*\"?([^\t#\"\n]+)")


def written(deployment: Deployment) -> Iterator[str]:
    """Everything secret that can be known before anything runs: what references lead to, and what the files say in clear."""
    secrets = Secrets(deployment.secrets, deployment.folder)
    for name, reference in deployment.secrets.items():
        if reference.kind != "generate":
            with suppress(SecretUnavailable):
                yield secrets.value(name)
    for site in deployment.sites:
        for folder in (deployment.configuration_folder(site), deployment.data_folder(site)):
            for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
                if path.is_file():
                    yield from (value for value in _of_file(path) if not REFERENCE.search(value))


def _of_file(path: Path) -> Iterator[str]:
    text = path.read_bytes().decode(errors="replace")
    yield from _KEY.findall(text)
    yield from _TOKEN.findall(text)
    if path.name == "psk":
        yield from _PRESHARED.findall(text)
    if path.name == "admin_password":
        yield text
    for colons, value in _ATTRIBUTE.findall(text):
        value = value.replace("\n ", "")  # LDIF folds long lines (RFC 2849)
        yield value
        if colons == "::":
            with suppress(binascii.Error, UnicodeDecodeError):
                yield base64.b64decode(value).decode()
