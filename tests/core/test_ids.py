from __future__ import annotations

import os
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import ids


@given(st.uuids())
def test_an_id_reads_back_as_what_was_written(value: uuid.UUID) -> None:
    assert ids.decode("org", ids.encode("org", value)) == value


def test_ids_rise_with_time_and_so_does_their_text() -> None:
    made = [ids.uuid7() for _ in range(2000)]
    assert made == sorted(made)
    assert [ids.encode("x", value) for value in made] == sorted(ids.encode("x", value) for value in made)
    assert {value.version for value in made} == {7}


def test_a_forked_process_makes_other_ids() -> None:
    ids.uuid7()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, ids.uuid7().bytes)
        os._exit(0)
    os.waitpid(child, 0)
    theirs, ours = uuid.UUID(bytes=os.read(reader, 16)), ids.uuid7()
    assert theirs.int & (1 << 62) - 1 != ours.int & (1 << 62) - 1


def test_subjects_do_not_rise() -> None:
    made = [ids.new_subject() for _ in range(50)]
    assert made != sorted(made)
    assert len(set(made)) == 50


@pytest.mark.parametrize(
    "text",
    [
        "",
        "org_",
        "org_short",
        "ORG_" + "0" * 26,
        "org_" + "8" + "0" * 25,
        "org_" + "u" * 26,
        "app_" + "0" * 26,
    ],
)
def test_anything_else_is_malformed(text: str) -> None:
    with pytest.raises(ids.MalformedId):
        ids.decode("org", text)
