"""The message catalogues under `locale/`: what is extracted, how a catalogue is renewed and compiled.

    ./bin/messages           renew every locale/*/LC_MESSAGES/django.po from the sources, compile the .mo files
    ./bin/messages --check   change nothing; name what is missing, and fail when something is

Done with Babel instead of the gettext programs, so that it works wherever the tests do. The compiled files
are kept in the repository: at run time nothing is compiled and Babel is not needed. Refusals
(`core.errors.Problem`) are classes whose `title` and `fix` people read: those are extracted too.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils.translation.template import templatize

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("de",)
# The person's side: hosted pages, portal, mails, refusals. The administrators' dashboard is English.
TEMPLATES = re.compile(
    r"(layouts|elements|signin|portal|emails|errors)/|oauth/(consent|device|sign_out|form_post|not_assigned)"
    r"|invitations/(accept|declined)"
)
PYTHON = re.compile(
    r"(core|identity|signin|portal|mail)/(?!migrations/|api/)|(federation|invitations|organizations|roles)/errors"
    r"|oauth/(authorization|catalogue|claims_request|consent|device|end_session|next_step)"
    r"|invitations/pages|tenants/members"
)
UNDATED = datetime(2000, 1, 1, tzinfo=UTC)
SINGULAR = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURAL = {"ngettext", "ngettext_lazy"}
IN_CONTEXT = {"pgettext", "pgettext_lazy"}
CALL = re.compile(r"\b(?:_|n?gettext|pgettext)\(")
NOISE = re.compile(
    rb'^"(?:[A-Z-]+-Date|Last-Translator|Report-[A-Za-z-]+|Project-[A-Za-z-]+|Language-Team|Generated-By):.*\n',
    re.I | re.M,
)
Message = tuple[str | tuple[str, str], str | None, str]  # what, its context, the file


def messages() -> Iterator[Message]:
    """Yield every message of the sources, file by file."""
    for path in sorted(ROOT.glob("templates/**/*.*")):
        if path.is_file() and TEMPLATES.match(path.relative_to(ROOT / "templates").as_posix()):
            yield from _of_template(path)
    for path in sorted(ROOT.glob("*/**/*.py")):
        if PYTHON.match(name := path.relative_to(ROOT).as_posix()):
            yield from _of_tree(ast.parse(path.read_text()), name)


def _of_template(path: Path) -> Iterator[Message]:
    written = templatize(path.read_text())
    for start in CALL.finditer(written):
        yield from _of_tree(_call_at(written, start.start()), path.relative_to(ROOT).as_posix())


def _call_at(text: str, start: int) -> ast.AST:
    """Return the call that begins at `start`: it ends at the first bracket that makes it whole."""
    end = start
    while True:
        end = text.index(")", end) + 1
        try:
            return ast.parse(text[start:end])
        except SyntaxError:
            continue


def _of_tree(tree: ast.AST, where: str) -> Iterator[Message]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _of_call(node, where)
        elif isinstance(node, ast.ClassDef):
            yield from _of_class(node, where)


def _of_call(node: ast.Call, where: str) -> Iterator[Message]:
    name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
    texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if name in SINGULAR and len(texts) == 1:
        yield texts[0], None, where
    elif name in PLURAL and len(texts) == 2:
        yield (texts[0], texts[1]), None, where
    elif name in IN_CONTEXT and len(texts) == 2:
        yield texts[1], texts[0], where


def _of_class(node: ast.ClassDef, where: str) -> Iterator[Message]:
    """A refusal is a class with `title` or `fix`: both are text of their own, in English at the API."""
    for line in node.body:
        names = {getattr(target, "id", "") for target in getattr(line, "targets", ())}
        names |= {getattr(getattr(line, "target", None), "id", "")}
        value = getattr(line, "value", None)
        if names & {"title", "fix"} and isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value, None, where


def catalogue_path(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    from babel.messages.pofile import read_po

    path = catalogue_path(language)
    return read_po(io.BytesIO(path.read_bytes() if path.exists() else b""), locale=language)


def template() -> Catalog:
    """Return the sources' messages as an empty catalogue."""
    from babel.messages.catalog import Catalog

    found = Catalog(project="Claviger", charset="utf-8", fuzzy=False)
    for what, context, where in messages():
        flags = ["python-format"] if "%(" in str(what) else []
        found.add(what, context=context, locations=[(where, None)], flags=flags)  # type: ignore[list-item]
    return found


def renewed(language: str) -> Catalog:
    """Return the catalogue with the sources' messages; translations of lost ones are dropped."""
    catalogue = read(language)
    catalogue.update(template(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def untranslated(catalogue: Catalog) -> list[str]:
    """Return the ids without a whole, settled translation."""
    return [str(one.id) for one in catalogue if one.id and (one.fuzzy or not _is_whole(one.string))]


def _is_whole(string: Any) -> bool:
    return all(string) if isinstance(string, (tuple, list)) else bool(string)


def compiled(catalogue: Catalog) -> bytes:
    from babel.messages.mofile import write_mo

    catalogue.creation_date = catalogue.revision_date = UNDATED
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def written(catalogue: Catalog) -> bytes:
    """Return the catalogue as text: in the order of ids and without lines, so that merges stay small."""
    from babel.messages.pofile import write_po

    out = io.BytesIO()
    catalogue.fuzzy, catalogue.header_comment = False, f"# Claviger: {catalogue.locale_identifier}"
    write_po(out, catalogue, width=110, sort_output=True, include_lineno=False)
    return NOISE.sub(b"", out.getvalue())


def main(arguments: list[str]) -> int:
    missing = 0
    for language in LANGUAGES:
        catalogue, path = renewed(language), catalogue_path(language)
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(written(catalogue))
            path.with_suffix(".mo").write_bytes(compiled(catalogue))
        lacking = untranslated(catalogue)
        missing += len(lacking)
        sys.stdout.writelines(f"{language}: not translated: {one}\n" for one in lacking)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
