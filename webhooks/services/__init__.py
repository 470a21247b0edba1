"""The verbs of webhooks: `endpoints` registers and changes receivers, `deliveries` tests and resends."""

from webhooks.services.deliveries import recover_failed, replay, resend, send_test, skip
from webhooks.services.endpoints import (
    CreatedEndpoint,
    create_endpoint,
    delete_endpoint,
    rotate_secret,
    update_endpoint,
)
from webhooks.services.states import enable_endpoint, pause_endpoint, resume_endpoint

__all__ = [
    "CreatedEndpoint",
    "create_endpoint",
    "delete_endpoint",
    "enable_endpoint",
    "pause_endpoint",
    "recover_failed",
    "replay",
    "resend",
    "resume_endpoint",
    "rotate_secret",
    "send_test",
    "skip",
    "update_endpoint",
]
