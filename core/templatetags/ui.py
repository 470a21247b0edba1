"""Tags for the named elements under templates/elements. docs/frontend.md is their reference.

A tag prepares values; the markup is in the element's template. Extra keyword arguments become HTML
attributes (`hx_get` → `hx-get`); `style` and `on…` are refused, because the Content-Security-Policy would
block them in the browser.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.forms.utils import flatatt
from django.template.loader import get_template
from django.templatetags.static import static
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from core import colour, wording
from core.templatetags import forms

register = template.Library()
register.tags.update(forms.register.tags)

ALERT_ICONS = {"note": "info", "ok": "check-circle", "warn": "warning", "bad": "close-circle"}
MESSAGE_TONES = {"success": "ok", "warning": "warn", "error": "bad"}
THEMES = ("light", "dark")

_JSON_TOKEN = re.compile(
    r'(?P<key>"(?:\\.|[^"\\])*")(?=:)|(?P<string>"(?:\\.|[^"\\])*")'
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>\b(?:true|false|null)\b)"
)


@register.simple_tag
# typed: a label that is already safe must not answer for one that is not.
@functools.lru_cache(1000, typed=True)
def icon(name: str, size: str = "", label: str = "", extra: str = "") -> SafeString:
    """Draw a sprite symbol; decorative unless `label` names it. `size` is empty, `small` or `large`."""
    classes = " ".join(filter(None, ("icon", size and f"icon--{size}", extra)))
    role = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="{}" {}><use href="{}#{}"></use></svg>', classes, role, static("img/icons.svg"), name
    )


@register.inclusion_tag("elements/pill.html")
def pill(state: Any, label: str = "", tone: str = "") -> dict[str, Any]:
    return {"label": label or wording.humanize(state), "tone": tone or wording.tone_of(state)}


@register.inclusion_tag("elements/reltime.html")
def reltime(moment: datetime | None, empty: str = "–") -> dict[str, Any]:
    if moment is None:
        return {"empty": empty}
    return {"iso": moment.isoformat(), "words": wording.relative(moment), "exact": wording.exact(moment)}


@register.inclusion_tag("elements/copyable.html")
def copyable(value: Any, label: str = "", full: bool = False) -> dict[str, Any]:
    """Show an id or address with a copy button; `full` wraps it instead of cutting it short."""
    return {"value": "" if value is None else str(value), "label": label, "full": full}


@register.inclusion_tag("elements/avatar.html")
def avatar(name: Any, image: str = "", size: str = "", square: bool = False) -> dict[str, Any]:
    letters = wording.initials(name)
    shade = sum(str(name).encode()) % 5 + 1
    return {"initials": letters, "shade": shade, "image": image, "size": size, "square": square}


@register.inclusion_tag("elements/tabs.html")
def tabs(items: list[Mapping[str, Any]], label: str = "") -> dict[str, Any]:
    """`items`: [{"label", "url", "active", "count"?, "icon"?}]; each tab is a page of its own."""
    return {"items": items, "label": label}


@register.inclusion_tag("elements/json.html")
def json_view(value: Any, label: str = "") -> dict[str, Any]:
    """Show a value, or JSON text, indented and coloured; every character of it is escaped."""
    text = (
        value
        if isinstance(value, str)
        else json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    )
    return {"html": _coloured(text), "text": text, "label": label}


def _coloured(text: str) -> SafeString:
    parts, end = [], 0
    for token in _JSON_TOKEN.finditer(text):
        parts.append(escape(text[end : token.start()]))
        parts.append(format_html('<span class="json__{}">{}</span>', token.lastgroup, token.group()))
        end = token.end()
    return mark_safe("".join([*parts, escape(text[end:])]))  # noqa: S308  (every part is escaped above)


@register.inclusion_tag("elements/diff.html")
def diff(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """Show the fields in which two flat mappings differ; None stands for `did not exist`."""
    old, new = before or {}, after or {}
    names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    return {"rows": [{"name": n, "before": _plain(old.get(n)), "after": _plain(new.get(n))} for n in names]}


def _plain(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)


@register.simple_block_tag(end_name="endbutton")
def button(
    content: str, variant: str = "", icon: str = "", type: str = "submit", size: str = "", **attrs: Any
) -> str:
    """`variant`: primary, danger, danger-quiet, quiet; `size`: small; `type="button"`: no submit."""
    return _button(content, variant, icon, size, {"type": type} | attrs)


@register.simple_block_tag(end_name="endlinkbutton")
def linkbutton(
    content: str, href: str, variant: str = "", icon: str = "", size: str = "", **attrs: Any
) -> str:
    return _button(content, variant, icon, size, {"href": href} | attrs)


def _button(content: str, variant: str, icon: str, size: str, attrs: dict[str, Any]) -> str:
    classes = ["button", variant and f"button--{variant}", size and f"button--{size}", attrs.pop("extra", "")]
    context = {"content": content, "icon": icon, "link": "href" in attrs}
    context["attributes"] = attributes({"class": " ".join(filter(None, classes))} | attrs)
    return get_template("elements/button.html").render(context)


@register.simple_block_tag(end_name="endalert")
def alert(content: str, tone: str = "note", title: str = "") -> str:
    context = {"content": content, "tone": tone, "title": title, "icon": ALERT_ICONS[tone]}
    return get_template("elements/alert.html").render(context)


@register.simple_block_tag(end_name="endcard")
def card(content: str, title: str = "", lead: str = "", flush: bool = False, id: str = "") -> str:
    """A titled panel; `flush` lets a table or list reach its edges."""
    context = {"content": content, "title": title, "lead": lead, "flush": flush, "id": id}
    return get_template("elements/card.html").render(context)


@register.simple_block_tag(end_name="enddialog")
def dialog(content: str, id: str, title: str, open: bool = False, drawer: bool = False) -> str:
    """A modal opened by `<a href="#id" data-dialog>`; without script the same link shows it."""
    context = {"content": content, "id": id, "title": title, "open": open, "drawer": drawer}
    return get_template("elements/dialog.html").render(context)


@register.simple_block_tag(end_name="endcode")
def code(content: str, label: str = "", id: str = "code") -> str:
    """A dark code block with a copy button. `id` must be unique on the page."""
    trimmed = mark_safe(content.strip("\n"))  # noqa: S308  (a rendered block: escaped already)
    context = {"content": trimmed, "label": label, "id": id}
    return get_template("elements/code.html").render(context)


@register.simple_block_tag(end_name="endempty")
def empty(content: str, title: str, icon: str = "spark", boxed: bool = False) -> str:
    """An empty state: `title`, then one sentence of value and the actions as content."""
    context = {"content": content, "title": title, "icon": icon, "boxed": boxed}
    return get_template("elements/empty.html").render(context)


@register.filter
def message_tone(message: Any) -> str:
    """Return the tone of a django.contrib.messages message."""
    return MESSAGE_TONES.get(getattr(message, "level_tag", ""), "note")


@register.filter
def alert_icon(tone: str) -> str:
    return ALERT_ICONS.get(tone, "info")


@register.simple_tag(takes_context=True)
def theme_attribute(context: template.Context) -> SafeString:
    """Return ` data-theme="…"` when the person chose a theme, so that the first paint is right."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme") if request is not None else None
    return format_html(' data-theme="{}"', chosen) if chosen in THEMES else mark_safe("")


