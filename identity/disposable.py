"""Providers of throw-away addresses: a short list of our own, and the operator's (`DISPOSABLE_DOMAINS`)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

FILE = Path(__file__).resolve().parent / "data" / "disposable_domains.txt"


def is_disposable(domain: str) -> bool:
    """Whether the domain, or one that it lies beneath, is on a list."""
    labels = domain.casefold().split(".")
    listed = _listed(settings.DISPOSABLE_DOMAINS)
    return any(".".join(labels[start:]) in listed for start in range(len(labels) - 1))


@lru_cache(maxsize=4)
def _listed(own: str) -> frozenset[str]:
    """Read the lists once. The check before deployment refuses a file that cannot be read; later it counts as empty."""
    texts = [FILE.read_text()]
    try:
        texts += [Path(own).read_text()] if own else []
    except (OSError, ValueError) as error:
        log.error("the operator's list of throw-away domains cannot be read", error=str(error)[:200])
    lines = (line.partition("#")[0].strip().casefold() for text in texts for line in text.splitlines())
    return frozenset(line for line in lines if line)
