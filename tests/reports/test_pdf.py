"""The report on paper: pages that say which run they are of, with a table of contents and their fonts inside."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from reports import pdf
from reports.renderings import write
from tests.reports.examples import RUN, written
from tests.reports.runs import ATTACK, MIXED

pytestmark = pytest.mark.skipif(not shutil.which("pdftotext"), reason="poppler-utils are not installed")


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    written(folder, MIXED)
    return write(folder, "pdf")


def _said(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _pages(paper: Path) -> list[str]:
    return _said("pdftotext", "-layout", paper, "-").split("\f")[:-1]


def test_every_page_says_its_number_the_run_and_the_configuration(paper: Path) -> None:
    pages = _pages(paper)
    assert len(pages) > 2
    for number, text in enumerate(pages, start=1):
        footer = text.rstrip().splitlines()[-1]
        assert RUN.run in footer
        assert f"SHA-256 {RUN.deployment_hash[:32]}" in footer
        assert f"{number} / {len(pages)}" in footer
    assert all("Simulated lab" in text for text in pages)


def test_the_table_of_contents_names_the_page_of_each_part(paper: Path) -> None:
    pages = _pages(paper)
    listed = [line.strip() for line in "".join(pages).splitlines() if "...." in line or ". . ." in line]
    number = next(int(line.split()[-1]) for line in listed if line.startswith("What this does not prove"))
    assert "What this does not prove" in pages[number - 1]


def test_its_fonts_are_inside(paper: Path) -> None:
    fonts = [line.split() for line in _said("pdffonts", paper).splitlines()[2:]]
    assert fonts
    assert all(font[-5] == "yes" for font in fonts)


def test_a_reader_finds_its_title_and_its_structure(paper: Path) -> None:
    about = _said("pdfinfo", paper)
    assert RUN.run in about
    assert "Tagged:          yes" in about
    assert "pdfaid:part" in _said("pdfinfo", "-meta", paper)


def test_it_turns_into_pictures(paper: Path, tmp_path: Path) -> None:
    subprocess.run(["pdftoppm", "-r", "50", "-png", paper, tmp_path / "page"], check=True)
    assert len(list(tmp_path.glob("page*.png"))) == len(_pages(paper))


def test_what_the_record_says_is_text_here_too(paper: Path) -> None:
    assert "<script>fetch(" in "".join(_pages(paper))
    assert ATTACK not in _said("pdfinfo", paper)


def test_the_same_record_gives_the_same_bytes(tmp_path: Path) -> None:
    record = written(tmp_path, MIXED[:6])
    assert pdf.render(record, code="fr") == pdf.render(record, code="fr")
