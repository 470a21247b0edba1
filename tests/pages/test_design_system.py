"""The design system keeps its promises: inert text, no inline code, AA contrast, labelled controls."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.conf import settings
from django.http import Http404
from django.template import TemplateSyntaxError, engines
from django.template.loader import get_template, render_to_string
from django.test import RequestFactory, override_settings

from config.styleguide.pages import PAGES, styleguide
from core import charts, colour, wording
from tests.sweeps import each

ROOT = Path(settings.BASE_DIR)
TEMPLATES = [p for p in (ROOT / "templates").rglob("*.html") if "emails" not in p.parts]
CSS = "\n".join(p.read_text() for p in sorted((ROOT / "static/css").rglob("*.css")))
PAYLOAD = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"

# Two tenants, and a stranger's page that belongs to neither.
ACME = {"tenant": {"name": "Acme", "mode": "live"}, "branding": {"brand": "#7c2d12", "brand_ink": "#ffffff"}}
NORTHWIND = {"tenant": {"name": "Northwind", "mode": "test"}, "branding": {"brand": "#fde047"}}
STRANGER: dict[str, Any] = {}


def named(paths: list[Path]) -> Callable[[Callable[..., None]], Any]:
    return each("path", paths, ids=lambda p: str(p.relative_to(ROOT / "templates")))


def render(source: str, **context: Any) -> str:
    return str(engines["django"].from_string(source).render(context))


def entrance(context: dict[str, Any], nonce: str = "n0nce") -> str:
    request = RequestFactory().get("/")
    request.csp_nonce = nonce  # type: ignore[attr-defined]
    return render_to_string("layouts/entrance.html", context, request)


def markup(path: Path) -> str:
    """Return a template without its tags, variables and comments."""
    text = re.sub(r"\{% comment %\}.*?\{% endcomment %\}", "", path.read_text(), flags=re.S)
    return re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", text, flags=re.S)


@named(TEMPLATES)
def test_B3_no_template_holds_inline_style_handler_or_script(path: Path) -> None:
    text = markup(path)
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"\son[a-z]+\s*=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert "javascript:" not in text


@named(TEMPLATES)
def test_every_template_compiles_and_every_class_has_a_rule(path: Path) -> None:
    get_template(str(path.relative_to(ROOT / "templates")))
    known = set(re.findall(r"\.([a-zA-Z][\w-]*)", CSS))
    literal = re.sub(r"\{%[^%]*%\}|\{\{[^}]*\}\}", "\0", path.read_text())
    used = {name for value in re.findall(r'class="([^"]*)"', literal) for name in value.split()}
    assert {name for name in used if "\0" not in name and name not in known} == set()


@pytest.mark.parametrize(
    "source",
    [
        "{% pill x %}",
        "{% copyable x label=x %}",
        "{% avatar x image=x %}",
        "{% json_view x %}",
        "{% json_view payload %}",
        "{% diff before after %}",
        "{% button aria_label=x %}{{ x }}{% endbutton %}",
        "{% linkbutton x %}{{ x }}{% endlinkbutton %}",
        "{% alert title=x %}{{ x }}{% endalert %}",
        "{% card title=x lead=x %}{{ x }}{% endcard %}",
        "{% dialog x x %}{{ x }}{% enddialog %}",
        "{% code label=x %}{{ x }}{% endcode %}",
        "{% empty x %}{{ x }}{% endempty %}",
        "{% tabs items label=x %}",
        "{% icon x label=x %}",
        "{% load charts %}{% line_chart series labels x %}{% stacked_bars series labels x %}",
        "{% load charts %}{% heat_row values labels x %}{% sparkline values x %}",
        '{% include "elements/secret.html" with value=x label=x done_url=x %}',
        '{% include "elements/timeline.html" with items=events %}',
        '{% include "elements/definition_list.html" with rows=rows %}',
        '{% include "elements/danger_act.html" with id="a" title=x text=x label=x action=x confirm_name=x %}',
        '{% include "elements/nav.html" %}',
    ],
)
def test_B3_hostile_text_is_inert_in_every_element(source: str) -> None:
    html = render(
        source,
        x=PAYLOAD,
        payload={PAYLOAD: PAYLOAD},
        before={PAYLOAD: PAYLOAD},
        after={PAYLOAD: "ok"},
        items=[{"label": PAYLOAD, "url": PAYLOAD}],
        events=[{"text": PAYLOAD, "at": datetime.now(UTC), "meta": [PAYLOAD]}],
        rows=[{"label": PAYLOAD, "value": PAYLOAD, "kind": "copy"}],
        nav=[{"label": PAYLOAD, "items": [{"label": PAYLOAD, "url": PAYLOAD}]}],
        series=[{"label": PAYLOAD, "values": [1]}],
        labels=[PAYLOAD],
        values=[1],
    )
    assert "<script" not in html
    assert "<img src=x" not in html


@pytest.mark.parametrize("attribute", ["style='x'", "onclick='x'", "onMouseOver='x'"])
def test_B3_a_tag_refuses_what_the_policy_blocks(attribute: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        render(f"{{% button {attribute} %}}x{{% endbutton %}}")


def test_B3_each_tenant_has_its_own_colours_and_a_stranger_has_none() -> None:
    acme, northwind, stranger = entrance(ACME), entrance(NORTHWIND), entrance(STRANGER)
    assert "--brand:#7c2d12" in acme and "#fde047" not in acme
    assert "--brand:#fde047" in northwind and "#7c2d12" not in northwind
    assert "<style" not in stranger
    assert "favicon-test.svg" in northwind and "TEST" in northwind
    assert "favicon-test.svg" not in acme


@pytest.mark.parametrize(
    "brand", ["red;}body{display:none", "#12345", "url(//evil.example)", "#fff}</style><script>", "", None, 7]
)
def test_B3_a_colour_that_is_not_hexadecimal_writes_nothing(brand: Any) -> None:
    assert "<style" not in entrance({"branding": {"brand": brand}})


def test_B3_without_a_nonce_no_style_is_written() -> None:
    assert "<style" not in entrance(ACME, nonce="")


def test_an_illegible_ink_is_replaced() -> None:
    html = entrance({"branding": {"brand": "#fde047", "brand_ink": "#ffffff"}})
    assert "--brand-ink:#0b1210" in html


@pytest.mark.parametrize("brand", ["#000000", "#ffffff", "#7f7f7f", "#ff0000", "#fde047", "#1e3a8a"])
@pytest.mark.parametrize("ground", [colour.LIGHT_SURFACE, colour.DARK_SURFACE])
def test_any_brand_colour_reads_as_link_and_button(brand: str, ground: str) -> None:
    assert colour.contrast(colour.legible(brand, ground), ground) >= 4.5
    assert colour.contrast(colour.ink_on(brand), brand) >= 4.5


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground", "ratio"),
    [
        *[
            (ink, ground, 4.5)
            for ink in ("ink", "ink-2", "ink-3")
            for ground in ("canvas", "surface", "sunken", "raised")
        ],
        *[(tone, f"{tone}-soft", 4.5) for tone in ("ok", "warn", "bad", "note")],
        ("brand-ink", "brand", 4.5),
        ("brand-ink", "brand-hover", 4.5),
        ("brand-text", "surface", 4.5),
        ("brand-text", "brand-soft", 4.5),
        ("danger-ink", "danger", 4.5),
        ("test-ink", "test", 4.5),
        ("field-line", "surface", 3),
        ("focus", "canvas", 3),
        *[(f"series-{n}", "surface", 3) for n in (1, 3, 4, 5, 6)],
    ],
)
def test_tokens_reach_wcag_contrast(ink: str, ground: str, ratio: float, side: int) -> None:
    assert colour.contrast(token(ink, side), token(ground, side)) >= ratio


def token(name: str, side: int) -> str:
    found = re.search(rf"--{name}: (?:light-dark\((#\w+), (#\w+)\)|(#\w+));", CSS)
    assert found, name
    return found[3] or found[side + 1]


def test_every_icon_named_in_a_template_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([a-z-]+)"', (ROOT / "static/img/icons.svg").read_text()))
    named_icons = {
        name
        for path in TEMPLATES
        for name in re.findall(r"""(?:icon |icon=|action_icon=)["']([a-z-]+)["']""", path.read_text())
    }
    assert named_icons - drawn == set()


