"""Forms of the members and settings pages. They ask; the services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from identity import methods
from tenants.pagekit import Explained
from tenants.policy import TenantPolicy

MINUTE, HOUR, DAY = 60, 3600, 86_400
METHODS = {
    methods.PASSWORD: _("Password"),
    methods.PASSKEY: _("Passkey"),
    methods.MAGIC_LINK: _("Link by mail"),
    methods.EMAIL_CODE: _("Code by mail"),
    methods.PHONE_CODE: _("Code to the phone"),
    methods.WALLET: _("Ethereum wallet"),
    methods.GUEST: _("As a guest, without an account"),
}
FACTORS = [
    ("any", _("As they like")),
    ("second_factor", _("With a second factor")),
    ("passkey", _("With a passkey")),
]


def whole(label: Any, least: int, most: int, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, help_text=help_text)


class MemberForm(Explained):
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    name = forms.CharField(label=_("Name"), max_length=200, required=False)


class ProfileForm(Explained):
    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        required=False,
        help_text=_("This tenant's own copy. The person's account keeps its name."),
    )
    locale = forms.CharField(
        label=_("Language"), max_length=16, required=False, help_text=_("Such as en or de-CH.")
    )


class SettingsForm(Explained):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("People see it when they sign in."))
    support_email = forms.EmailField(
        label=_("Support e-mail"),
        max_length=254,
        required=False,
        help_text=_("Shown on sign-in and consent pages."),
    )
    support_url = forms.URLField(
        label=_("Support page"), max_length=500, required=False, assume_scheme="https"
    )
    terms_url = forms.URLField(label=_("Terms"), max_length=500, required=False, assume_scheme="https")
    privacy_url = forms.URLField(
        label=_("Privacy notice"), max_length=500, required=False, assume_scheme="https"
    )


class PolicyForm(Explained):
    """Who may sign up and how long things live. A change of it is high-risk, so it needs a reason."""

    sign_up = forms.ChoiceField(
        label=_("Who may sign up"),
        widget=forms.RadioSelect,
        choices=[
            ("open", _("Anybody with a verified address")),
            (
                "domain",
                _(
                    "Addresses of the domains below, of those by which people join organizations, and invited people"
                ),
            ),
            ("invite", _("Invited people only")),
        ],
    )
    sign_up_domains = forms.CharField(
        label=_("Domains"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line, such as example.com."),
    )
    terms_version = forms.CharField(
        label=_("Version of the terms that members accept"),
        required=False,
        max_length=40,
        help_text=_(
            "Such as 2026-11. Empty: nobody is asked. A new one asks everybody again when they next sign in."
        ),
    )
    sign_in_methods = forms.MultipleChoiceField(
        label=_("Ways to sign in"),
        widget=forms.CheckboxSelectMultiple,
        choices=list(METHODS.items()),
        help_text=_("What is not ticked is gone from the pages and refused. Organizations may allow fewer."),
        error_messages={"required": _("Tick at least one.")},
    )
    password_min_length = forms.IntegerField(
        label=_("Shortest password, in characters"),
        min_value=8,
        max_value=128,
        help_text=_("For passwords that are chosen from now on. Without a second factor 15 is the least."),
    )
    password_classes = forms.BooleanField(
        label=_("Passwords hold small and capital letters, digits and others"), required=False
    )
    session_idle = whole(_("Idle limit of a session, in minutes"), 1, 30 * DAY // MINUTE)
    session_idle_cap = whole(
        _("Longest idle limit of an organization, in minutes"),
        1,
        30 * DAY // MINUTE,
        _("An organization's administrators choose theirs up to this."),
    )
    session_absolute = whole(_("Longest session, in hours"), 1, 90 * DAY // HOUR)
    session_remember = whole(
        _("Longest session of who stays signed in, in days"), 1, 365, _("Idle limits do not end it.")
    )
    access_token_lifetime = whole(_("Access token lifetime, in minutes"), 1, DAY // MINUTE)
    access_token_lifetime_max = whole(
        _("Longest access token of an application or API, in minutes"), 5, DAY // MINUTE
    )
    id_token_lifetime = whole(_("ID token lifetime, in minutes"), 1, DAY // MINUTE)
    id_token_lifetime_max = whole(_("Longest ID token of an application, in minutes"), 5, DAY // MINUTE)
    refresh_lifetime = whole(_("Refresh token lifetime, in days"), 1, 365)
    refresh_lifetime_max = whole(_("Longest refresh token of an application, in days"), 1, 365)
    key_token_lifetime = whole(
        _("Lifetime of a token that a key is exchanged for, in minutes"), 1, DAY // MINUTE
    )
    key_max_lifetime = whole(
        _("Longest API key, in days"), 0, 3650, _("Counts for new keys. 0 means no limit.")
    )
    key_never_allowed = forms.BooleanField(label=_("API keys may have no end"), required=False)
    key_exchange_only = forms.BooleanField(
        label=_("API keys must be exchanged for a token"),
        required=False,
        help_text=_("A key sent to the API itself is refused."),
    )
    signing_key_days = whole(
        _("Days for which a signing key signs"),
        0,
        3650,
        _("Then the next one does, published long before. 0 means until somebody rotates it."),
    )
    dpop_nonce_required = forms.BooleanField(
        label=_("DPoP proofs carry a nonce of this server"),
        required=False,
        help_text=_("RFC 9449, section 8. Clients that do not know nonces stop working."),
    )
    legacy_oauth_paths = forms.BooleanField(
        label=_("Addresses of older clients answer"),
        required=False,
        help_text=_("/oauth2/authorize, /oauth2/token, /oauth2/userInfo and /oauth2/revoke."),
    )
    client_documents = forms.ChoiceField(
        label=_("Clients that describe themselves at their own address"),
        help_text=_("Such as tools that speak MCP: their client ID is the address of their metadata."),
        choices=[
            ("auto", _("In test tenants only")),
            ("off", _("Never")),
            ("listed", _("Only from the hosts listed below")),
            ("any", _("From any host")),
        ],
    )
    client_document_hosts = forms.CharField(
        label=_("Hosts of such clients"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line, such as tools.example.com."),
    )
    member_factor = forms.ChoiceField(
        label=_("How members prove themselves"),
        choices=FACTORS,
    )
    admin_mfa_required = forms.BooleanField(label=_("Administrators need a second factor"), required=False)
    admin_passkey_required = forms.BooleanField(label=_("Administrators need a passkey"), required=False)
    trusted_browser_days = forms.IntegerField(
        label=_("Days for which a browser may be trusted"),
        min_value=0,
        max_value=90,
        help_text=_("On a trusted browser the second factor is not asked again. 0 means never."),
    )
    reason = forms.CharField(label=_("Reason"), max_length=300, help_text=_("Kept in the audit log."))

    CHOICES = ("sign_in_methods",)
    LINES = ("sign_up_domains", "client_document_hosts")
    UNITS = {
        "session_idle": MINUTE,
        "session_idle_cap": MINUTE,
        "session_absolute": HOUR,
        "session_remember": DAY,
        "access_token_lifetime": MINUTE,
        "access_token_lifetime_max": MINUTE,
        "id_token_lifetime": MINUTE,
        "id_token_lifetime_max": MINUTE,
        "refresh_lifetime": DAY,
        "refresh_lifetime_max": DAY,
        "key_token_lifetime": MINUTE,
        "key_max_lifetime": DAY,
    }

    @classmethod
    def initial_of(cls, policy: TenantPolicy) -> dict[str, Any]:
        """Return a policy in the units that the form asks for."""
        shown = {name: getattr(policy, name) for name in cls.base_fields if name != "reason"}
        # Rounded up, so that what is shown and left alone is never less than what holds; 0 stays 0.
        shown |= {name: -(-getattr(policy, name) // unit) for name, unit in cls.UNITS.items()}
        shown |= {name: list(getattr(policy, name)) for name in cls.CHOICES}
        return {**shown, **{name: "\n".join(getattr(policy, name)) for name in cls.LINES}}

    @property
    def changes(self) -> dict[str, Any]:
        """Return what was changed, in seconds and lists."""
        asked = {name: self.cleaned_data[name] for name in self.changed_data if name != "reason"}
        for name in asked.keys() & self.UNITS.keys():
            asked[name] *= self.UNITS[name]
        for name in asked.keys() & set(self.LINES):
            asked[name] = asked[name].casefold().split()
        return asked
