"""One digest, for the variant that shows what the default hasher of client secrets costs."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher
from django.utils.crypto import constant_time_compare


class Digest(BasePasswordHasher):
    algorithm = "digest"

    def salt(self) -> str:
        return "none"

    def encode(self, password: str, salt: str) -> str:
        return f"digest${salt}${hashlib.sha256(password.encode()).hexdigest()}"

    def verify(self, password: str, encoded: str) -> bool:
        return constant_time_compare(self.encode(password, encoded.split("$")[1]), encoded)

    def decode(self, encoded: str) -> dict[str, str]:
        algorithm, salt, digest = encoded.split("$")
        return {"algorithm": algorithm, "salt": salt, "hash": digest}

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        return {"algorithm": self.algorithm}
