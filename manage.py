#!/usr/bin/env python
"""Django's command-line door to Claviger.

Beside `./bin/dev` it works on that installation: with nothing set it takes the environment of `.venv` and
the variables that the running installation wrote. Production sets its own and is left alone.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main() -> None:
    use_own_packages()
    use_development_variables()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from config.env import BadEnvironment

    try:
        execute_from_command_line(sys.argv)
    except BadEnvironment as fault:
        sys.exit(str(fault))


def use_own_packages() -> None:
    """Start again under `.venv` when this Python has no Django."""
    python = ROOT / ".venv" / "bin" / "python"
    if importlib.util.find_spec("django") is None and python.exists():
        os.execv(python, [str(python), __file__, *sys.argv[1:]])  # noqa: S606 — our own interpreter


def use_development_variables() -> None:
    """Read what `./bin/dev` wrote, unless somebody has set an environment of their own."""
    if (
        os.environ.get("CLAVIGER_ENV")
        or os.environ.get("DATABASE_URL")
        or os.environ.get("DJANGO_SECRET_KEY")
    ):
        return
    told = Path(os.environ.get("VAR_DIR") or ROOT / "var") / "environment.json"
    if told.exists():
        os.environ.update(json.loads(told.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
