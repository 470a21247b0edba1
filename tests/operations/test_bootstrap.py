"""The link of the first operator: it works once, for its address, on an installation without a tenant."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
EMAIL = "first@operator.example"

FOUND = """
from tests.factories import Browser
browser = Browser()
page = browser.get("{path}")
print("form", page.status_code)
person = dict(name="Ada First", password="seven green umbrellas at noon")
fields = dict(person, tenant_name="Acme", slug="{slug}", mode="live")
done = browser.submit(page, fields) if page.status_code == 200 else page
print("answer", done.status_code, done.headers.get("Location", ""))
again = browser.get("{path}")
print("again", again.status_code)
"""


def link(database, *arguments):
    done = database.manage("bootstrap", "--email", EMAIL, *arguments)
    assert done.returncode == 0, done.stderr
    return re.search(r"https?://\S+", done.stdout)[0]


def step(address, slug="acme"):
    parts = urlsplit(address)
    return FOUND.format(path=f"{parts.path}?{parts.query}", slug=slug)


def visit(database, address):
    done = database.manage("shell", "-c", step(address))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_makes_account_workspace_and_tenant_and_works_once(new_database):
    database = new_database(migrated=True)
    address = link(database)
    seen = visit(database, address)
    assert "form 200" in seen and "answer 303 /dashboard/acme/" in seen
    assert "again 410" in seen, "the link works a second time"
    assert database.rows("SELECT slug, mode FROM tenants_tenant") == [("acme", "live")]
    assert database.rows("SELECT count(*) FROM identity_account") == [(1,)]
    assert database.rows("SELECT email FROM tenants_member") == [(EMAIL,)]
    assert database.rows("SELECT count(*) FROM tenants_workspace") == [(1,)]
    refused = database.manage("bootstrap", "--email", "second@operator.example")
    assert refused.returncode != 0 and "has a tenant already" in refused.stderr


@pytest.fixture(scope="module")
def refusals(new_database):
    """What a forged link, a refused slug and an expired link were answered, and the database afterwards."""
    database = new_database(migrated=True)
    address = link(database, "--hours", "1")
    token = parse_qs(urlsplit(address).query)["token"][0]
    forged = address.replace(token, token[:-2] + ("aa" if token[-2:] != "aa" else "bb"))
    later = "import time, time_machine; time_machine.travel(time.time() + 3700).start()\n"
    steps = (step(forged), step(address, slug="admin"), later + step(address))
    done = database.manage("shell", "-c", "print('next')\n".join(steps))
    assert done.returncode == 0, done.stderr
    return database, done.stdout.split("next")


def test_a_refused_slug_does_not_spend_the_link(refusals):
    database, (_, refused, _) = refusals
    assert "answer 400" in refused and "again 200" in refused
    assert database.rows("SELECT count(*) FROM identity_account") == [(0,)]


def test_forged_and_expired_links_are_refused(refusals):
    database, (forged, _, expired) = refusals
    assert "form 410" in forged
    assert "form 410" in expired
    assert database.rows("SELECT count(*) FROM tenants_tenant") == [(0,)]
