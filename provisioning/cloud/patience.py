"""A cloud that is busy, or for a moment not there, is asked again; one that refuses is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from provisioning.cloud.errors import CloudError, CloudNotReached

TRIES = 6
LONGEST_DELAY = 60.0  # s: what a Retry-After may ask for
_BUSY = {429, 502, 503, 504}
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Patience:
    """How one asks again. ``tell`` says that it happens; ``sleep`` is the clock's."""

    tell: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, what: str, ask: Callable[[], _Result]) -> _Result:
        """The answer. Before each further try the caller's ``ask`` has to look what the last one has left.

        Raises CloudNotReached for credentials that are refused and for a cloud that stays away, CloudError for a refusal.
        """
        from keystoneauth1 import exceptions as access
        from openstack import exceptions

        for attempt in range(1, TRIES + 1):
            try:
                return ask()
            except (access.Unauthorized, access.AuthorizationFailure) as why:
                raise CloudNotReached(f"{what}: the cloud does not accept our credentials any more: {said(why)}") from None
            except (access.ConnectFailure, access.DiscoveryFailure) as why:
                again, reason = True, said(why)
                answer = None
            except (exceptions.HttpException, access.HttpError) as why:
                status = getattr(why, "status_code", None) or getattr(why, "http_status", None)
                if status == 401:
                    raise CloudNotReached(f"{what}: the cloud does not accept our credentials any more: {said(why)}") from None
                again, reason, answer = status in _BUSY, said(why), getattr(why, "response", None)
                if not again:
                    raise CloudError(f"{what}: {reason}") from why
            except exceptions.SDKException as why:
                raise CloudError(f"{what}: {said(why)}") from why
            if attempt < TRIES:
                delay = _delay(answer, attempt)
                self.tell(f"{what}: {reason}; again in {delay:g} s ({attempt} of {TRIES - 1})")
                self.sleep(delay)
        raise CloudNotReached(f"{what}: asked {TRIES} times, the last answer: {reason}")


def said(why: Exception) -> str:
    """What the cloud said, in one line: its own words before the client's."""
    details = getattr(why, "details", None)
    text = str(details or why).strip()
    return " ".join(text.split()) or type(why).__name__


def _delay(answer: Any, attempt: int) -> float:
    """Seconds: what the cloud asks for, else 1, 2, 4, …"""
    asked = answer.headers.get("Retry-After", "") if answer is not None else ""
    return min(float(asked), LONGEST_DELAY) if asked.isdigit() else float(2 ** (attempt - 1))
