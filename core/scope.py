"""The database context of every transaction: whose rows may be seen and written.

PostgreSQL row-level security reads these settings (`app.tenant_id`, `app.organization_id`,
`app.account_id`, `app.operator`); nothing set means no rows. A transaction has exactly one kind of
scope. The door opens it (API view, page, job, command); services, selectors and models assume it.

    with scope.tenant(tenant.id):                     # all organizations: tenant-level callers only
    with scope.organization(tenant.id, org.id):       # that organization's rows
    with scope.account(account.id):                   # a person's own rows
    with scope.operator():                            # tenants and workspaces, no tenant's content
    with scope.relay():                               # the relay role: sealer, delivery, sweeps
    with scope.one_statement(tenant.id):              # hot paths: a transaction of one round trip
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import connections, transaction

from core.principal import Principal

ALL_ORGANIZATIONS = "all"


class Kind(StrEnum):
    TENANT = "tenant"
    ACCOUNT = "account"
    OPERATOR = "operator"
    RELAY = "relay"


class ScopeError(RuntimeError):
    """A programming error: no scope, a second kind of scope, or a setting outside a transaction."""


@dataclass(frozen=True)
class Scope:
    kind: Kind
    tenant_id: uuid.UUID | None = None
    organization: str = ""
    account_id: uuid.UUID | None = None

    @property
    def alias(self) -> str:
        return "relay" if self.kind is Kind.RELAY else "default"

    @property
    def settings(self) -> tuple[str, str, str, str]:
        return (
            str(self.tenant_id or ""),
            self.organization,
            str(self.account_id or ""),
            "on" if self.kind is Kind.OPERATOR else "",
        )

    def admits(self, inner: Scope) -> bool:
        """Whether `inner` may be opened inside: the same scope, or one organization of this tenant."""
        if inner == self:
            return True
        narrows = self.organization == ALL_ORGANIZATIONS
        return self.kind is inner.kind is Kind.TENANT and self.tenant_id == inner.tenant_id and narrows


_current: ContextVar[Scope | None] = ContextVar("scope", default=None)
_SET = (
    "SELECT set_config('app.tenant_id', {}, true), set_config('app.organization_id', {}, true),"
    " set_config('app.account_id', {}, true), set_config('app.operator', {}, true)"
)
_SAFE = re.compile(r"[0-9a-z-]*\Z")
_DIGEST = re.compile(r"[0-9A-Za-z_.$-]*\Z")


def current() -> Scope | None:
    return _current.get()


def require() -> Scope:
    """Return the open scope; raises ScopeError where none is."""
    opened = _current.get()
    if opened is None:
        raise ScopeError("no scope is open: the door must open one before it touches rows")
    return opened


def require_tenant() -> uuid.UUID:
    """Return the tenant of the open scope; raises ScopeError outside a tenant scope."""
    opened = require()
    if opened.tenant_id is None:
        raise ScopeError(f"a tenant scope is needed, {opened.kind} is open")
    return opened.tenant_id


@contextmanager
def tenant(tenant_id: uuid.UUID) -> Iterator[Scope]:
    with _enter(Scope(Kind.TENANT, tenant_id, ALL_ORGANIZATIONS)) as opened:
        yield opened


@contextmanager
def organization(tenant_id: uuid.UUID, organization_id: uuid.UUID) -> Iterator[Scope]:
    with _enter(Scope(Kind.TENANT, tenant_id, str(organization_id))) as opened:
        yield opened


@contextmanager
def principal(caller: Principal) -> Iterator[Scope]:
    """The tenant of the caller, confined to its organization where it has one."""
    confined = str(caller.organization_id) if caller.organization_id else ALL_ORGANIZATIONS
    with _enter(Scope(Kind.TENANT, caller.tenant_id, confined)) as opened:
        yield opened


@contextmanager
def account(account_id: uuid.UUID) -> Iterator[Scope]:
    with _enter(Scope(Kind.ACCOUNT, account_id=account_id)) as opened:
        yield opened


@contextmanager
def operator() -> Iterator[Scope]:
    with _enter(Scope(Kind.OPERATOR)) as opened:
        yield opened


@contextmanager
def relay() -> Iterator[Scope]:
    with _enter(Scope(Kind.RELAY)) as opened:
        yield opened


def one_statement(tenant_id: uuid.UUID) -> AbstractContextManager[Scope]:
    """The whole tenant's scope for exactly one statement, which is a transaction by itself.

    Settings, statement and commit take one round trip. Raises ScopeError inside another scope or transaction;
    a second statement raises, since it would run without the settings and see nothing.
    """
    return _sole(Scope(Kind.TENANT, tenant_id, ALL_ORGANIZATIONS))


def one_statement_of_account(account_id: uuid.UUID) -> AbstractContextManager[Scope]:
    """The same in a person's own scope."""
    return _sole(Scope(Kind.ACCOUNT, account_id=account_id))


