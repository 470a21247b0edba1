"""RFC 7636: proof key for code exchange, S256 always (OAU-02, RFC 9700 §2.1.1)."""

from __future__ import annotations

import pytest

from tests.oauth.helpers import flow, pkce, query_of


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None},
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},  # §4.3: absent means plain
        {"code_challenge_method": "s256"},
        {"code_challenge": "short"},
        {"code_challenge": "x" * 128},
        {"code_challenge": "!" * 43},
    ],
)
@pytest.mark.parametrize("type", ["web", "spa"])
def test_missing_plain_and_malformed_challenges_are_refused(cast, type, changes):
    """§4.4.1: invalid_request."""
    answer = flow(cast.member, type).start(**changes)
    assert answer.status_code == 302
    assert query_of(answer.headers["Location"])["error"] == "invalid_request"


def test_O3_wrong_verifier_is_invalid_grant(cast):
    """§4.6."""
    run = flow(cast.member)
    code = run.code()
    assert run.redeem(code, code_verifier=pkce()[0]).json()["error"] == "invalid_grant"
    assert run.redeem(code).status_code == 200


@pytest.mark.parametrize("verifier", [None, ""])
def test_missing_verifier_is_refused(cast, verifier):
    """§4.6: as a wrong one."""
    run = flow(cast.member)
    assert run.redeem(run.code(), code_verifier=verifier).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("verifier", ["short", "x" * 129, "ä" * 43, "spaces in it" * 5])
def test_malformed_verifier_is_refused(cast, verifier):
    """§4.1: 43 to 128 unreserved characters."""
    run = flow(cast.member)
    assert run.redeem(run.code(), code_verifier=verifier).json()["error"] == "invalid_grant"


def test_challenge_of_the_rfc_is_ours():
    """Appendix B."""
    from oauth.code_grant import challenge_of

    assert (
        challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )
