"""The forms by which an authenticator is added, on a person's own pages and behind single sign-on."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class AppForm(forms.Form):
    """The first code of an authenticator app, and the sealed key that it is for."""

    offer = forms.CharField(max_length=600, widget=forms.HiddenInput)
    code = forms.CharField(label=_("The code that the app shows"), max_length=12)


class PasskeyForm(forms.Form):
    """A new passkey: its name, and the browser's answer."""

    name = forms.CharField(label=_("Name"), max_length=64, help_text=_("So that you know it again."))
    credential = forms.CharField(max_length=20_000, widget=forms.HiddenInput, required=False)
