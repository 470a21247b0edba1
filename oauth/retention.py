"""What is past its time gives its space back; none of it decides anything (promise R20)."""

from __future__ import annotations

from core.housekeeping import delete_batch, sweep


@sweep("authorization_codes")
def _codes() -> int:
    """Codes stay a day after they ran out, so that a replay is still known as one."""
    return delete_batch("oauth_grant", "expires < now() - interval '1 day'")


@sweep("refresh_tokens")
def _refresh_tokens() -> int:
    """Used links stay until the family's absolute end: they are how a replay is seen."""
    return delete_batch("oauth_refreshtoken", "expires < now()")


@sweep("device_codes")
def _device_codes() -> int:
    """What was allowed stays a month more: its person sees it and may end it (oauth.device_sign_ins)."""
    old = "expires < now() - interval '31 days'"
    return delete_batch(
        "oauth_devicegrant", f"{old} OR expires < now() - interval '1 day' AND status <> 'approved'"
    )


@sweep("client_assertions")
def _assertions() -> int:
    return delete_batch("oauth_clientassertion", "expires_at < now()")


@sweep("dpop_proofs")
def _proofs() -> int:
    return delete_batch("oauth_dpopproof", "expires_at < now()")


@sweep("pushed_requests")
def _pushed_requests() -> int:
    """A request that was started in time may come to its answer for an hour more."""
    return delete_batch("oauth_pushedrequest", "expires_at < now() - interval '2 hours'")
