"""AUT-15, M3, M5, F6, F7: second factors of people whom nothing but a connection signs in."""

from __future__ import annotations

import base64
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from core import scope
from core.errors import NotFound, OrgMismatch
from federation import links, selectors, services
from federation.bound import reset as service_reset
from identity import authenticators, passkeys
from identity.models import IdentitySession, Passkey, RecoveryCode, TotpDevice, TrustedBrowser
from portal import exports
from roles.errors import OwnerRequired
from tests.factories import Browser, make_member, make_organization, make_principal
from tests.factories.factors import MFA, PHR, code_of, use_passkey
from tests.factories.hosted import at_home, elsewhere, mails_to, prefix
from tests.factories.hosted import sign_in as by_password
from tests.factories.people import access_token
from tests.factories.policies import change_policy
from tests.federation.test_sso_ends import tokens_of
from tests.federation.world import connect, inside, member_named, own_domain, sign_in, work
from tests.oauth.helpers import claims

THERE = "/t/x/there"


@pytest.fixture(scope="module")
def demanding(cast):
    """acme demands a second factor of everybody."""
    change_policy(cast.acme, member_factor="second_factor")
    yield cast.acme
    change_policy(cast.acme, member_factor="any")


@pytest.fixture
def tenant(demanding):
    change_policy(demanding, member_factor="second_factor")
    return demanding


def arrive(tenant: Any, upstream: Any, row: Any, name: str, browser: Any = None, **more: Any) -> Browser:
    """Sign in by the connection, as somebody whom it made."""
    browser, _ = sign_in(tenant, upstream, row, name, browser=browser, email=f"{name}@where.example", **more)
    return browser


def on(tenant: Any, browser: Browser) -> Any:
    """Go on into the tenant; returns the page where that ends."""
    return browser.follow(browser.get(f"{prefix(tenant)}/sign-in/continue?next={THERE}"))


def at(tenant: Any, browser: Browser, page: str = "app") -> Any:
    return browser.get(f"{prefix(tenant)}/sign-in/enrol/{page}")


def key_on(page: Any) -> bytes:
    key = re.search(r"\b([A-Z2-7]{4}(?: [A-Z2-7]{4}){7})\b", page.content.decode())
    assert key, page.content.decode()[:3000]
    return base64.b32decode(key[1].replace(" ", ""))


def enrol(tenant: Any, browser: Browser) -> tuple[bytes, list[str]]:
    """Set up an app by a code of the step before; returns its key, and the recovery codes."""
    page = at(tenant, browser)
    key = key_on(page)
    done = browser.submit(page, {"code": code_of(key, -1)})
    assert done.status_code == 200, done.content.decode()[:3000]
    return key, re.findall(r"\b[a-z0-9]{5}-[a-z0-9]{5}\b", done.content.decode())


def account_of(tenant: Any, name: str) -> Any:
    found = member_named(tenant, f"{name}@where.example").account_id
    assert found is not None
    return found


def bound(account_id: Any) -> tuple[int, int, int]:
    """How many apps, passkeys and recovery codes there are of the account, of whichever connection."""
    with scope.account(account_id):
        return (
            TotpDevice.objects.filter(user_id=account_id).count(),
            Passkey.objects.filter(account_id=account_id).count(),
            RecoveryCode.objects.filter(user_id=account_id, used_at=None).count(),
        )


def age(tenant: Any, account_id: Any, minutes: int) -> None:
    """Let the person have signed in that long ago, and have been linked before."""
    then = timezone.now() - timedelta(minutes=minutes)
    with scope.tenant(tenant.id):
        selectors.identities(member__account_id=account_id).update(created_at=then - timedelta(days=1))
    with scope.account(account_id):
        IdentitySession.objects.filter(account_id=account_id).update(auth_time=then)


# --- enrolling, and what it is good for -------------------------------------------------------------------


