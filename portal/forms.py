"""The forms of the person's own pages. Only the fields named here are read (threat L10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from core.passwords import MAX_LENGTH
from identity.services import time_zones
from identity.tokens import TokenScope

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


SELECTED = mark_safe(" selected")


def _zones() -> list[tuple[str, StrOrPromise]]:
    return [("", _("Not said")), *((zone, zone) for zone in sorted(time_zones()))]


class LongSelect(forms.Select):
    """A choice among hundreds, written at once: Django would render a template for each."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        named = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            ((key, SELECTED if key == value else "", label) for key, label in self.choices),
        )
        return format_html("<select{}>{}</select>", flatatt(named), options)


class ProfileForm(forms.Form):
    name = forms.CharField(label=_("Your name"), max_length=200)
    given_name = forms.CharField(label=_("Given name"), max_length=200, required=False)
    family_name = forms.CharField(label=_("Family name"), max_length=200, required=False)
    nickname = forms.CharField(label=_("Nickname"), max_length=200, required=False)
    locale = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    zoneinfo = forms.ChoiceField(label=_("Time zone"), choices=_zones, required=False, widget=LongSelect)


class PictureForm(forms.Form):
    picture = forms.FileField(
        label=_("Picture"),
        help_text=_("A PNG or JPEG file of at most 200 KB. Where and when it was taken is left out."),
        max_length=200,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg"}),
    )


class AddressForm(forms.Form):
    email = forms.CharField(label=_("E-mail address"), max_length=254, widget=forms.EmailInput)


class CodeForm(forms.Form):
    code = forms.CharField(label=_("Six-digit code"), max_length=12)


class NewPasswordForm(forms.Form):
    new_password = forms.CharField(
        label=_("New password"),
        help_text=_("At least 15 characters; a few words in a row are fine."),
        max_length=MAX_LENGTH,
        strip=False,
        widget=forms.PasswordInput,
    )

    def __init__(self, *arguments: Any, beside_a_factor: bool = False, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if beside_a_factor:
            self.fields["new_password"].help_text = _(
                "At least 8 characters, since you prove a second factor too; longer is better."
            )


class AuthenticatorNameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=64)


class TokenForm(forms.Form):
    """What a token of one's own is for, may do, and how long it lives."""

    name = forms.CharField(label=_("What is it for?"), max_length=120)
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        widget=forms.CheckboxSelectMultiple,
        choices=[
            (TokenScope.TENANTS_CREATE.value, _("Create tenants that you own")),
            (TokenScope.TENANTS_READ.value, _("List the tenants and organizations that you are in")),
        ],
        error_messages={"required": _("Tick at least one.")},
    )
    lifetime = forms.ChoiceField(
        label=_("It works for"),
        initial="1h",
        choices=[("1h", _("One hour")), ("1d", _("One day")), ("7d", _("Seven days"))],
    )


class PhoneForm(forms.Form):
    phone = forms.CharField(
        label=_("Phone number"),
        max_length=40,
        help_text=_("With its country code."),
        widget=forms.TextInput(attrs={"type": "tel"}),
    )


class WalletForm(forms.Form):
    wallet = forms.CharField(
        label=_("Address of the wallet"), max_length=60, help_text=_("It begins with 0x.")
    )


class SignatureForm(forms.Form):
    signature = forms.CharField(label=_("Signature"), max_length=300)
