"""Refusals about people and their sign-ins."""

from __future__ import annotations

from core.errors import Problem


class AddressTaken(Problem):
    """Only said to someone who has proved that the address is theirs."""

    code, status, simple = "address_taken", 409, "conflict"
    title = "This address already has an account"
    fix = "Sign in with it, or recover the password if you have forgotten it."


class AccountInactive(Problem):
    code, status, simple = "account_inactive", 403, "forbidden"
    title = "This account cannot be used"
    fix = "Ask support; tell them the request id."


class WrongPassword(Problem):
    code, status, simple = "wrong_password", 403, "forbidden"
    title = "The password is not right"
    fix = "Type your present password again."


class PasswordRefused(Problem):
    """`errors` lists what is wrong with the new password."""

    code, status, simple = "password_refused", 400, "invalid_request"
    title = "Choose another password"
    fix = "Mend what is listed and try again."


class LastAddress(Problem):
    code, status, simple = "last_address", 409, "conflict"
    title = "An account needs one address"
    fix = "Add another address first."
