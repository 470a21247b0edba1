"""Serve the sample application for each demo tenant: `python -m examples.webapp [--demo var/demo.json]`.

Reads issuer, client id, secret and redirect address of the tenants' "web" applications from the file that
`manage.py demo` writes, or of a single one from ISSUER, CLIENT_ID, CLIENT_SECRET and ORIGIN.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from examples.webapp.app import WebApp
from examples.webapp.client import Provider, Settings

DEMO = Path(os.environ.get("VAR_DIR", "var")) / "demo.json"
PATIENCE = 120  # seconds to wait for the demo to be made


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        return None  # addresses carry codes


def from_environment() -> dict[str, Settings]:
    names = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "ORIGIN")
    if not all(os.environ.get(name) for name in names):
        return {}
    return {"Sample": Settings(*(os.environ[name] for name in names))}


def from_demo(path: Path) -> dict[str, Settings]:
    """Return the settings of each tenant's web application, by the tenant's name."""
    found = {}
    for slug, tenant in json.loads(path.read_text())["tenants"].items():
        app = tenant["applications"]["web"]
        parts = urlsplit(app["redirect_uris"][0])
        origin = f"{parts.scheme}://{parts.netloc}"
        found[slug.title()] = Settings(tenant["issuer"], app["client_id"], app["client_secret"], origin)
    return found


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        if time.monotonic() > deadline:
            sys.exit(f"{path} is not there. Run `manage.py demo`, or name the file with --demo.")
        time.sleep(0.5)


def serve(name: str, settings: Settings) -> threading.Thread:
    parts = urlsplit(settings.origin)
    app = WebApp(name, Provider(settings))
    server = make_server("127.0.0.1", parts.port or 80, app, Server, Quiet)
    thread = threading.Thread(target=server.serve_forever, name=name, daemon=True)
    thread.start()
    print(f"{name}: {settings.origin}/", flush=True)
    return thread


def main() -> None:
    parser = argparse.ArgumentParser(prog="examples.webapp", description="The sample relying party.")
    parser.add_argument("--demo", type=Path, default=DEMO, help="the file that manage.py demo writes")
    options = parser.parse_args()
    os.environ.setdefault("AUTHLIB_INSECURE_TRANSPORT", "1")  # http://localhost only
    applications = from_environment()
    if not applications:
        wait_for(options.demo)
        applications = from_demo(options.demo)
    for thread in [serve(name, settings) for name, settings in applications.items()]:
        thread.join()


if __name__ == "__main__":
    main()
