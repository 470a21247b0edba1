"""Rate limits: exact over all nodes, fair between tenants, never off (requirement C23; threats R6, R14, A4).

A sliding window made of two counters, counted in Valkey by one atomic script for all limits of a request, on
Valkey's own clock. Each process also counts what it let through: a subject over its limit is turned away
without a round trip, and while Valkey is down or slow that count alone decides, against a quarter of it.
A busy subject pays for some calls ahead (leases).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256

from . import shared
from .leases import Leases
from .limits import BULK, CLASSES, SEARCH, STANDARD, WRITE, Count, Decision, Limit, State, decide, limit_for
from .local import LocalWindows

__all__ = [
    "BULK",
    "CLASSES",
    "SEARCH",
    "STANDARD",
    "WRITE",
    "Decision",
    "Limit",
    "State",
    "clear_local",
    "hit",
    "limit_for",
]

FALLBACK_SHARE = 4

_local = LocalWindows()
_leases = Leases()


@dataclass(frozen=True)
class Plan:
    """What one request counts against: a key and its limit for each subject and class."""

    keys: tuple[str, ...]
    limits: tuple[Limit, ...]


def hit(*, tenant: str, subjects: Sequence[str], limits: Sequence[Limit], cost: int = 1) -> Decision:
    """Count one request of `cost` against each limit of each subject, all of them or none, and decide.

    `subjects` are the credential and its owner, so that more keys do not give more calls. Never raises for
    want of Valkey.
    """
    plan = _plan(tenant, tuple(subjects), tuple(limits))
    counts = _leases.use(plan.keys, plan.limits, cost)
    return decide(plan.limits, counts, cost) if counts is not None else _ask(plan, cost)


def _ask(plan: Plan, cost: int) -> Decision:
    """Pay for the call and for some ahead, or for the call alone where there is no room for more."""
    ahead = _leases.ahead(plan.keys, plan.limits)
    if not ahead:
        return _pay(plan, cost, 0)
    try:
        decision = _pay(plan, cost, ahead)
    finally:
        _leases.settle(plan.keys)
    return decision if decision.allowed or decision.degraded else _pay(plan, cost, 0)


def _pay(plan: Plan, cost: int, ahead: int) -> Decision:
    """Count all of it or nothing: in this process first and, if that has room, at the shared count."""
    keys, limits, whole = plan.keys, plan.limits, cost + ahead
    own = _local.reserve(keys, limits, whole)
    decision = decide(limits, own, whole)
    kept = 0
    if decision.allowed:
        counts = shared.take(keys, limits, whole)
        if counts is None:
            decision = _alone(limits, own, cost)
            kept = cost if decision.allowed else 0
        elif decide(limits, counts, whole).allowed:
            _leases.keep(keys, limits, counts, cost, ahead)
            decision, kept = decide(limits, counts, cost), whole
        else:
            decision = decide(limits, counts, whole)
    if kept < whole:
        _local.release(keys, limits, whole - kept)
    return decision


def _alone(limits: Sequence[Limit], own: Sequence[Count], cost: int) -> Decision:
    """Decide without Valkey, against a share of the limit."""
    strict = [replace(limit, quota=max(1, limit.quota // FALLBACK_SHARE)) for limit in limits]
    return decide(strict, own, cost)._replace(degraded=True)


def clear_local() -> None:
    """Forget what this process counted by itself; the shared counts stay."""
    _local.clear()
    _leases.clear()


@lru_cache(maxsize=20_000)
def _plan(tenant: str, subjects: tuple[str, ...], limits: tuple[Limit, ...]) -> Plan:
    pairs = [(subject, limit) for subject in subjects for limit in limits]
    keys = tuple(_key(tenant, subject, limit) for subject, limit in pairs)
    return Plan(keys, tuple(limit for _, limit in pairs))


def _key(tenant: str, subject: str, limit: Limit) -> str:
    """Tenant and subject are in every key; the braces keep a tenant's keys on one node of a cluster."""
    hashed = sha256(subject.encode()).hexdigest()[:32]
    return f"rl:{{{tenant}}}:{limit.name}:{limit.window}:{hashed}"
