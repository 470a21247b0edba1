"""Passwords: hashing behind a bound, the policy for new ones, and the offline list of known ones."""

from .breached import is_breached
from .hashing import MAX_LENGTH, Argon2idHasher, FastArgon2idHasher, HasherBusy, burn, normalise
from .policy import Finding, PasswordRules, Strength, check_password_policy, strength

__all__ = [
    "MAX_LENGTH",
    "Argon2idHasher",
    "FastArgon2idHasher",
    "Finding",
    "HasherBusy",
    "PasswordRules",
    "Strength",
    "burn",
    "check_password_policy",
    "is_breached",
    "normalise",
    "strength",
]
