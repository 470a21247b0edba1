"""Recovery codes: ten, each good once, shown once, kept as keyed digests only (threat M5)."""

from __future__ import annotations

import secrets as random
import uuid

from core import secrets
from events.services import emit
from identity import authenticators, typed
from identity.authenticator_models import CODE_PURPOSE, good_beside
from identity.errors import WrongFactor
from identity.models import RecoveryCode
from identity.services import describe, person

COUNT = 10
LENGTH = 10  # of 32 signs: 50 bits, and five compares a challenge
ALPHABET = "abcdefghjkmnpqrstuvwxyz023456789"  # no i, l, o or 1


def generate(*, account_id: uuid.UUID, connection_id: uuid.UUID | None = None) -> list[str]:
    """Make ten new codes in the open account scope; the older ones are dead. They are nowhere else.

    Those of a connection are good beside its word only, and leave the person's own as they are.
    """
    codes = ["".join(random.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(COUNT)]
    RecoveryCode.objects.filter(user_id=account_id, connection_id=connection_id).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(
            user_id=account_id, name="", digest=_digest(account_id, code), connection_id=connection_id
        )
        for code in codes
    )
    emit("recovery_codes.generated", actor=person(account_id), object=describe(account_id))
    authenticators.tell(account_id, "recovery_codes_generated", "")
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def use(*, account_id: uuid.UUID, code: str, connection_id: uuid.UUID | None = None) -> None:
    """Use a code up in the open account scope; raises WrongFactor."""
    given = typed.bare(code).lower()[: 2 * LENGTH]
    digests = secrets.fingerprints(RecoveryCode.bound(account_id, given), CODE_PURPOSE)
    good = RecoveryCode.objects.filter(good_beside(connection_id), user_id=account_id)
    row = good.filter(digest__in=digests).first()
    if row is None or not row.verify_token(given):
        raise WrongFactor
    left = good.filter(used_at=None).count()
    emit("recovery_codes.used", actor=person(account_id), object={**describe(account_id), "left": left})
    authenticators.tell(account_id, "recovery_code_used", str(left))


def _digest(account_id: uuid.UUID, code: str) -> str:
    return secrets.fingerprint(RecoveryCode.bound(account_id, code), CODE_PURPOSE)
