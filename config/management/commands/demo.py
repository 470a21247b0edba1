"""`manage.py demo`: two tenants to try everything on, and `var/demo.json` for outside programs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.demo import applications, outbound, passkey, people, plans, record, single_sign_on, tenant
from config.demo.record import Record
from core import rls, scope
from core.principal import Principal
from tenants import selectors
from webhooks.models import Endpoint
from webhooks.services import endpoints

ADDRESSES = {
    "redirect_uri": "redirect_uris",
    "post_logout_redirect_uri": "post_logout_redirect_uris",
    "origin": "origins",
}


class Command(BaseCommand):
    help = (
        "Create the demo tenants acme and globex and write var/demo.json. Running it again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        for name in (*ADDRESSES, "webhook_url"):
            flag = "--" + name.replace("_", "-")
            parser.add_argument(
                flag, action="append", default=[], help="register one more on acme; repeatable"
            )

    def handle(self, *_: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo never runs in production: its passwords are public.")
        known = record.load()
        outbound.allow([f"{settings.ORIGIN}/demo/sink"])
        made = build(known.get("tenants", {}))
        record.save(made)
        added = self._extend(options)
        made = build(made["tenants"])
        if connected := connect():
            made["tenants"][plans.ACME.slug]["single_sign_on"] = connected
        made["tenants"][plans.ACME.slug] |= protected(known.get("tenants", {}).get(plans.ACME.slug, {}))
        if added:
            made["tenants"][plans.ACME.slug].setdefault("webhooks", []).extend(added)
        record.save(made)
        self._say(made)

    def _extend(self, options: dict[str, Any]) -> list[Record]:
        """Register what the command line adds to acme; returns the entries of new webhooks."""
        acme = selectors.by_slug(plans.ACME.slug)
        assert acme is not None
        with scope.tenant(acme.id):
            owner = selectors.member_by_account(people.account_of(plans.OLGA))
        assert owner is not None
        actor = people.principal(acme, owner)
        with scope.tenant(acme.id):
            applications.add_addresses(actor, {field: options[name] for name, field in ADDRESSES.items()})
            outbound.allow(options["webhook_url"])
            known = set(Endpoint.objects.values_list("url", flat=True))
            return [webhook(actor, url) for url in options["webhook_url"] if url not in known]

    def _say(self, made: Record) -> None:
        for name, entry in made["tenants"].items():
            self.stdout.write(
                f"{name:<8} {entry['dashboard']}  {entry['owner']['email']}  {entry['owner']['password']}"
            )
        self.stdout.write(f"mail     {settings.ORIGIN}/mailbox")


def webhook(actor: Principal, url: str) -> Record:
    made = endpoints.create_endpoint(
        actor=actor, url=url, description="Added on the command line", events=["*"]
    )
    return {"id": made.endpoint.public_id, "url": url, "secret": made.secret}


def build(known: Record) -> Record:
    sink = f"{settings.ORIGIN}/demo/sink"
    return {
        "origin": settings.ORIGIN,
        "mailbox": f"{settings.ORIGIN}/mailbox.json",
        "database_app_url": database_url(),
        "tenants": {
            plan.slug: tenant.build(plan, known.get(plan.slug, {}), sink)
            for plan in (plans.ACME, plans.GLOBEX)
        },
    }


def connect() -> Record:
    """Let globex sign people of a customer of acme in; returns the record of it."""
    here, there = selectors.by_slug(plans.ACME.slug), selectors.by_slug(plans.GLOBEX.slug)
    assert here is not None
    assert there is not None
    owners = (plans.ACME.owner, plans.GLOBEX.owner)
    return single_sign_on.build(here, there, owners, plans.WANDA, plans.AT)


def protected(known: Record) -> Record:
    """Return two more people of acme: an owner with an authenticator app, a member with a passkey."""
    acme = selectors.by_slug(plans.ACME.slug)
    assert acme is not None
    accounts = {person: people.account_of(person) for person in (plans.SELMA, plans.PIA)}
    with scope.tenant(acme.id):
        people.member_of(acme, plans.SELMA, accounts[plans.SELMA], ["owner"])
        people.member_of(acme, plans.PIA, accounts[plans.PIA])
    secret = people.with_app(plans.SELMA, known.get("secured", {}).get("totp_secret", ""))
    key = passkey.with_passkey(plans.PIA, known.get("passkeyed", {}).get("passkey", {}))
    return {
        "secured": {**plans.SELMA.sign_in, "totp_secret": secret},
        "passkeyed": {**plans.PIA.sign_in, "passkey": key},
    }


def database_url() -> str:
    """Return the connection URL of the runtime role, for tests that look beneath the code."""
    from config import env

    assert settings.DATABASES["default"]["USER"] == rls.APP
    return env.text("DATABASE_URL")