def test_AUT15_M3_an_app_is_enrolled_before_tokens_and_asked_for_from_then_on(tenant, upstream):
    row = connect(tenant, upstream)
    browser = arrive(tenant, upstream, row, "ann", email_verified=True)
    assert not inside(tenant, browser)
    assert mails_to("ann@where.example") == []
    page = on(tenant, browser)
    assert (page.status_code, "/enrol/app" in page.content.decode()) == (200, True)
    assert "ann@where.example" in page.content.decode()
    key, codes = enrol(tenant, browser)
    assert len(codes) == 10
    assert "second factor was added" in mails_to("ann@where.example")[0]["subject"]
    assert inside(tenant, browser)
    _, body = tokens_of(tenant, browser)
    told = claims(body["id_token"])
    assert (told["acr"], told["amr"]) == (MFA, ["fed", "otp", "mfa"])
    # The next sign-in asks for it; the provider's word alone opens nothing.
    other = arrive(tenant, upstream, row, "ann")
    assert not inside(tenant, other)
    asked = on(tenant, other)
    assert 'name="code"' in asked.content.decode()
    assert 'name="trust"' not in asked.content.decode()
    assert other.submit(asked, {"code": "000000"}).status_code == 400
    assert other.submit(asked, {"code": code_of(key), "trust": "on"}).status_code == 303
    assert inside(tenant, other)
    account_id = account_of(tenant, "ann")
    with scope.account(account_id):  # no browser comes to stand for a factor of the account's own
        assert not TrustedBrowser.objects.filter(account_id=account_id).exists()


def test_a_recovery_code_stands_in_for_the_app_once(tenant, upstream):
    row = connect(tenant, upstream)
    _, codes = enrol(tenant, arrive(tenant, upstream, row, "rec"))
    for status in (303, 400):
        browser = arrive(tenant, upstream, row, "rec")
        page = on(tenant, browser)
        link = re.search(r'href="([^"]*method=recovery[^"]*)"', page.content.decode())
        assert link
        page = browser.get(link[1].replace("&amp;", "&"))
        assert browser.submit(page, {"code": codes[0]}).status_code == status
        assert inside(tenant, browser) is (status == 303)


def test_AUT15_a_passkey_is_enrolled_where_one_is_demanded(tenant, upstream):
    from tests.factories.authenticator import Authenticator

    row = connect(tenant, upstream)
    change_policy(tenant, member_factor="passkey")
    browser, device = arrive(tenant, upstream, row, "key"), Authenticator()
    page = on(tenant, browser)
    assert "/enrol/app" not in page.content.decode()
    done = use_passkey(browser, at(tenant, browser, "passkey"), device)
    assert done.status_code == 200, done.content.decode()
    assert inside(tenant, browser)
    _, body = tokens_of(tenant, browser)
    assert (claims(body["id_token"])["acr"], claims(body["id_token"])["amr"]) == (PHR, ["fed", "hwk", "mfa"])
    other = arrive(tenant, upstream, row, "key")
    assert use_passkey(other, on(tenant, other), device).status_code == 303
    assert inside(tenant, other)
    # As a first proof it is like one that nobody knows.
    alone = elsewhere()
    for kind in (device, Authenticator()):
        kind.handle, kind.rp_id = device.handle, device.rp_id
        refused = use_passkey(alone, alone.get(f"{prefix(tenant)}/sign-in"), kind)
        assert "passkey_refused" in refused.headers["Location"]
    assert alone.get("/account/").status_code == 303


def test_a_bound_passkey_is_asked_for_as_one_that_is_found_by_its_id(tenant, upstream):
    import json

    row = connect(tenant, upstream)
    browser = arrive(tenant, upstream, row, "opt")
    account_id = account_of(tenant, "opt")
    made = passkeys.offer(
        account_id=account_id, label="x", name="", site=passkeys.here(), bound_to="x", connection_id=row.id
    )
    own = passkeys.offer(account_id=account_id, label="x", name="", site=passkeys.here(), bound_to="x")
    residence = [json.loads(one)["authenticatorSelection"]["residentKey"] for one in (made, own)]
    assert residence == ["discouraged", "required"]
    assert json.loads(made)["user"]["id"] != json.loads(own)["user"]["id"]
    assert browser.get("/account/").status_code == 303


