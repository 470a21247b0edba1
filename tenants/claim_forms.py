"""The form of a member's further standard claims (OpenID Connect Core §5.1)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.pagekit import Explained
from tenants.profile import ADDRESS


def words(label: Any, help_text: Any = "", most: int = 200) -> forms.CharField:
    return forms.CharField(label=label, max_length=most, required=False, help_text=help_text)


class ClaimsForm(Explained):
    """The tenant's own copy; an emptied field takes the claim away. The service judges the values."""

    given_name = words(_("Given name"))
    family_name = words(_("Family name"))
    middle_name = words(_("Middle name"))
    nickname = words(_("Nickname"))
    preferred_username = words(_("Preferred user name"))
    gender = words(_("Gender"))
    birthdate = words(_("Date of birth"), _("YYYY-MM-DD, or YYYY."), 10)
    zoneinfo = words(_("Time zone"), _("Such as Europe/Zurich."), 60)
    phone_number = words(_("Phone number"), _("With the country, such as +41445551234."), 16)
    phone_number_verified = forms.BooleanField(label=_("The phone number is verified"), required=False)
    profile = words(_("Profile page"), "", 500)
    picture = words(_("Picture"), _("The https address of a picture."), 500)
    website = words(_("Website"), "", 500)
    address_formatted = forms.CharField(
        label=_("Whole address"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    address_street_address = words(_("Street"), "", 500)
    address_postal_code = words(_("Postal code"), "", 500)
    address_locality = words(_("Town"), "", 500)
    address_region = words(_("Region"), "", 500)
    address_country = words(_("Country"), "", 500)

    names = {"address": "address_formatted"}
    PARTS = {f"address_{part}": part for part in ADDRESS}

    @classmethod
    def initial_of(cls, profile: dict[str, Any]) -> dict[str, Any]:
        address = profile.get("address", {})
        return {**profile, **{name: address.get(part, "") for name, part in cls.PARTS.items()}}

    @property
    def changes(self) -> dict[str, Any]:
        """Return a merge patch of the profile: null for what was emptied."""
        given = {name: self.cleaned_data[name] for name in self.changed_data}
        patch = {name: value or None for name, value in given.items() if name not in self.PARTS}
        if "phone_number_verified" in given:
            patch["phone_number_verified"] = given["phone_number_verified"]
        if given.keys() & self.PARTS.keys():
            whole = {part: self.cleaned_data[name] for name, part in self.PARTS.items()}
            patch["address"] = {part: text for part, text in whole.items() if text} or None
        return patch
