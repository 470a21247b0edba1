"""The dashboard's page of many invitations at once: a file or pasted rows, tried first and then sent."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from invitations import bulk
from invitations.bulk import Line, Result
from tenants.pagekit import Explained, Viewer, posted, see_other, show


class RowsForm(Explained):
    rows = forms.CharField(
        label=gettext_lazy("Rows"),
        required=False,
        max_length=bulk.MOST_TEXT,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=gettext_lazy("The first line names the columns: email, organization, roles."),
    )
    file = forms.FileField(
        label=gettext_lazy("Or a CSV file"),
        required=False,
        max_length=200,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=gettext_lazy("At most 200 rows. It takes the place of the rows above."),
    )

    def clean(self) -> dict[str, Any]:
        """Put the file's text in the place of the rows, so that the page shows what was checked."""
        cleaned = super().clean() or self.cleaned_data
        file = cleaned.get("file")
        if file is not None and file.size <= bulk.MOST_TEXT:
            cleaned["rows"] = file.read().decode("utf-8", "replace")
        elif file is not None:
            self.add_error("file", _("The file is too large."))
        elif not cleaned.get("rows"):
            self.add_error("rows", _("Paste rows, or choose a file."))
        return cleaned


def invite_many(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Try the rows, show what would become of each, and send those that may be on the second press."""
    form = RowsForm(posted(request), request.FILES or None)
    results: list[Result] = []
    if form.is_valid():
        lines: list[Line] | None = form.carry_out(lambda: bulk.read(form.cleaned_data["rows"]))
        if lines is not None:
            is_trial = "send" not in request.POST
            results = bulk.invite(actor=viewer.principal, lines=lines, is_trial=is_trial)
            if not is_trial:
                return _sent(request, viewer, results)
            form = RowsForm(initial={"rows": form.cleaned_data["rows"]})
    good = sum(not result.fault for result in results)
    return show(
        request,
        "invitations/many.html",
        form,
        form=form,
        results=results,
        good=good,
        crumbs=[{"label": _("Invitations"), "url": viewer.url("invitations")}],
        invitations_url=viewer.url("invitations"),
    )


def _sent(request: HttpRequest, viewer: Viewer, results: list[Result]) -> HttpResponse:
    good = sum(not result.fault for result in results)
    if good:
        done = ngettext("%(n)d invitation is on its way.", "%(n)d invitations are on their way.", good)
        messages.success(request, done % {"n": good})
    for result in [result for result in results if result.fault][:10]:
        messages.error(request, f"{result.line.number}: {result.line.email} – {result.fault}")
    return see_other(viewer.url("invitations"))