def test_F7_another_connection_neither_takes_it_nor_is_kept_from_its_own(tenant, cast, upstream):
    """The same person behind two connections of the tenant, and in another tenant."""
    one, two = connect(tenant, upstream), connect(tenant, upstream, name="Two")
    key, codes = enrol(tenant, arrive(tenant, upstream, one, "two"))
    member = member_named(tenant, "two@where.example")
    with scope.tenant(tenant.id):
        from federation import arrivals

        arrivals._link(two, member, "two", made_member=False)
    browser, _ = sign_in(tenant, upstream, two, "two")
    page = on(tenant, browser)
    assert "/enrol/app" in page.content.decode()
    other_key, _ = enrol(tenant, browser)
    assert inside(tenant, browser)
    assert bound(member.account_id) == (2, 0, 20)
    late, _ = sign_in(tenant, upstream, two, "two")
    page = on(tenant, late)
    assert late.submit(page, {"code": code_of(key)}).status_code == 400
    link = re.search(r'href="([^"]*method=recovery[^"]*)"', page.content.decode())
    assert link
    refused = late.submit(late.get(link[1].replace("&amp;", "&")), {"code": codes[0]})
    assert refused.status_code == 400
    assert late.submit(page, {"code": code_of(other_key)}).status_code == 303
    # Another tenant's pages are not for its session, and its own connection knows nothing of them.
    assert "/sign-in" in at(cast.globex, late).headers["Location"]
    there = connect(cast.globex, upstream)
    foreign = arrive(cast.globex, upstream, there, "two")
    assert inside(cast.globex, foreign)
    assert member_named(cast.globex, "two@where.example").account_id != member.account_id


def test_F7_it_never_opens_the_account_as_its_own(tenant, upstream):
    from signin import past
    from signin.devices import Browser as Device

    row = connect(tenant, upstream)
    browser = arrive(tenant, upstream, row, "own")
    enrol(tenant, browser)
    account_id = account_of(tenant, "own")
    for path in ("/account/", "/account/security", "/account/authenticators/app"):
        assert "/sign-in" in browser.get(path).headers["Location"]
    assert not past.read(account_id, Device("nobody", True)).credentials.has_second
    with scope.account(account_id):
        own = authenticators.held(account_id)
        assert (own.any, own.codes_left, authenticators.has_settled(account_id)) == (False, 0, False)
        assert authenticators.held(account_id, row.id).any
        app = TotpDevice.objects.get(user_id=account_id)
        with pytest.raises(NotFound):
            authenticators.remove(account_id=account_id, public_id=app.public_id)


def test_F7_a_sign_in_of_ones_own_is_not_raised_by_it(tenant, upstream):
    """Even where the account had come to methods of its own: what the connection's pages planted counts for nothing."""
    from identity import totp
    from identity.errors import WrongFactor

    row, person = connect(tenant, upstream), make_member(tenant)
    offer = totp.offer(account_id=person.account_id, label="x", connection_id=row.id)
    with scope.account(person.account_id):
        totp.enrol(
            account_id=person.account_id,
            sealed=offer.sealed,
            code=code_of(offer.key, -1),
            name="x",
            connection_id=row.id,
        )
    browser = elsewhere()
    page = browser.follow(by_password(browser, tenant, person.email))
    assert "/account/authenticators/app" in page.content.decode()  # they have none, and add their own
    with scope.account(person.account_id):
        with pytest.raises(WrongFactor):
            totp.compare(account_id=person.account_id, code=code_of(offer.key))
        totp.compare(account_id=person.account_id, code=code_of(offer.key), connection_id=row.id)


# --- who may not ------------------------------------------------------------------------------------------


def test_L8_an_old_word_of_the_provider_is_not_enough(tenant, upstream):
    row = connect(tenant, upstream)
    browser = arrive(tenant, upstream, row, "old")
    page = at(tenant, browser)
    key = key_on(page)
    age(tenant, account_of(tenant, "old"), 11)
    for answer in (at(tenant, browser), browser.submit(page, {"code": code_of(key)})):
        assert (answer.status_code, "notice=fresh" in answer.headers["Location"]) == (303, True)
    assert bound(account_of(tenant, "old")) == (0, 0, 0)
    arrive(tenant, upstream, row, "old", browser)
    assert at(tenant, browser).status_code == 200


