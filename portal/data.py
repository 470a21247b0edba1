"""The person's data: a copy to take along, and the end of the account (USR-14)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import scope
from core.errors import Problem
from core.lookups import id_or_missing
from core.pages import READ_WRITE, words_of
from portal import deletions, exports
from portal.frame import Own, own_page, recent_page
from portal.models import DataExport


@require_safe
@own_page
def own_data(own: Own) -> HttpResponse:
    account_id = own.session.account_id
    with scope.account(account_id):
        export, deletion = exports.latest(account_id), deletions.planned(account_id)
    return own.render("data", export=export, deletion=deletion)


@require_http_methods(READ_WRITE)
@recent_page
def request_export(own: Own) -> HttpResponse:
    """Promise a copy; a visit without a form is somebody back from proving who they are."""
    if own.request.method == "POST":
        with scope.account(own.session.account_id):
            exports.request(account_id=own.session.account_id)
    return own.go("portal_data")


@require_safe
@recent_page
def download(own: Own, export_id: str) -> HttpResponse:
    with scope.account(own.session.account_id):
        content = exports.download(
            account_id=own.session.account_id, export_id=id_or_missing(DataExport.PREFIX, export_id)
        )
    response = HttpResponse(content, content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="account-data.zip"'
    return response


@require_POST
@own_page
def delete_export(own: Own, export_id: str) -> HttpResponse:
    with scope.account(own.session.account_id):
        exports.delete(
            account_id=own.session.account_id, export_id=id_or_missing(DataExport.PREFIX, export_id)
        )
    return own.go("portal_data")


@require_http_methods(READ_WRITE)
@recent_page
def plan_deletion(own: Own) -> HttpResponse:
    """Say what goes and what stays, and plan the end of the account for a week from now."""
    if own.request.method != "POST":
        return own.render("delete_account", days=deletions.HOLD.days)
    try:
        deletions.plan(account_id=own.session.account_id)
    except Problem as problem:
        if problem.status >= 500:
            raise
        reason = words_of(problem)
        return own.render("delete_account", problem.status, days=deletions.HOLD.days, reason=reason)
    return own.go("portal_data")


@require_POST
@own_page
def cancel_deletion(own: Own) -> HttpResponse:
    with scope.account(own.session.account_id):
        deletions.cancel(account_id=own.session.account_id)
    messages.success(own.request, _("Your account stays."))
    return own.go("portal_data")
