"""The application's processes and their command lines, as `bin/dev` runs them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Development may run as root, with JSON only; the warning about it would greet everyone in a container.
CELERY = ["-W", "ignore:You're running the worker", "-m", "celery", "-A", "config", "--quiet"]


def all_of(port: int, var: Path) -> list[tuple[str, list[str]]]:
    """Return name and Python arguments of each process, in the order of their start."""
    found = [
        ("web", web(port)),
        ("worker", worker()),
        ("beat", beat(var)),
        ("sealer", ["manage.py", "sealer"]),
    ]
    if (ROOT / "examples" / "webapp").is_dir():
        found.append(("example", ["-m", "examples.webapp"]))
    return found


def web(port: int) -> list[str]:
    server = ["-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--log-level", "error"]
    threads = ["--workers", "1", "--blocking-threads", "8", "--workers-kill-timeout", "2"]
    return [*server, *threads, "--host", "127.0.0.1", "--port", str(port), "config.wsgi:application"]


def worker() -> list[str]:
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning"]
    return [*CELERY, "worker", "--pool", "threads", "--concurrency", "4", *quiet]


def beat(var: Path) -> list[str]:
    return [*CELERY, "beat", "--schedule", str(var / "beat-schedule"), "--pidfile=", "--loglevel", "warning"]
