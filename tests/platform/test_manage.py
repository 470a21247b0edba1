"""`manage.py` beside a running `./bin/dev` works on that installation; elsewhere it is left alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import manage

NAMES = ("CLAVIGER_ENV", "DATABASE_URL", "DJANGO_SECRET_KEY")


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation that told its environment, and a shell that has none."""
    (tmp_path / "environment.json").write_text(
        json.dumps({"CLAVIGER_ENV": "development", "ORIGIN": "http://told"})
    )
    monkeypatch.setattr(os, "environ", {"VAR_DIR": str(tmp_path)})
    return tmp_path


def test_with_nothing_set_the_running_installation_is_used(told: Path) -> None:
    manage.use_development_variables()
    assert os.environ["ORIGIN"] == "http://told"


@pytest.mark.parametrize("name", NAMES)
def test_P3_an_environment_of_ones_own_is_left_alone(told: Path, name: str) -> None:
    os.environ[name] = "mine"
    manage.use_development_variables()
    assert "ORIGIN" not in os.environ


def test_without_an_installation_nothing_is_invented(told: Path) -> None:
    (told / "environment.json").unlink()
    manage.use_development_variables()
    assert not {"ORIGIN", "CLAVIGER_ENV"} & set(os.environ)