class Sample(forms.Form):
    email = forms.EmailField(help_text="Work address")
    note = forms.CharField(required=False)
    kind = forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect)


def test_a_field_is_labelled_described_and_filled_by_browsers() -> None:
    html = render("{% field form.email %}", form=Sample())
    assert '<label class="field__label" for="id_email">' in html
    assert 'aria-describedby="id_email_help"' in html and 'id="id_email_help"' in html
    assert 'autocomplete="email"' in html
    assert "optional" not in html
    assert "optional" in render("{% field form.note %}", form=Sample())


def test_a_refused_field_says_so_to_everyone() -> None:
    form = Sample({"email": PAYLOAD, "kind": "z"})
    html = render("{% form_errors form %}{% field form.email %}{% field form.kind cards=True %}", form=form)
    assert 'role="alert"' in html and '<a href="#id_email">' in html
    assert 'aria-invalid="true"' in html and 'aria-describedby="id_email_help id_email_error"' in html
    assert 'id="id_kind_error"' in html
    assert "<script" not in html


def test_a_form_without_errors_has_no_summary() -> None:
    assert render("{% form_errors form %}", form=Sample()).strip() == ""


def test_a_state_is_more_than_a_colour() -> None:
    assert "pill--warn" in render('{% pill "past_due" %}') and "Past due" in render('{% pill "past_due" %}')
    assert wording.tone_of("something_new") == ""


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(seconds=-20), "just now"),
        (timedelta(minutes=-1), "1 minute ago"),
        (timedelta(hours=-3), "3 hours ago"),
        (timedelta(days=2, hours=1), "in 2 days"),
        (timedelta(days=-800), "2 years ago"),
    ],
)
def test_relative_times_read_as_words(distance: timedelta, words: str) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    assert wording.relative(now + distance, now) == words


