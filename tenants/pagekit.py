"""What dashboard pages of this app and those above it share: the viewer, lists, forms that explain."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _

from core import ids
from core.errors import OnlyForms, Problem
from core.principal import Principal
from tenants.models import Tenant

PAGE = 50


class Viewer(Protocol):
    """The administrator at work, as the dashboard's frame hands over."""

    principal: Principal
    tenant: Tenant

    def url(self, *parts: str) -> str: ...

    def may(self, permission: str) -> bool: ...


@dataclass(frozen=True)
class Listing:
    """One page of rows, newest first, and the addresses of its neighbours."""

    rows: list[Any]
    next_url: str = ""
    previous_url: str = ""


def listing(request: HttpRequest, rows: QuerySet[Any]) -> Listing:
    """Cut a page out of `rows` by key; `after` or `before` in the address is the row next to it."""
    after, before = (row_id(request.GET.get(name, "")) for name in ("after", "before"))
    if before is not None:
        page = list(rows.filter(pk__gt=before).order_by("pk")[: PAGE + 1])
        older, newer = True, len(page) > PAGE
        page = page[:PAGE][::-1]
    else:
        rows = rows.filter(pk__lt=after) if after else rows
        page = list(rows.order_by("-pk")[: PAGE + 1])
        older, newer = len(page) > PAGE, after is not None
        page = page[:PAGE]
    if not page:
        return Listing([])
    return Listing(
        page,
        place(request, after=key_of(page[-1])) if older else "",
        place(request, before=key_of(page[0])) if newer else "",
    )


def list_context(page: Listing, q: str = "", selects: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return what `elements/filters.html` and `elements/pager.html` need around a list."""
    chosen = list(selects)
    return {
        "page": page,
        "next_url": page.next_url,
        "previous_url": page.previous_url,
        "q": q,
        "selects": chosen,
        "is_narrowed": bool(q or any(one["value"] for one in chosen)),
    }


def select(name: str, label: str, value: str, options: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return a filter of a list: its name in the address, what it says unset, its value and `(value, label)`s."""
    return {"name": name, "label": label, "value": value, "options": list(options)}


def key_of(row: Any) -> str:
    return ids.encode("row", row.pk)


def row_id(text: str) -> Any:
    try:
        return ids.decode("row", text)
    except ids.MalformedId:
        return None


def place(request: HttpRequest, **changed: str) -> str:
    query = request.GET.copy()
    for name in ("after", "before"):
        query.pop(name, None)
    query.update(changed)
    return f"?{query.urlencode()}"


def row_of(prefix: str, text: str) -> Any:
    """Read an id of a filter; one that is malformed names no row."""
    try:
        return ids.decode(prefix, text)
    except ids.MalformedId:
        return uuid.UUID(int=0)


class Explained(forms.Form):
    """A form that shows what a service refused, at the field it names or above all."""

    names: dict[str, str] = {}

    def offer(self, name: str, choices: list[tuple[str, Any]]) -> None:
        """Set the options of a choice field."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def explain(self, problem: Problem) -> None:
        """Show a refusal at the field that it names, else above the form; `names` maps other names of fields."""
        for error in problem.errors:
            steps = [self.names.get(step, step) for step in reversed(error.pointer.split("/"))]
            name = next((step for step in steps if step in self.fields), None)
            self.add_error(name, self._line(name, steps[0]) + error.detail)
        if not problem.errors:
            self.add_error(None, f"{problem.title}. {problem.detail}")

    def _line(self, name: str | None, index: str) -> str:
        """Say which line of a field with several is meant."""
        lines = self.cleaned_data.get(name) if name and index.isdigit() else None
        return f"{lines[int(index)]}: " if isinstance(lines, list) and int(index) < len(lines) else ""

    def carry_out(self, work: Callable[[], Any]) -> Any:
        """Return what `work` returns, None where it was refused and the form now says why."""
        done, problem = attempt(work)
        if problem is not None:
            self.explain(problem)
        return done


def attempt(work: Callable[[], Any]) -> tuple[Any, Problem | None]:
    """Run a service in a savepoint: a refusal leaves nothing half done in the page's transaction."""
    try:
        with transaction.atomic():
            return work(), None
    except Problem as problem:
        return None, problem


def act(
    request: HttpRequest, back: str, work: Callable[[], Any], done: str, *, then: str = ""
) -> HttpResponse:
    """Answer a button: POST only; say what happened and return to a page."""
    demand_post(request)
    _result, problem = attempt(work)
    if problem is not None:
        messages.error(request, f"{problem.title}. {problem.detail}")
        return see_other(back)
    messages.success(request, done)
    return see_other(then or back)


def demand_post(request: HttpRequest) -> None:
    """Raise OnlyForms where somebody opens the address of a form (RFC 9110 §15.5.6: with Allow)."""
    if request.method != "POST":
        raise OnlyForms(headers={"Allow": "POST"})


def unconfirmed(request: HttpRequest, name: str) -> str:
    """Return what a dangerous form lacks: the typed name, a reason; empty when it is complete."""
    if request.POST.get("confirm", "").strip() != name:
        return _("Type the name exactly as shown.")
    return "" if reason(request) else _("Give a reason: it is kept in the audit log.")


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what a form was sent, None when the page is only looked at."""
    return request.POST if request.method == "POST" else None


def reason(request: HttpRequest) -> str:
    return plain(request.POST.get("reason", ""), 300)


def asked(request: HttpRequest, name: str) -> str:
    """Return one word of the address, as a filter may take it."""
    return plain(request.GET.get(name, ""), 120)


def plain(text: str, most: int) -> str:
    """Drop what no text column takes (NUL, lone surrogates) and control characters."""
    kept = "".join(character for character in text if character.isprintable())
    return kept.strip()[:most]


def show(
    request: HttpRequest, template: str, *forms_: forms.Form, status: int = 0, **context: Any
) -> HttpResponse:
    """Render a page; one with a form that was refused answers 422."""
    refused = any(form.errors for form in forms_)
    return render(request, template, context, status=status or (422 if refused else 200))


def see_other(url: str) -> HttpResponse:
    return HttpResponseRedirect(url, status=303)
