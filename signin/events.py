"""How people come in; in the tenant's stream, and in the person's own where it is known."""

from __future__ import annotations

from events.registry import declare
from identity import methods

CREDENTIAL_CHANGE = "https://schemas.openid.net/secevent/caep/event-type/credential-change"
BESIDE = (methods.CONNECTION, "single_sign_on", "sign_up", "recovery")
METHOD = {"method": {"type": "string", "enum": [*methods.METHODS, *BESIDE]}}
REASON = {"reason": "string"}
MEMBER = {"member": "string"}

declare(
    "signin.succeeded",
    "A person signed in",
    object="session",
    fields={**METHOD, **MEMBER, "acr": "string"},
    high_volume=True,
)
declare(
    "signin.failed", "A sign-in was refused", object="sign_in", fields={**REASON, **MEMBER}, high_volume=True
)
declare("signin.blocked", "Sign-ins were slowed down after many attempts", object="sign_in", fields=REASON)
declare(
    "mfa.succeeded",
    "A person proved a second factor",
    object="sign_in",
    fields={**MEMBER, "method": "string", "acr": "string"},
    high_volume=True,
)
declare(
    "mfa.failed",
    "A second factor was refused",
    object="sign_in",
    fields={**MEMBER, **REASON, "method": "string"},
    high_volume=True,
)
declare("device.trusted", "A person let a browser stand for the second factor", object="device")
declare("signup.completed", "A person signed up and proved their address", object="member")
declare("signup.blocked", "A sign-up was refused by the tenant's policy", object="sign_up", fields=REASON)
declare("recovery.started", "A mail to choose a new password was asked for", object="recovery", fields=MEMBER)
declare(
    "recovery.completed",
    "A person chose a new password by mail; earlier sign-ins ended",
    object="recovery",
    fields=MEMBER,
    signal=CREDENTIAL_CHANGE,
)
declare("recovery.denied", "A recovery link was refused", object="recovery", fields=REASON)
declare(
    "risk.elevated",
    "Something looked wrong about a sign-in",
    object="sign_in",
    fields={
        **REASON,
        **MEMBER,
        "action": {"type": "string", "enum": ["notify", "step_up", "block"]},
        "kilometres": "integer",
        "minutes": "integer",
    },
)
declare(
    "risk.lowered",
    "A sign-in that looked wrong was confirmed by mail",
    object="sign_in",
    fields={**REASON, **MEMBER},
)
declare(
    "attack.brute_force.detected", "Very many wrong tries for one address", object="sign_in", fields=REASON
)
declare(
    "attack.credential_stuffing.detected",
    "Very many wrong tries from one network",
    object="sign_in",
    fields=REASON,
)
declare(
    "attack.bot.detected",
    "Many forms from one network that a program filled in",
    object="sign_in",
    fields=REASON,
)
declare(
    "user.password.compromised",
    "A person signed in with a password that is known from leaks",
    object="account",
    signal="https://schemas.openid.net/secevent/risc/event-type/credential-compromise",
)
