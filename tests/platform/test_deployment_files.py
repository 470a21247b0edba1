"""The image, the compose file and the two locks say the same as the code."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.M)


def pins(name: str) -> dict[str, str]:
    found = PIN.findall((ROOT / name).read_text())
    return {canonicalize_name(package): version for package, version in found}


def command(name: str) -> str:
    return " ".join(SERVICES[name].get("command", []))


def compose_environment(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "bin" / "compose-env", *arguments], capture_output=True, text=True, check=False
    )


def test_every_management_command_it_runs_exists():
    named = {match for name in SERVICES for match in re.findall(r"manage\.py ([\w-]+)", command(name))}
    assert {"migrate", "provision_database", "check", "sealer"} <= named
    assert named <= set(get_commands())


def test_only_the_migration_knows_the_owner():
    for name, service in SERVICES.items():
        knows = [key for key in service.get("environment", {}) if re.search("OWNER|BACKUP|ADMIN", key)]
        assert bool(knows) == (name == "migrate"), name


def test_every_service_that_stays_has_a_health_check():
    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} == {"migrate"}


def test_nothing_but_the_web_is_reachable_and_that_from_this_machine_only():
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"web"}
    assert SERVICES["web"]["ports"] == ["${BIND:-127.0.0.1}:8000:8000"]


def test_P3_no_secret_has_a_default():
    text = (ROOT / "docker-compose.yml").read_text()
    made = set(re.findall(r"^(\w+)=", compose_environment("https://id.example.com").stdout, re.M))
    required = set(re.findall(r"\$\{(\w+):\?", text))
    assert required <= made
    assert not re.search(r"\$\{\w*(PASSWORD|KEY|PEPPER)\w*:-[^}]", text)


def test_P3_each_installation_gets_secrets_of_its_own():
    first, second = (compose_environment("https://id.example.com").stdout for _ in range(2))
    shared = set(first.splitlines()) & set(second.splitlines())
    assert shared == {"ORIGIN=https://id.example.com", "ALLOWED_HOSTS=id.example.com"}


@pytest.mark.parametrize("arguments", [(), ("http://id.example.com",), ("id.example.com",)])
def test_a_plain_http_installation_is_not_prepared(arguments):
    refused = compose_environment(*arguments)
    assert refused.returncode and not refused.stdout


def test_the_image_runs_unprivileged():
    text = (ROOT / "Dockerfile").read_text()
    assert text.index("\nUSER claviger\n") < text.index("\nCMD ")
    assert "config.wsgi:application" in text


@pytest.mark.parametrize("part", ["requirements-production.lock", "requirements-embedded.lock"])
def test_P4_the_smaller_locks_are_part_of_the_lock(part):
    whole, smaller = pins("requirements.lock"), pins(part)
    assert smaller and {name: whole.get(name) for name in smaller} == smaller


def test_P4_the_production_lock_holds_all_that_the_product_needs_and_no_test_tool():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    production = pins("requirements-production.lock")
    assert needed(project["project"]["dependencies"]) <= set(production)
    groups = project["dependency-groups"]
    tools = {canonicalize_name(Requirement(line).name) for line in groups["embedded"] + groups["dev"][1:]}
    assert not tools & set(production)


def test_P4_every_package_is_hashed_and_no_index_is_named():
    for name in ("requirements.lock", "requirements-production.lock", "requirements-embedded.lock"):
        text = (ROOT / name).read_text()
        assert "index-url" not in text and "://" not in text
        assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\S)", text) if "==" in block)


def needed(lines: list[str]) -> set[str]:
    """Return the closure of the requirements, as the installed packages state theirs."""
    found: set[str] = set()
    waiting = [Requirement(line) for line in lines]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in found:
            continue
        found.add(name)
        waiting += [inner for inner in stated(name) if applies(inner, requirement.extras)]
    return found


def stated(name: str) -> list[Requirement]:
    try:
        return [Requirement(line) for line in requires(name) or []]
    except PackageNotFoundError:
        return []


def applies(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""})


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "bin").iterdir()))
def test_every_script_parses(script):
    subprocess.run(["sh", "-n", ROOT / "bin" / script], check=True)