def test_F6_a_connection_that_vouches_no_more_enrols_nobody(tenant, upstream):
    row = connect(tenant, upstream)
    browser = arrive(tenant, upstream, row, "gone")
    page = at(tenant, browser)
    key = key_on(page)
    actor = make_principal(tenant)
    with scope.tenant(tenant.id):
        services.deactivate(actor=actor, connection=selectors.connection(row.id))
    answer = browser.submit(page, {"code": code_of(key)})
    assert "/sign-in/continue" in answer.headers["Location"]
    assert "/sign-in/enrol" not in browser.follow(answer).requested_path
    assert bound(account_of(tenant, "gone")) == (0, 0, 0)


@pytest.mark.parametrize("page", ["app", "passkey"])
def test_own_sessions_strangers_and_nobody_are_sent_where_they_belong(tenant, cast, page):
    for browser in (at_home(cast.member), at_home(cast.stranger), elsewhere()):
        answer = at(tenant, browser, page)
        assert (answer.status_code, "/enrol/" in answer.headers["Location"]) == (303, False)
    assert elsewhere().get(f"/sign-in/enrol/{page}").status_code == 303


def test_M5_a_providers_word_adds_nothing_beside_a_factor_that_is_held(tenant, upstream):
    row = connect(tenant, upstream, trust_mfa=True)
    first = arrive(tenant, upstream, row, "held")
    key, _ = enrol(tenant, first)
    thief = arrive(tenant, upstream, row, "held", amr=["pwd", "mfa"])
    for page in ("app", "passkey"):
        answer = at(tenant, thief, page)
        assert "/second-factor" in answer.headers["Location"]
    stolen = thief.get(answer.headers["Location"])
    posted = thief.submit(stolen, {"offer": "x", "code": "1"}, to=f"{prefix(tenant)}/sign-in/enrol/app")
    assert "/second-factor" in posted.headers["Location"]
    assert bound(account_of(tenant, "held")) == (1, 0, 10)
    # Who has proved the one adds the other.
    assert thief.submit(stolen, {"code": code_of(key)}).status_code == 303
    from tests.factories.authenticator import Authenticator

    assert use_passkey(thief, at(tenant, thief, "passkey"), Authenticator()).status_code == 303
    assert bound(account_of(tenant, "held")) == (1, 1, 10)


def test_a_lost_app_is_replaced_by_whoever_has_proved_a_recovery_code(tenant, upstream):
    row = connect(tenant, upstream)
    lost, codes = enrol(tenant, arrive(tenant, upstream, row, "swap"))
    browser = arrive(tenant, upstream, row, "swap")
    link = re.search(r'href="([^"]*method=recovery[^"]*)"', on(tenant, browser).content.decode())
    assert link
    browser.submit(browser.get(link[1].replace("&amp;", "&")), {"code": codes[0]})
    page = at(tenant, browser)
    refused = browser.submit(page, {"code": code_of(b"k" * 20)})
    assert (refused.status_code, bound(account_of(tenant, "swap"))) == (400, (1, 0, 9))
    assert browser.submit(page, {"code": code_of(key_on(page), -1)}).status_code == 303
    assert bound(account_of(tenant, "swap")) == (1, 0, 9)
    other = arrive(tenant, upstream, row, "swap")
    asked = on(tenant, other)
    assert other.submit(asked, {"code": code_of(lost)}).status_code == 400
    assert other.submit(asked, {"code": code_of(key_on(page))}).status_code == 303


def test_an_offer_is_good_for_its_own_connection_only(tenant, upstream):
    row, person = connect(tenant, upstream), "off"
    browser = arrive(tenant, upstream, row, person)
    from identity import totp

    foreign = totp.offer(account_id=account_of(tenant, person), label="x")
    answer = browser.submit(at(tenant, browser), {"offer": foreign.sealed, "code": code_of(foreign.key)})
    assert "/enrol/app" in answer.headers["Location"]
    wrong = browser.submit(at(tenant, browser), {"code": "12"})
    assert wrong.status_code == 400
    assert bound(account_of(tenant, person)) == (0, 0, 0)


