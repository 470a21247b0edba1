"""The catalogue: every declared event is described, exemplified and free of secrets (events.md §2)."""

from __future__ import annotations

import jsonschema
import pytest

from events import registry
from tests.sweeps import each

PERSONAL_FAMILIES = {"user", "identity", "invitation", "thing"}  # thing: these tests' own
DECLARED = registry.every()
META = jsonschema.Draft202012Validator(jsonschema.Draft202012Validator.META_SCHEMA)


@each("declared", DECLARED, ids=lambda declared: declared.name)
def test_every_event_has_description_schema_and_example(declared):
    assert registry.NAME.match(declared.name)
    assert len(declared.description) > 8
    META.validate(declared.schema)
    jsonschema.Draft202012Validator(declared.schema).validate(declared.example)


@each("declared", DECLARED, ids=lambda declared: declared.name)
def test_emails_and_phones_stay_in_their_families(declared):
    named = declared.fields.keys() & {"email", "emails", "phone", "phones"}
    assert not named or declared.family in PERSONAL_FAMILIES


def test_declaring_refuses_what_the_vocabulary_does_not_allow():
    with pytest.raises(ValueError, match="dotted"):
        registry.declare("Thing Created", "Something", object="thing")
    with pytest.raises(ValueError, match="description"):
        registry.declare("thing.silent", " ", object="thing")
    with pytest.raises(ValueError, match="secret"):
        registry.declare("thing.leaky", "A thing leaks", object="thing", fields={"client_secret": "string"})
    registry.declare("thing.twice", "A thing, twice", object="thing")
    registry.declare("thing.twice", "A thing, twice", object="thing")
    with pytest.raises(ValueError, match="twice"):
        registry.declare("thing.twice", "Another thing", object="thing")


def test_wildcards_expand_to_declared_names():
    registry.declare("thing.noisy", "A thing makes noise", object="thing", high_volume=True)
    assert "thing.noisy" in registry.expand(["thing.*"])
    assert "thing.noisy" not in registry.expand(["thing.*"], high_volume=False)
    assert registry.expand(["thing.noisy"], high_volume=False) == ["thing.noisy"]
    assert registry.expand(["nothing.*", "nothing"]) == []
