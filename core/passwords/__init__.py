"""Passwords: hashing behind a bound, the policy for new ones, and the offline list of known ones."""

from .breached import is_breached
from .hashing import MAX_LENGTH, Argon2idHasher, FastArgon2idHasher, HasherBusy, burn, normalise
from .policy import (
    SOLE_FACTOR_LENGTH,
    Finding,
    PasswordRules,
    Strength,
    check_password_policy,
    needs_factor,
    strength,
    too_short,
)

__all__ = [
    "MAX_LENGTH",
    "SOLE_FACTOR_LENGTH",
    "Argon2idHasher",
    "FastArgon2idHasher",
    "Finding",
    "HasherBusy",
    "PasswordRules",
    "Strength",
    "burn",
    "check_password_policy",
    "is_breached",
    "needs_factor",
    "normalise",
    "strength",
    "too_short",
]
