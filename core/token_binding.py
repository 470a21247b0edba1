"""What the tokens for an API must be bound to (RFC 7800): a DPoP key (RFC 9449), a certificate (RFC 8705)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class TokenBinding(StrEnum):
    """What an API resource asks of all its tokens."""

    NONE = "none"
    DPOP = "dpop"
    CERTIFICATE = "certificate"
    EITHER = "either"

    @property
    def takes_dpop(self) -> bool:
        return self in (TokenBinding.DPOP, TokenBinding.EITHER)

    @property
    def takes_certificates(self) -> bool:
        return self in (TokenBinding.CERTIFICATE, TokenBinding.EITHER)

    def is_met_by(self, confirmation: Mapping[str, str] | None) -> bool:
        """Whether a token with this `cnf` will do."""
        if self is TokenBinding.NONE:
            return True
        held = confirmation or {}
        return (self.takes_dpop and "jkt" in held) or (self.takes_certificates and "x5t#S256" in held)
