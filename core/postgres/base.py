"""Django's PostgreSQL backend with fewer round trips: a transaction of one statement makes two, not five.

What only prepares (BEGIN, the scope's settings, savepoints) waits and travels in front of the next
statement; a transaction in which nothing was asked never reaches the server. A pooled connection is looked
at rather than asked whether it still lives. The database sees the same statements in the same order.
"""

from __future__ import annotations

import select
import threading
from collections import deque
from enum import Enum
from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base
from django.db.transaction import TransactionManagementError
from psycopg import Error, OperationalError, sql
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus

from core.postgres.prepared import STALE, Prepared
from core.postgres.times import adapters

stock: Any = base  # the type stubs know only its public part


class Sole(Enum):
    """Whether a statement that is a transaction of its own is awaited here."""

    NO = "no"
    DUE = "due"
    SENT = "sent"


class Cursor(stock.Cursor):
    """Sends what waits on its connection together with its own statement; answers with the latter's result."""

    wrapper: DatabaseWrapper

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return self.send(*self.known(query, params), **options)

    def known(self, query: Any, params: Any) -> tuple[Any, Any]:
        """Return the call of a prepared statement, once its connection knows it; any other as it is."""
        if not isinstance(query, Prepared) or not settings.DATABASE_PREPARES:
            return query, params
        return self.wrapper.known(query, params), None

    def send(self, query: Any, params: Any = None, **options: Any) -> Any:
        waiting = self.wrapper.take_for_statement()
        try:
            if not waiting:
                return super().execute(query, params, **options)
            super().execute("; ".join([*waiting, self.mogrify(query, params)]), **options)
        except Error as error:
            self.wrapper.drop_if_stale(error)
            raise
        return self.set_result(-1)

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        self.wrapper.send_waiting()
        super().executemany(query, params_seq, **options)

    def copy(self, *arguments: Any, **options: Any) -> Any:
        self.wrapper.send_waiting()
        return super().copy(*arguments, **options)


class _Mine(threading.local):
    """The wrappers that have connected in this thread."""

    def __init__(self) -> None:
        self.wrappers: list[DatabaseWrapper] = []


_mine = _Mine()


def give_back() -> None:
    """Return this thread's connections to their pools, as Django does at the end of a request."""
    if _mine.wrappers:
        for wrapper in _mine.wrappers:
            wrapper.close_if_unusable_or_obsolete()
        _mine.wrappers = [wrapper for wrapper in _mine.wrappers if wrapper.connection is not None]


class _LatestFirst(deque[Any]):
    """A pool's idle connections. The one that was used last knows its plans and lies in the caches; psycopg would
    take the one that has rested longest.
    """

    popleft = deque.pop


