"""The page on paper: the same content, paged, its fonts inside, and each sheet says which run and configuration it is of."""

from __future__ import annotations

import hashlib
import warnings

from reports.html import page
from reports.record import Record

VARIANT = "pdf/a-2u"
"""For archives: nothing outside the file is needed to show it, and every sign in it can be copied as text."""


def render(record: Record, *, code: str = "en", way: str = "") -> bytes:
    """The report as PDF. The same record gives the same bytes, with the same fonts installed."""
    from weasyprint import HTML

    source = page.render(record, code=code, medium="paper", way=way)
    identifier = hashlib.sha256(source.encode()).digest()[:16]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # WeasyPrint leaves the file of its colour profile open
        made: bytes = HTML(string=source, url_fetcher=_nothing).write_pdf(
            pdf_identifier=identifier, pdf_variant=VARIANT, pdf_tags=True
        )
    return made


def _nothing(url: str) -> dict[str, str]:
    raise ValueError(f"a report fetches nothing, and not {url}")
