"""The one form of the first operator."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from core.passwords import MAX_LENGTH
from tenants.models import Mode


class FoundingForm(forms.Form):
    name = forms.CharField(label=_("Your name"), max_length=200)
    password = forms.CharField(
        label=_("Password"),
        max_length=MAX_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 15 characters; a few words in a row are fine."),
    )
    tenant_name = forms.CharField(
        label=_("Name of the first tenant"), max_length=120, help_text=_("People see it when they sign in.")
    )
    slug = forms.CharField(
        label=_("Slug"),
        max_length=63,
        help_text=_("Part of the issuer's address, such as acme in /t/acme. It can never change."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    mode = forms.ChoiceField(
        label=_("Environment"),
        initial=Mode.LIVE,
        widget=forms.RadioSelect,
        choices=[
            (Mode.LIVE, _("Live: real people; keys start with sk_live_")),
            (Mode.TEST, _("Test: try things out; keys start with sk_test_")),
        ],
    )
