"""The verbs of machine principals: `keys` issues, rotates and revokes; `accounts` names the machines."""

from apikeys.services.accounts import (
    create_service_account,
    delete_service_account,
    disable_service_account,
    enable_service_account,
    update_service_account,
)
from apikeys.services.keys import IssuedKey, issue_key, revoke_key, rotate_key

__all__ = [
    "IssuedKey",
    "create_service_account",
    "delete_service_account",
    "disable_service_account",
    "enable_service_account",
    "issue_key",
    "revoke_key",
    "rotate_key",
    "update_service_account",
]
