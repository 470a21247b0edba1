"""The person's profile: what they say of themselves, and their picture (POR-01)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import languages, scope
from core.errors import NotFound, ValidationFailed
from core.pages import READ_WRITE
from identity import pictures, selectors, services
from portal.forms import PictureForm, ProfileForm
from portal.frame import Own, own_page
from tenants import images


@require_http_methods(READ_WRITE)
@own_page
def profile(own: Own) -> HttpResponse:
    form = ProfileForm(own.request.POST if own.request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with scope.account(own.session.account_id):
            services.change_profile(account_id=own.session.account_id, changes=form.cleaned_data)
        response = own.go("portal_profile", notice="saved")
        languages.remember(response, form.cleaned_data["locale"])
        return response
    return _page(own, form, PictureForm())


def _page(own: Own, form: ProfileForm, picture_form: PictureForm, status: int = 200) -> HttpResponse:
    account_id = own.session.account_id
    with scope.account(account_id):
        account, addresses = selectors.account(account_id), list(selectors.emails(account_id))
    assert account is not None
    if not form.is_bound:
        known = {name: getattr(account, name) for name in services.PROFILE}
        form = ProfileForm(initial={**known, "locale": account.locale or translation.get_language()})
    return own.render(
        "profile",
        400 if form.errors else status,
        form=form,
        picture_form=picture_form,
        addresses=addresses,
        saved=own.request.GET.get("notice") == "saved",
    )


@require_POST
@own_page
def choose_picture(own: Own) -> HttpResponse:
    form = PictureForm(own.request.POST, own.request.FILES)
    if form.is_valid():
        content = form.cleaned_data["picture"].read(images.MOST_BYTES + 1)
        try:
            _keep(own, content)
        except ValidationFailed as problem:
            form.add_error("picture", " ".join(_(error.detail) for error in problem.errors))
        else:
            messages.success(own.request, _("Saved."))
            return own.go("portal_profile")
    return _page(own, ProfileForm(), form, 400)


def _keep(own: Own, content: bytes) -> None:
    media_type, account_id = images.check(content), own.session.account_id
    with scope.account(account_id):
        pictures.choose(account_id=account_id, content=content, media_type=media_type)


@require_POST
@own_page
def remove_picture(own: Own) -> HttpResponse:
    with scope.account(own.session.account_id):
        pictures.remove(account_id=own.session.account_id)
    messages.success(
        own.request, _("Removed. Services keep the copy that you gave them until you take it back there.")
    )
    return own.go("portal_profile")


@require_safe
@own_page
def picture(own: Own) -> HttpResponse:
    """The person's own picture, to themselves alone."""
    with scope.account(own.session.account_id):
        row = pictures.of(own.session.account_id)
    if row is None:
        raise NotFound
    response = HttpResponse(bytes(row.content), content_type=row.media_type)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