# --- loss -------------------------------------------------------------------------------------------------


def reset(person: Any, subject: str, scopes: tuple[str, ...] = ("members:write",)) -> int:
    path = f"/t/{person.tenant.slug}/v1/members/{subject}/authenticators"
    return int(Browser().api("DELETE", path, access_token(person, scopes)).status_code)


def enrolled(tenant: Any, upstream: Any, row: Any, name: str) -> tuple[Browser, bytes, Any]:
    """A browser that is inside with an app bound to the connection, its key, and the member."""
    browser = arrive(tenant, upstream, row, name)
    key, _ = enrol(tenant, browser)
    assert inside(tenant, browser)
    return browser, key, member_named(tenant, f"{name}@where.example")


def test_M5_an_administrator_resets_what_is_bound_and_nothing_else(tenant, cast, upstream):
    from events.models import Event
    from identity import recovery_codes, totp

    row = connect(tenant, upstream)
    browser, _, member = enrolled(tenant, upstream, row, "lost")
    elsewhere_id, account_id = uuid.uuid4(), member.account_id
    for connection_id in (None, elsewhere_id):
        offer = totp.offer(account_id=account_id, label="x", connection_id=connection_id)
        with scope.account(account_id):
            code = code_of(offer.key, -1)
            more = {"account_id": account_id, "connection_id": connection_id}
            totp.enrol(sealed=offer.sealed, code=code, name="x", **more)
            recovery_codes.generate(**more)
    assert bound(account_id) == (3, 0, 30)
    assert reset(cast.owner, member.subject) == 204
    assert not inside(tenant, browser), "at once, whenever the job runs"
    work()
    assert not inside(tenant, browser)
    assert browser.get(f"{prefix(tenant)}/sign-in/continue").headers["Location"].startswith(prefix(tenant))
    assert bound(account_id) == (2, 0, 20)
    with scope.account(account_id):
        kept = set(TotpDevice.objects.filter(user_id=account_id).values_list("connection_id", flat=True))
        assert kept == {None, elsewhere_id}
    with scope.tenant(tenant.id):
        told = Event.objects.filter(type="user.authenticators.reset").order_by("-id").first()
        assert told is not None
        assert member.subject.encode() in bytes(told.canonical)


def test_who_lost_it_enrols_anew_and_a_late_second_run_leaves_that(tenant, cast, upstream):
    from federation import bound as service

    row = connect(tenant, upstream)
    _, _, member = enrolled(tenant, upstream, row, "anew")
    before = timezone.now()
    assert reset(cast.owner, member.subject) == 204
    work()
    again = arrive(tenant, upstream, row, "anew")
    assert "/enrol/app" in on(tenant, again).content.decode()
    enrol(tenant, again)
    assert inside(tenant, again)
    payload = {"accounts": [str(member.account_id)], "connections": [str(row.id)], "reason": service.RESET}
    service.drop({**payload, "at": before.isoformat()})
    assert (bound(member.account_id), inside(tenant, again)) == ((1, 0, 10), True)


def test_A6_a_reset_needs_the_scope_the_tenant_and_the_rank(tenant, cast, upstream):
    row = connect(tenant, upstream)
    _, _, member = enrolled(tenant, upstream, row, "kept")
    assert reset(cast.owner, member.subject, ("members:read",)) == 403
    assert reset(cast.member, member.subject) == 403
    assert reset(cast.other_owner, member.subject) == 404
    assert reset(cast.owner, "sub_unknown") == 404
    bound_caller = make_principal(tenant, organization_id=make_organization(tenant).id)
    with scope.tenant(tenant.id):
        for actor, target, refusal in (
            (bound_caller, member, OrgMismatch),
            (make_principal(tenant), cast.owner.member, OwnerRequired),
        ):
            with pytest.raises(refusal):
                service_reset(actor=actor, member=target)
    work()
    assert bound(member.account_id) == (1, 0, 10)