def one_statement_of_operator() -> AbstractContextManager[Scope]:
    return _sole(Scope(Kind.OPERATOR))


def one_statement_of_holder(lookup: str, digest: str) -> AbstractContextManager[Scope]:
    """The same for whoever holds a secret: the account is the one that a lookup function finds by its digest.

    `lookup` names a function of ours that returns `account_id`; where it finds none, no row is seen.
    """
    if not _DIGEST.match(digest):
        raise ScopeError("a digest has no such characters")
    whose = f"coalesce((SELECT account_id::text FROM {lookup}('{digest}')), '')"  # noqa: S608 — checked above
    return _sole(Scope(Kind.ACCOUNT), _SET.format("''", "''", whose, "''"))


@contextmanager
def _sole(wanted: Scope, statement: str = "") -> Iterator[Scope]:
    connection: Any = connections[wanted.alias]
    if _current.get() is not None or connection.in_atomic_block:
        raise ScopeError("a statement of its own cannot run inside a transaction")
    connection.prepare_sole(statement or statement_of(wanted))
    token = _current.set(wanted)
    try:
        yield wanted
    finally:
        _current.reset(token)
        connection.end_sole()


@contextmanager
def _enter(wanted: Scope) -> Iterator[Scope]:
    outer = _current.get()
    if outer is None:
        with transaction.atomic(using=wanted.alias), _set(wanted):
            yield wanted
    elif not outer.admits(wanted):
        raise ScopeError(f"{wanted} cannot be opened inside {outer}")
    elif outer == wanted:
        yield wanted
    else:
        with transaction.atomic(using=wanted.alias), _set(wanted):
            try:
                yield wanted
            finally:
                apply(outer)


@contextmanager
def _set(wanted: Scope) -> Iterator[None]:
    apply(wanted)
    token = _current.set(wanted)
    try:
        yield
    finally:
        _current.reset(token)


def apply(wanted: Scope) -> None:
    """Write the settings into the running transaction, with its next statement.

    Raises ScopeError outside one: there `set_config(…, true)` would be a silent no-op.
    """
    connection: Any = connections[wanted.alias]  # core.postgres
    if not connection.in_atomic_block:
        raise ScopeError("a scope needs a transaction")
    if connection.needs_rollback or wanted.kind is Kind.RELAY:
        return
    connection.prepare(statement_of(wanted))


def statement_of(wanted: Scope) -> str:
    """Return the statement that writes the settings; ids and fixed words need no parameters."""
    if not all(map(_SAFE.match, wanted.settings)):
        raise ScopeError(f"{wanted} holds what no id can hold")
    return _SET.format(*(f"'{setting}'" for setting in wanted.settings))


class ScopeRouter:
    """Sends each query to the role of the open scope; scoped rows without a scope raise."""

    def db_for_read(self, model: type, **hints: object) -> str:
        return self._alias(model)

    def db_for_write(self, model: type, **hints: object) -> str:
        return self._alias(model)

    def allow_relation(self, first: object, second: object, **hints: object) -> bool:
        return True

    def allow_migrate(self, database: str, app_label: str, **hints: object) -> bool:
        return database == "owner"

    @staticmethod
    def _alias(model: type) -> str:
        opened = _current.get()
        if opened is not None:
            return opened.alias
        if getattr(model, "is_scoped", False):
            raise ScopeError(f"{model.__name__} was queried with no scope open")
        return "default"
