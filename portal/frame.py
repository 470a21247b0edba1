"""What the person's own pages share: who is asking, and what stands around every page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from core import scope
from core.errors import NotFound, Unavailable
from core.passwords import HasherBusy
from core.urls import tenant_slug
from identity import assurance, authenticators
from identity.browser import account_session
from identity.models import Picture
from identity.sessions import SessionRef
from tenants import selectors
from tenants.models import Member, Tenant

RECENT = 600  # seconds since the last authentication for sensitive changes (threat L8)
PAGES = (
    ("portal_profile", "user", gettext_noop("Profile")),
    ("portal_security", "lock", gettext_noop("Security")),
    ("portal_contacts", "phone", gettext_noop("Phones and wallets")),
    ("portal_linked", "link", gettext_noop("Linked accounts")),
    ("portal_sessions", "device", gettext_noop("Sessions")),
    ("portal_applications", "app", gettext_noop("Applications")),
    ("portal_approvals", "check-circle", gettext_noop("Approvals")),
    ("portal_privacy", "shield", gettext_noop("Privacy")),
    ("portal_tokens", "key", gettext_noop("Access tokens")),
    ("portal_organizations", "building", gettext_noop("Organizations")),
    ("portal_activity", "clock", gettext_noop("Activity")),
    ("portal_data", "download", gettext_noop("Your data")),
)
# Which of them the further pages belong to, by what stands behind `/account/`.
BENEATH = {
    "picture": "portal_profile",
    "addresses": "portal_profile",
    "password": "portal_security",
    "authenticators": "portal_security",
    "trusted-browsers": "portal_security",
    "known-browsers": "portal_sessions",
    "invitations": "portal_organizations",
}


@dataclass(frozen=True)
class Own:
    """A person at their own pages, signed in by the account's own methods."""

    request: HttpRequest
    session: SessionRef

    def render(self, template: str, status: int = 200, **context: Any) -> HttpResponse:
        with scope.account(self.session.account_id):
            has_picture = Picture.objects.filter(account_id=self.session.account_id).exists()
        frame = {
            "viewer": {
                "name": self.session.account_name,
                "email": self.session.email,
                "picture": reverse("portal_picture") if has_picture else "",
            },
            "home_url": reverse("portal_profile"),
            "account_url": reverse("portal_profile"),
            "sign_out_url": reverse("sign_out"),
            "back_url": reverse(self.section),
            "nav": [{"label": "", "items": [self._entry(*page) for page in PAGES]}],
        }
        return render(self.request, f"portal/{template}.html", frame | context, status=status)

    def _entry(self, name: str, icon: str, label: str) -> dict[str, Any]:
        url = reverse(name)
        return {"url": url, "icon": icon, "label": _(label), "active": self.section == name}

    @property
    def section(self) -> str:
        """Return the name of the page in the rail that this address belongs to."""
        return section_of(self.request.path_info)

    def go(self, name: str, **query: str) -> HttpResponse:
        address = reverse(name) + (f"?{urlencode(query)}" if query else "")
        return HttpResponse(status=303, headers={"Location": address})


def section_of(path: str) -> str:
    word = path.removeprefix(reverse("portal_profile")).partition("/")[0]
    name = BENEATH.get(word, f"portal_{word}")
    return name if any(name == page for page, _icon, _label in PAGES) else "portal_profile"


def places(own: Own) -> list[tuple[Tenant, Member]]:
    """Return the tenants that the person is in, by name, each with the member that they are there."""
    with scope.account(own.session.account_id):
        return selectors.places_of_account()


View = Callable[..., HttpResponse]


def own_page(view: View) -> View:
    """Give a view its `Own`, or send the person to sign in; at the bare origin only."""

    @wraps(view)
    def guarded(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if tenant_slug(request):
            raise NotFound
        session = account_session(request)
        if session is None:
            return to_sign_in(request)
        try:
            return view(Own(request, session), **arguments)
        except HasherBusy:
            raise Unavailable from None

    return guarded


def recent_page(view: View) -> View:
    """As `own_page`, for changes that want a fresh sign-in: an older one is asked to prove itself again."""

    @wraps(view)
    def guarded(own: Own, **arguments: Any) -> HttpResponse:
        if own.session.is_fresh(RECENT):
            return view(own, **arguments)
        return to_sign_in(own.request, prompt="login", notice="fresh")

    return own_page(guarded)


def first_address_page(view: View) -> View:
    """As `recent_page`, but open to guests, who have nothing yet to prove themselves with again (AUT-11)."""

    @wraps(view)
    def guarded(own: Own, **arguments: Any) -> HttpResponse:
        if own.session.acr == assurance.GUEST or own.session.is_fresh(RECENT):
            return view(own, **arguments)
        return to_sign_in(own.request, prompt="login", notice="fresh")

    return own_page(guarded)


def strong_page(view: View) -> View:
    """As `recent_page`, for changes of what proves the person: whoever has a second factor proves it too (M5)."""

    @wraps(view)
    def guarded(own: Own, **arguments: Any) -> HttpResponse:
        with scope.account(own.session.account_id):
            has_factor = authenticators.held(own.session.account_id).any
        needed = assurance.MULTI_FACTOR if has_factor else ""
        proved = assurance.PASSWORD if own.session.factor_proved_at else own.session.acr
        strong = not needed or assurance.satisfies(proved, needed)
        if strong and own.session.is_fresh(RECENT):
            return view(own, **arguments)
        prompt = {} if own.session.is_fresh(RECENT) else {"prompt": "login", "notice": "fresh"}
        return to_sign_in(own.request, **prompt, **({"acr_values": needed} if needed else {}))

    return own_page(guarded)


def to_sign_in(request: HttpRequest, **query: str) -> HttpResponse:
    # What was posted is lost on the way: the person comes back to the page that offers it.
    section = reverse(section_of(request.path_info))
    asked = {"next": request.get_full_path() if request.method in {"GET", "HEAD"} else section, **query}
    response = HttpResponseRedirect(f"{reverse('sign_in')}?{urlencode(asked)}")
    response.status_code = 303
    return response