def test_the_dashboard_offers_the_reset_where_a_connection_signs_in(tenant, cast, upstream):
    row = connect(tenant, upstream)
    _, _, member = enrolled(tenant, upstream, row, "page")
    change_policy(tenant, member_factor="any")
    admin = at_home(cast.owner)
    base = f"/dashboard/{tenant.slug}/members"
    page = admin.follow(admin.get(f"{base}/{member.subject}"))
    to = f"{base}/{member.subject}/authenticators"
    assert to in page.content.decode()
    assert "/authenticators" not in admin.get(f"{base}/{cast.member.subject}").content.decode()
    assert at_home(cast.member).submit(page, {"reason": "lost"}, to=to).status_code in (303, 403, 404)
    work()
    assert bound(member.account_id) == (1, 0, 10)
    done = admin.follow(admin.submit(page, {"reason": "lost"}, to=to))
    assert "second factor anew" in done.content.decode()
    work()
    assert bound(member.account_id) == (0, 0, 0)


@pytest.mark.parametrize("act", ["delete", "unlink", "erase"])
@pytest.mark.parametrize("by", ["tenant", "organization"])
def test_F6_what_is_bound_goes_with_the_connection_or_the_link(tenant, upstream, act, by):
    from tenants import erasure, members

    organization = make_organization(tenant) if by == "organization" else None
    domain = own_domain(tenant, organization) if organization else "where.example"
    row = connect(tenant, upstream, organization)
    browser, _ = sign_in(tenant, upstream, row, "ends", email=f"ends-{act}@{domain}", email_verified=True)
    enrol(tenant, browser)
    member = member_named(tenant, f"ends-{act}@{domain}")
    account_id = member.account_id
    assert bound(account_id) == (1, 0, 10)
    actor = make_principal(
        tenant, organization_id=organization.id if organization and act != "erase" else None
    )
    with scope.principal(actor):
        if act == "delete":
            services.delete_connection(actor=actor, connection=selectors.connection(row.id))
        elif act == "unlink":
            links.unlink(actor=actor, identity=selectors.identities(member=member).get())
        else:
            members.remove_member(actor=actor, member=member)
            erasure.erase_member(actor=actor, member=member)
    work()
    assert bound(account_id) == (0, 0, 0)


def test_F6_switching_off_keeps_what_is_bound(tenant, upstream):
    row = connect(tenant, upstream)
    browser, key, _ = enrolled(tenant, upstream, row, "pause")
    actor = make_principal(tenant)
    with scope.tenant(tenant.id):
        services.deactivate(actor=actor, connection=selectors.connection(row.id))
    work()
    assert not inside(tenant, browser)
    with scope.tenant(tenant.id):
        services.activate(actor=actor, connection=selectors.connection(row.id))
    arrive(tenant, upstream, row, "pause", browser)
    assert browser.submit(on(tenant, browser), {"code": code_of(key)}).status_code == 303
    assert inside(tenant, browser)


def test_the_account_shows_what_is_bound_in_its_copy_and_takes_it_with_it(tenant, upstream):
    from identity.models import Account

    row = connect(tenant, upstream)
    _, _, member = enrolled(tenant, upstream, row, "whole")
    apps = exports.collect(member.account_id)["account.json"]["authenticator_apps"]
    assert [app["connection"] for app in apps] == [row.public_id]
    with scope.account(member.account_id):
        Account.objects.filter(id=member.account_id).delete()
    assert bound(member.account_id) == (0, 0, 0)


def test_M1_of_a_hundred_parallel_guesses_at_a_bound_app_five_are_compared(tenant, upstream, monkeypatch):
    row = connect(tenant, upstream)
    key, _ = enrol(tenant, arrive(tenant, upstream, row, "many"))
    browser = arrive(tenant, upstream, row, "many")
    page, compared = on(tenant, browser), []
    monkeypatch.setattr(TotpDevice, "verify_token", lambda self, token: compared.append(token))

    def guess(number: int) -> int:
        mine = elsewhere()
        mine.cookies = browser.cookies
        try:
            return int(mine.submit(page, {"code": f"{number:06d}"}).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(guess, range(100)))
    assert 1 <= len(compared) <= 5
    assert answers <= {400, 410, 429}
    monkeypatch.undo()
    assert browser.submit(page, {"code": code_of(key)}).status_code in (410, 429)
    assert not inside(tenant, browser)
