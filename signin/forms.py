"""The forms of the hosted pages. Only the fields named here are read (threat L10)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.passwords import MAX_LENGTH
from identity import contacts, emails
from identity.emails import Address


class AddressField(forms.CharField):
    """Cleans to an `identity.emails.Address`."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", _("E-mail address"))
        super().__init__(max_length=254, widget=forms.EmailInput, **options)

    def clean(self, value: Any) -> Address:
        text = super().clean(value)
        try:
            return emails.parse(text)
        except emails.InvalidAddress:
            raise forms.ValidationError(_("Write an e-mail address such as name@example.com.")) from None


def password_field(label: Any, help_text: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, max_length=MAX_LENGTH, strip=False, widget=forms.PasswordInput
    )


class IdentifyForm(forms.Form):
    email = AddressField()


class PasswordForm(forms.Form):
    password = password_field(_("Password"))
    remember = forms.BooleanField(label=_("Stay signed in on this device"), required=False)


class SecondFactorForm(forms.Form):
    """A code of the authenticator app; `trust` lets this browser stand for it later.

    The passkey's button posts here too, with its `credential` in the place of a code.
    """

    code = forms.CharField(
        label=_("Six-digit code"), max_length=12, error_messages={"required": _("Type the code.")}
    )
    credential = forms.CharField(max_length=20_000, required=False, widget=forms.HiddenInput)
    trust = forms.BooleanField(label=_("Do not ask again in this browser"), required=False)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["code"].required = not self.data.get("credential")


class RecoveryCodeForm(SecondFactorForm):
    code = forms.CharField(
        label=_("Recovery code"), max_length=40, error_messages={"required": _("Type the code.")}
    )


class SignUpForm(forms.Form):
    name = forms.CharField(label=_("Your name"), max_length=200)
    email = AddressField()
    new_password = password_field(_("Password"), _("At least 15 characters; a few words in a row are fine."))


class PasswordlessSignUpForm(SignUpForm):
    """Where passwords are switched off."""

    new_password = None  # type: ignore[assignment]


class CodeForm(forms.Form):
    code = forms.CharField(label=_("Six-digit code"), max_length=12)


class RecoveryForm(forms.Form):
    email = AddressField()


class NewPasswordForm(forms.Form):
    new_password = password_field(
        _("New password"), _("At least 15 characters; a few words in a row are fine.")
    )

    def say_least(self, *, beside_a_factor: bool) -> None:
        if beside_a_factor:
            self.fields["new_password"].help_text = _(
                "At least 8 characters, since you prove a second factor too; longer is better."
            )


class OrganizationForm(forms.Form):
    organization = forms.CharField(max_length=60, required=False)


class PhoneForm(forms.Form):
    phone = forms.CharField(
        label=_("Phone number"),
        max_length=40,
        help_text=_("With its country code."),
        widget=forms.TextInput(attrs={"type": "tel"}),
    )

    @property
    def number(self) -> Address:
        """The number in its canonical form; raises InvalidNumber."""
        return contacts.number(self.cleaned_data["phone"])


class WalletForm(forms.Form):
    wallet = forms.CharField(
        label=_("Address of the wallet"), max_length=60, help_text=_("It begins with 0x.")
    )


class SignatureForm(forms.Form):
    signature = forms.CharField(label=_("Signature"), max_length=300)