@register.simple_tag(takes_context=True)
def brand_style(context: template.Context) -> SafeString:
    """Return the tenant's colours as a nonced `<style>`; nothing when they are absent or invalid (B3).

    `branding.brand` is the ground of buttons; `branding.brand_ink`, the text on it, is used only where it
    reaches AA. Links get a shade that reads on either surface, whatever colour the tenant picked.
    """
    branding, request = context.get("branding"), context.get("request")
    brand = colour.parse(_member(branding, "brand"))
    nonce = str(getattr(request, "csp_nonce", ""))  # lazy, and false until somebody has read it
    if brand is None or not nonce:
        return mark_safe("")
    return format_html('<style nonce="{}">:root{{{}}}</style>', nonce, brand_properties(brand, branding))


def brand_properties(brand: str, branding: Any = None) -> SafeString:
    """Return the declarations for a parsed `brand`: `--brand:…;--brand-ink:…;…`."""
    ink = colour.parse(_member(branding, "brand_ink"))
    if ink is None or colour.contrast(ink, brand) < colour.AA_TEXT:
        ink = colour.ink_on(brand)
    light, dark = (colour.legible(brand, s) for s in (colour.LIGHT_SURFACE, colour.DARK_SURFACE))
    return format_html(
        "--brand:{0};--brand-ink:{1};--brand-hover:{2};--brand-text:light-dark({3},{4});--focus:light-dark({3},{4})",
        brand,
        ink,
        colour.mix(brand, "#000000" if ink == "#ffffff" else "#ffffff", 0.12),
        light,
        dark,
    )


def attributes(values: Mapping[str, Any]) -> SafeString:
    """Return escaped HTML attributes; True is a bare name, None and False leave it out.

    Raises TemplateSyntaxError for `style` and event handlers, which the policy blocks.
    """
    named = {name.rstrip("_").replace("_", "-"): value for name, value in values.items()}
    if refused := [name for name in named if name == "style" or name.startswith("on")]:
        raise template.TemplateSyntaxError(
            f"{refused[0]} is blocked by the Content-Security-Policy; use a class"
        )
    return flatatt({name: value for name, value in named.items() if value is not None and value is not False})


def _member(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
