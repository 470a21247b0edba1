"""Forms of the branding pages: colours and words, what the preview shows, a logo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenants.pagekit import Explained

SCREENS = [
    ("sign_in", _("Sign in")),
    ("second_factor", _("MFA")),
    ("consent", _("Consent")),
    ("stopped", _("Error page")),
    ("mail", _("Mail")),
]
APPEARANCES = [("light", _("Light")), ("dark", _("Dark"))]
WIDTHS = [("wide", _("Desktop")), ("narrow", _("Phone"))]
SHOWN = {"screen": "sign_in", "appearance": "light", "language": settings.LANGUAGES[0][0], "width": "wide"}


class BrandingForm(Explained):
    """Colours and words, and beside them what the preview is to show of them."""

    brand = forms.CharField(
        label=_("Brand colour"),
        max_length=7,
        required=False,
        help_text=_("The ground of buttons, such as #1d4ed8. Links get a shade that reads."),
    )
    brand_ink = forms.CharField(
        label=_("Text on it"),
        max_length=7,
        required=False,
        help_text=_("Left empty, black or white is taken, whichever reads better."),
    )
    text_en = forms.CharField(label=_("Words at sign-in, English"), max_length=200, required=False)
    text_de = forms.CharField(label=_("Words at sign-in, German"), max_length=200, required=False)
    sender = forms.CharField(
        label=_("Sender of mails"),
        max_length=80,
        required=False,
        help_text=_("The name that mails come from. Left empty it is the tenant's name."),
    )
    screen = forms.ChoiceField(label=_("Page"), choices=SCREENS)
    appearance = forms.ChoiceField(label=_("Appearance"), choices=APPEARANCES)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    width = forms.ChoiceField(label=_("Width"), choices=WIDTHS)

    def __init__(self, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(
            None if data is None else {**SHOWN, **{name: data[name] for name in data}}, **options
        )

    @property
    def shown(self) -> dict[str, str]:
        """Return what the preview shows, the first of each where nothing was chosen."""
        chosen = self.cleaned_data if self.is_bound and self.is_valid() else {}
        return {name: chosen.get(name) or first for name, first in SHOWN.items()}


class OwnBrandingForm(BrandingForm):
    """An organization's: its own help desk too."""

    support_email = forms.EmailField(label=_("Support e-mail"), max_length=254, required=False)
    support_url = forms.URLField(
        label=_("Support page"),
        max_length=500,
        required=False,
        assume_scheme="https",
        help_text=_("Where one of both is named, the tenant's support is not shown."),
    )


class LogoForm(Explained):
    logo = forms.FileField(label=_("Logo"), help_text=_("PNG or JPEG, at most 190 KB and 2000 pixels."))
    variant = forms.ChoiceField(
        label=_("For"),
        choices=[("light", _("Light appearance")), ("dark", _("Dark appearance"))],
    )