def test_a_chart_has_titles_and_a_table_and_survives_nothing() -> None:
    source = "{% load charts %}{% line_chart s l 'Sign-ins' %}{% stacked_bars s l 'Sign-ins' %}"
    html = render(source, s=[{"label": "Passkey", "values": [1, None, 4000]}], l=["Mon", "Tue", "Wed"])
    assert "<title>Wed\nPasskey: 4,000</title>" in html and "<table" in html
    for empty in ([], [{"label": "x", "values": []}], [{"label": "x", "values": [0, 0]}]):
        assert "NaN" not in render(source, s=empty, l=["a", "b"][: len(empty[0]["values"])] if empty else [])


@pytest.mark.parametrize("highest", [0, 1, 3, 7, 99, 101, 4321, 0.3, 12.5])
def test_the_axis_reaches_over_the_highest_value(highest: float) -> None:
    assert charts.ceiling(highest) >= highest
    assert charts.ticks(charts.ceiling(highest))[-1] == 0


@pytest.mark.parametrize("highest", [1, 3, 7, 11, 46, 99, 101, 632, 4321])
def test_the_axis_of_a_count_names_whole_numbers(highest: int) -> None:
    top = charts.ceiling(highest)
    assert all(isinstance(tick, int) for tick in charts.ticks(top))
    assert top <= max(2 * highest, charts.TICKS)


@pytest.mark.parametrize("name", ["400", "403", "404", "410", "429", "500", "503", "problem"])
def test_error_pages_need_neither_request_nor_context(name: str) -> None:
    html = render_to_string(f"errors/{name}.html")
    assert "<h1" in html and "Go to the start page" in html


def test_B3_an_error_page_shows_cause_and_request_id_and_nothing_active() -> None:
    problem = SimpleNamespace(title=PAYLOAD, detail=PAYLOAD, fix=PAYLOAD, code="x", status=400, errors=())
    html = render_to_string("errors/problem.html", {"problem": problem, "request_id": "req_01kb5"})
    assert "req_01kb5" in html
    assert "<script>alert" not in html and "<img src=x" not in html


@pytest.mark.parametrize("page", PAGES)
def test_the_style_guide_renders_every_page(page: str) -> None:
    answer = styleguide(RequestFactory().get("/styleguide", {"page": page}))
    assert answer.status_code == 200
    assert "style=" not in answer.content.decode()


def test_the_style_guide_is_absent_in_production() -> None:
    with override_settings(PRODUCTION=True), pytest.raises(Http404):
        styleguide(RequestFactory().get("/styleguide"))


@pytest.mark.parametrize(
    ("cookie", "kept"), [("dark", True), ("light", True), ('"><script>', False), ("", False)]
)
def test_only_a_known_theme_reaches_the_page(cookie: str, kept: bool) -> None:
    request = RequestFactory().get("/")
    request.COOKIES["theme"] = cookie
    html = render_to_string("layouts/entrance.html", {}, request)
    assert ("data-theme=" in html) is kept
