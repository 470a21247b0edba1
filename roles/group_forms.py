"""Forms of the group pages. They ask; the services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.lookups import id_or_missing
from organizations import selectors as organizations
from organizations.models import Organization
from roles import group_selectors, guards, selectors
from roles.forms import label
from roles.models import Group, Role
from tenants.pagekit import Explained, Viewer


class GroupForm(Explained):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    description = forms.CharField(label=gettext_lazy("Description"), max_length=300, required=False)
    external_id = forms.CharField(
        label=gettext_lazy("External id"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("What an outside directory calls it, where that is not its name."),
    )

    def clean_external_id(self) -> str | None:
        return self.cleaned_data["external_id"] or None


class NewGroupForm(GroupForm):
    place = forms.ChoiceField(
        label=gettext_lazy("Where"),
        required=False,
        help_text=gettext_lazy("Only members of the organization can be in its groups. This stays as it is."),
    )

    def __init__(self, *args: Any, viewer: Viewer, **options: Any) -> None:
        super().__init__(*args, **options)
        if viewer.principal.organization_id is not None:
            del self.fields["place"]
        else:
            self.offer("place", [("", _("The whole tenant")), *organizations.choices()])

    def wanted(self) -> dict[str, Any]:
        """Return what `create_group` takes; without a place it is the viewer's own."""
        values = dict(self.cleaned_data)
        chosen = values.pop("place", "")
        if chosen:
            values["organization"] = organizations.organization(id_or_missing(Organization.PREFIX, chosen))
        return values


class GivenForm(Explained):
    """One role more for a group: any that can be held where the group is, but that of owners."""

    role = forms.ChoiceField(label=gettext_lazy("Role"))

    def __init__(self, *args: Any, group: Group, **options: Any) -> None:
        super().__init__(*args, **options)
        here = Q(organization=None) | Q(organization=group.organization_id)
        rows = selectors.roles().filter(here).exclude(id__in=[r.id for r in group_selectors.roles_of(group)])
        rows = rows.select_related("organization").order_by("-is_built_in", "name")[:300]
        self.roles = {role.public_id: role for role in rows if not guards.is_owner_role(role)}
        self.offer("role", [(key, label(role)) for key, role in self.roles.items()])

    @property
    def chosen(self) -> Role:
        return self.roles[self.cleaned_data["role"]]
