"""Database connections from URLs, one pool per process and role."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from config import env


def database(variable: str, *, pool: int = 0) -> dict[str, Any]:
    """Read `postgresql://user:password@host:port/name?option=…` (host may be a socket directory in `?host=`).

    Pooled connections are checked when taken; waiting longer than 2 s raises, which answers 503.
    """
    url = urlsplit(env.url(variable, schemes=["postgresql", "postgres"]))
    options: dict[str, Any] = dict(parse_qsl(url.query))
    host = options.pop("host", url.hostname or "")
    if pool:
        # After three seconds of failing it starts anew: a longer series of tries pauses so long that a
        # server that is back would wait for us (promise R8).
        waits = {"timeout": 2, "max_idle": 300, "reconnect_timeout": 3}
        options["pool"] = {"min_size": 1, "max_size": pool, **waits}
    return {
        "ENGINE": "core.postgres",
        "NAME": url.path.lstrip("/"),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": host,
        "PORT": str(url.port or ""),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,  # core.postgres looks at each connection that it takes
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": options,
        "TIME_ZONE": None,
    }
