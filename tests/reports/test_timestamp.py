"""A time stamp over the sums of a run, from an authority on loopback: asked for, checked, and not taken for more than it is."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import main
from reports import seal, timestamp
from reports.seal import SUMS, TOKEN, TOKEN_SUM, SealFailed
from reports.verification import verify
from tests.reports.authority import Authority, authority, make_ca
from tests.reports.sealed import write_sealed


@pytest.fixture(scope="module")
def somebody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with authority(tmp_path_factory.mktemp("authority")) as running:
        yield running


@pytest.fixture(scope="module")
def stamped(tmp_path_factory: pytest.TempPathFactory, somebody: Authority) -> Path:
    folder = write_sealed(tmp_path_factory.mktemp("stamped") / "run")
    timestamp.stamp(folder / SUMS, somebody.url)
    return folder


@pytest.fixture
def run(stamped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stamped, tmp_path / "run"))


def test_a_stamped_run_is_good_and_says_when(run: Path, somebody: Authority, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(run), "--timestamp-ca", str(somebody.ca)]) == 0
    assert "GMT\n" in capsys.readouterr().out
    assert main(["verify", str(run)]) == 0
    assert "GMT; whether to be trusted, --timestamp-ca FILE tells\n" in capsys.readouterr().out


def test_openssl_alone_says_the_same(run: Path, somebody: Authority) -> None:
    command = ["openssl", "ts", "-verify", "-data", SUMS, "-in", TOKEN, "-CAfile", str(somebody.ca)]
    assert subprocess.run(command, cwd=run, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", [TOKEN, TOKEN_SUM])
def test_every_byte_of_the_token_counts(run: Path, name: str) -> None:
    """Also those that nothing in a token signs, such as the version of its form."""
    content = (run / name).read_bytes()
    unseen = []
    for place in range(len(content)):
        (run / name).write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        try:
            timestamp.check(run)
            unseen.append(place)
        except timestamp.TokenWrong:
            pass
    assert not unseen
    assert [one.kind for one in verify(run).findings] == ["changed"]


def test_a_token_for_other_sums_is_told(run: Path) -> None:
    (run / "more.txt").write_text("")
    seal.seal(run)
    assert [(one.kind, one.where, one.what) for one in verify(run).findings] == [
        ("changed", TOKEN, "is no time stamp of SHA256SUMS as it is now")
    ]


def test_a_token_that_is_gone_is_missing(run: Path, somebody: Authority) -> None:
    (run / TOKEN).unlink()
    assert [one.kind for one in verify(run).findings] == ["missing"]
    (run / TOKEN_SUM).unlink()
    assert [one.kind for one in verify(run, timestamp_ca=somebody.ca).findings] == ["not stamped"]


def test_an_authority_that_is_not_trusted_here(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = make_ca(tmp_path, "other")
    assert main(["verify", str(run), "--timestamp-ca", str(other)]) == 4
    assert f"not stamped SHA256SUMS.tsr comes from no authority of {other}" in capsys.readouterr().out


def test_a_file_of_authorities_that_holds_none(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.pem").write_text("")
    assert main(["verify", str(run), "--timestamp-ca", str(tmp_path / "empty.pem")]) == 2
    assert "empty.pem: holds no certificate" in capsys.readouterr().err
    assert main(["verify", str(run), "--timestamp-ca", str(tmp_path / "nowhere.pem")]) == 2
    assert "nowhere.pem: No such file or directory" in capsys.readouterr().err


def test_what_is_no_authority_is_told_and_leaves_no_token(tmp_path: Path, somebody: Authority) -> None:
    sums = write_sealed(tmp_path / "run") / SUMS
    for url, told in (
        ("ftp://127.0.0.1", "not the address of a time stamp authority"),
        (f"{somebody.url}/broken", "the answer is no time stamp for these sums"),
        ("http://127.0.0.1:9", "no time stamp: .*Connection refused"),
    ):
        with pytest.raises(SealFailed, match=told):
            timestamp.stamp(sums, url)
    assert not sums.with_name(TOKEN).exists()