# One plan for all values: PostgreSQL would try a few first, and go on planning each where an array looks dear.
_ONE_PLAN = "-c plan_cache_mode=force_generic_plan"
_ANSWERED = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class DatabaseWrapper(stock.DatabaseWrapper):
    """The connections stay in psycopg's autocommit mode; transactions are opened by our own BEGIN."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._waiting: list[str] = []
        self._posted = False
        self._sole = Sole.NO

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        if settings.DATABASE_PREPARES:
            params["options"] = f"{params.get('options', '')} {_ONE_PLAN}".strip()
        return {**params, "cursor_factory": Cursor, "context": adapters(settings.USE_TZ, self.timezone)}

    def connect(self) -> None:
        super().connect()
        if self not in _mine.wrappers:
            _mine.wrappers.append(self)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that is open as far as its socket shows; raises PoolTimeout as the pool does."""
        pool = self.pool
        if pool is not None and type(pool._pool) is not _LatestFirst:
            with pool._lock:  # or a connection that comes in meanwhile would be lost to the pool
                pool._pool = _LatestFirst(pool._pool)
        connection = super().get_new_connection(conn_params)
        while pool is not None and not is_quiet(connection):
            connection.close()
            pool.putconn(connection)  # which puts a new one in its place
            connection = super().get_new_connection(conn_params)
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = super().create_cursor(name)
        cursor.wrapper = self
        return cursor

    def _set_autocommit(self, autocommit: bool) -> None:
        self._waiting, self._posted = ([] if autocommit else ["BEGIN"]), False
        if not self.connection.autocommit:
            super()._set_autocommit(True)

    def _close(self) -> Any:
        self._waiting = []
        return super()._close()

    def prepare(self, statement: str) -> None:
        """Let a statement without parameters and without an answer go before the next one of the transaction."""
        self._waiting.append(statement)

    def prepare_sole(self, statement: str) -> None:
        """Let a statement go before the next one, which is to be a transaction of its own with it."""
        self.ensure_connection()  # a new connection would forget what waits
        self._waiting, self._sole = [statement], Sole.DUE

    def answer(self, query: Prepared, params: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, without the two cursors around it that cost more than it does."""
        if self.execute_wrappers or self.queries_logged or not settings.DATABASE_PREPARES:
            return self._answer_by_cursor(query, params)
        self.validate_no_broken_transaction()
        self.ensure_connection()
        with self.wrap_database_errors:
            call = self.known(query, params)
            result = self._exchange("; ".join([*self.take_for_statement(), call]))
            reader = self._reader()
            reader.set_pgresult(result)
            found: list[tuple[Any, ...]] = reader.load_rows(0, result.ntuples, tuple)
        return found

    def post(self, query: Prepared, params: Any) -> None:
        """Let a statement that answers nothing go before the next one or with the commit.

        Where there is no commit to wait for it goes at once.
        """
        if not (self.in_atomic_block and self._sole is Sole.NO and settings.DATABASE_PREPARES):
            self.answer(query, params)
            return
        self.validate_no_broken_transaction()
        self.ensure_connection()
        with self.wrap_database_errors:
            self._waiting.append(self.known(query, params))
            self._posted = True

    def _answer_by_cursor(self, query: str, params: Any) -> list[tuple[Any, ...]]:
        with self.cursor() as cursor:
            cursor.execute(query, params)
            return list(cursor.fetchall()) if cursor.description else []

    def known(self, query: Prepared, params: Any) -> str:
        """Return the call of a prepared statement, of which the connection is told when it first needs it."""
        names = self.prepared()
        if query.name not in names:
            self._exchange(query.preparation)
            names.add(query.name)
        return query.call(params, self._quoted)

    def _quoted(self, value: Any) -> str:
        return sql.quote(value, self.connection)

    def _reader(self) -> Any:
        """Return what makes Python's values of this connection's results."""
        reader = getattr(self.connection, "reader", None)
        if reader is None:
            reader = self.connection.reader = Transformer(self.connection)
        return reader

    def _exchange(self, message: str) -> Any:
        """Send a message and wait, in C and without the interpreter's lock; return its last result."""
        result = self.connection.pgconn.exec_(message.encode())
        if result.status not in _ANSWERED:
            error = error_from_result(result)
            self.drop_if_stale(error)
            raise error if error.sqlstate else OperationalError(str(error))  # which a lost connection has not
        return result

    def drop_if_stale(self, error: Error) -> None:
        """Leave a connection whose plans do not fit any more; the pool puts a new one in its place."""
        if error.sqlstate in STALE and self.connection is not None:
            self.connection.close()

    def end_sole(self) -> None:
        self._waiting, self._sole = [], Sole.NO

    def prepared(self) -> set[str]:
        """Return the names of the statements that this thread's connection knows."""
        known: set[str] | None = getattr(self.connection, "prepared_names", None)
        if known is None:
            known = self.connection.prepared_names = set()
        return known

    def take_for_statement(self) -> list[str]:
        """Return what goes before a statement. Raises where a sole statement would run without it or twice."""
        waiting = self.take_waiting()
        if self._sole is not Sole.NO:
            if self._sole is Sole.SENT or not waiting:
                raise TransactionManagementError("this scope is for exactly one statement")
            self._sole = Sole.SENT
        return waiting

    def take_waiting(self) -> list[str]:
        waiting, self._waiting, self._posted = self._waiting, [], False
        return waiting

    def send_waiting(self) -> None:
        """Send what waits by itself, before something that cannot carry it."""
        if self._sole is not Sole.NO:
            raise TransactionManagementError("this scope is for exactly one statement")
        if self._waiting:
            self._exchange("; ".join(self.take_waiting()))

    def _commit(self) -> None:
        """Commit; statements that still wait go in the same message, and their failure is the commit's."""
        if self.connection is None:
            return
        waiting = self.take_waiting() if self._posted else []
        if not waiting and self.connection.pgconn.transaction_status == TransactionStatus.IDLE:
            return  # nothing was asked
        with self.wrap_database_errors:
            done = self._exchange("; ".join([*waiting, "COMMIT"]))
        if done.command_status == b"ROLLBACK":
            raise TransactionManagementError("a statement failed before: there was nothing left to commit")

    def _savepoint(self, sid: str) -> None:
        self.prepare(self.ops.savepoint_create_sql(sid))

    def _savepoint_commit(self, sid: str) -> None:
        creation = self.ops.savepoint_create_sql(sid)
        if creation in self._waiting:
            self._waiting.remove(creation)  # what was posted since still goes
        else:
            self.prepare(self.ops.savepoint_commit_sql(sid))

    def _savepoint_rollback(self, sid: str) -> None:
        """Undo at once, unless nothing has reached the server since; a failed transaction takes no other step."""
        if self._forget_since(sid):
            self.prepare(self.ops.savepoint_create_sql(sid))  # Django releases it next
            return
        self._waiting = []
        super()._savepoint_rollback(sid)

    def _forget_since(self, sid: str) -> bool:
        """Drop a savepoint that still waits, with all that waits behind it; return whether it did."""
        creation = self.ops.savepoint_create_sql(sid)
        if creation not in self._waiting:
            return False
        del self._waiting[self._waiting.index(creation) :]
        return True


def is_quiet(connection: Any) -> bool:
    """Whether nothing has come in on an idle connection: a server that goes away says so or hangs up."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
