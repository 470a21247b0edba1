"""`/bootstrap?token=…`: where the link of `manage.py bootstrap` leads."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from config.bootstrap import services
from config.bootstrap.forms import FoundingForm
from core.errors import Problem
from core.pages import READ_WRITE


@require_http_methods(READ_WRITE)
def bootstrap(request: HttpRequest) -> HttpResponse:
    """Show the form, or make account and tenant of it. Opening the link changes nothing."""
    token = (request.POST if request.method == "POST" else request.GET).get("token", "")
    address = services.read_link(token)
    form = FoundingForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid() and _found(form, token):
        return HttpResponseRedirect(f"/dashboard/{form.cleaned_data['slug']}/", status=303)
    context = {"form": form, "token": token, "email": address.mailbox}
    return render(request, "bootstrap/found.html", context, status=400 if form.errors else 200)


def _found(form: FoundingForm, token: str) -> bool:
    """Return whether it succeeded; what the service refuses becomes an error of the form."""
    try:
        services.found(token=token, **form.cleaned_data)
    except Problem as problem:
        if not problem.errors:
            raise
        for error in problem.errors:
            field = error.pointer.strip("/")
            form.add_error(field if field in form.fields else None, error.detail)
        return False
    return True
