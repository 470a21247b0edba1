"""Why a token was not accepted: for logs and for choosing the public answer, which stays coarse."""

from __future__ import annotations


class TokenError(Exception):
    """`code`: too_large, malformed, critical_header, wrong_type, unknown_key, wrong_algorithm, bad_signature,
    bad_key, expired, not_yet_valid, too_old or missing_claim."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
