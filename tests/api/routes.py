"""Walking every route and every declared operation, so that sweeps miss none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from core import ids
from core.api.endpoint import Endpoint, Operation

METHODS = ("get", "post", "put", "patch", "delete")
PREFIXES = {
    "key": "ak", "account": "sa", "event": "evt", "invitation": "inv", "application": "app", "role": "role",
    "member": "sub", "assignment": "rasg", "resource": "rs", "scope": "scp", "organization": "org",
    "endpoint": "whe", "delivery": "whd", "secret": "csec", "session": "sess", "token": "iat",
    "issuer": "tis", "identity": "xid", "signing_key": "key",
    "group": "grp", "domain": "dom",
    "connection": "sso", "linked": "upi", "exemption": "sse",
}  # fmt: skip


def routes() -> list[tuple[str, URLPattern]]:
    """Return (whole route, pattern) of all addresses."""
    return list(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: list[Any], prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        else:
            yield route, pattern


@dataclass(frozen=True)
class Case:
    """One operation at one address."""

    method: str
    route: str
    operation: Operation
    view: type[Endpoint]

    def __str__(self) -> str:
        return f"{self.method.upper()} /{self.route}"

    @property
    def arguments(self) -> list[str]:
        return [part[1:-1].partition(":")[2] for part in self.route.split("/") if part.startswith("<")]

    def path(self, given: dict[str, str] | None = None) -> str:
        """Return the address with `given` ids, and well-formed ids of nothing in the other places."""
        path = "/" + self.route
        for name in self.arguments:
            value = (given or {}).get(name) or ids.encode(PREFIXES.get(name, "x"), ids.uuid7())
            path = path.replace(f"<str:{name}>", value)
        return path


def operations(*, account: bool = False) -> list[Case]:
    """Return every declared operation of a tenant under `/v1`, or those that take a person's own token."""
    return list(_operations(account))


@cache
def _operations(account: bool) -> tuple[Case, ...]:
    found = []
    for route, pattern in routes():
        view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
        if view is None or not issubclass(view, Endpoint):
            continue
        for method in METHODS:
            declared = getattr(getattr(view, method, None), "operation", None)
            if declared is not None and declared.account == account:
                found.append(Case(method, route, declared, view))
    return tuple(found)


def sample(case: Case) -> Any:
    """Return a body that the operation's serializer would not refuse for being absent, or None."""
    return {} if case.operation.body is not None or case.method in ("post", "put", "patch") else None
