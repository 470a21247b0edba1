"""Refusals about people and their sign-ins."""

from __future__ import annotations

from core.errors import Problem


class AddressTaken(Problem):
    """Only said to someone who has proved that the address is theirs."""

    code, status, simple = "address_taken", 409, "conflict"
    title = "This address already has an account"
    fix = "Sign in with it, or recover the password if you have forgotten it."


class DisposableMail(Problem):
    """Said by the address alone, whether or not there is an account."""

    code, status, simple = "disposable_mail", 403, "forbidden"
    title = "Your mail provider is not accepted here"
    fix = "Use an address that you keep: this one belongs to a provider of throw-away addresses."


class PasswordRefused(Problem):
    """`errors` lists what is wrong with the new password."""

    code, status, simple = "password_refused", 400, "invalid_request"
    title = "Choose another password"
    fix = "Mend what is listed and try again."


class ClaimRefused(Problem):
    code, status, simple = "claim_refused", 400, "invalid_request"
    title = "This code is not right"
    fix = "Type the six digits of the newest mail, or ask for a new one."


class LastAddress(Problem):
    code, status, simple = "last_address", 409, "conflict"
    title = "An account needs a primary address"
    fix = "Make another address the primary one first."


class AddressesUnsettled(Problem):
    """The other addresses were added lately, in a sign-in by the password alone."""

    code, status, simple = "addresses_unsettled", 409, "conflict"
    title = "Your other addresses are too new"
    fix = "Wait until a week after they were added: this one can still take the account back."


class FactorDemanded(Problem):
    """`extra["services"]` names those that demand it."""

    code, status, simple = "factor_demanded", 409, "conflict"
    title = "A service demands this authenticator"
    fix = "Add another one first, then remove this one."


class LastWayIn(Problem):
    code, status, simple = "last_way_in", 409, "conflict"
    title = "Nothing else of yours opens your account"
    fix = "Set a password first, or add another passkey."


class FactorNeeded(Problem):
    """The password is too short to be the only factor (AUT-03)."""

    code, status, simple = "factor_needed", 409, "conflict"
    title = "Your password is too short to stand alone"
    fix = "Choose one of at least 15 characters first, or add another second factor."


class WrongFactor(Problem):
    """A code or passkey that proves nothing; which check failed is not said."""

    code, status, simple = "wrong_factor", 400, "unauthorized"
    title = "That did not work"
    fix = "Try again with the newest code, or another authenticator."


class AuthenticatorRefused(Problem):
    """What was sent to register an authenticator does not hold."""

    code, status, simple = "authenticator_refused", 400, "invalid_request"
    title = "The authenticator could not be added"
    fix = "Start again, on this page and in this browser."


class InvalidNumber(Problem):
    code, status, simple = "invalid_number", 400, "invalid_request"
    title = "This is no phone number that can be reached"
    fix = "Write it with its country code, such as +49 30 901820."


class ContactTaken(Problem):
    code, status, simple = "contact_taken", 409, "conflict"
    title = "This is linked already"
    fix = "It belongs to this account or to another one. Unlink it there first."


class InvalidWallet(Problem):
    code, status, simple = "invalid_wallet", 400, "invalid_request"
    title = "This is no address of an Ethereum account"
    fix = "It is 0x and 40 letters and digits. Copy it from the wallet: its capital letters are a checksum."


class WalletRefused(Problem):
    code, status, simple = "wallet_refused", 400, "unauthorized"
    title = "The signature is not right"
    fix = "Sign the message exactly as shown, with the wallet whose address it names."
