"""Doors that need scripts, the browser's own passkeys and wallet among them, and the keyboard alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import Scene
from tests.e2e.holder import Holder
from tests.e2e.relying_party import ARRIVED, RelyingParty
from tests.e2e.test_further_doors import signature
from tests.e2e.test_main_doors import code_of, come_in
from tests.e2e.visitor import Visitor

# What an extension puts into every page (EIP-1193); `signed` is answered by the test.
WALLET = """window.ethereum = {request: ({method, params}) => method === "eth_requestAccounts"
  ? Promise.resolve([window.walletAddress]) : window.signed(params[0])}"""
FOCUS = """() => { const one = document.activeElement, style = getComputedStyle(one)
  return {name: one.labels?.[0]?.textContent.trim() || one.textContent.trim(), tag: one.tagName,
          ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 || style.boxShadow !== "none"}}"""


def test_AUT05_a_passkey_signs_in_by_its_button(
    holder: Holder, people: Scene, application: RelyingParty
) -> None:
    person, tenant = people.somebody("passkey"), people.open
    holder.take(person["credential"])
    holder.ready(False)
    verifier = application.send(holder.visitor, tenant)
    holder.visitor.heading("Sign in")
    holder.wait_for_autofill()
    holder.ready(True)
    holder.visitor.press("Sign in with a passkey")
    claims = come_in(holder.visitor, application, tenant, verifier)
    assert (claims["sub"], claims["acr"]) == (person["subject"], "urn:claviger:acr:phr")
    assert claims["amr"] == ["hwk", "mfa"]


def test_AUT14_a_passkey_is_asked_behind_the_password(
    holder: Holder, people: Scene, application: RelyingParty
) -> None:
    person, tenant = people.somebody("passkey"), people.open
    holder.take(person["credential"])
    holder.ready(False)
    verifier = application.send(holder.visitor, tenant)
    holder.visitor.sign_in(person)
    holder.visitor.heading("Confirm that it is you")
    holder.ready(True)
    holder.visitor.press("Use a passkey")
    assert come_in(holder.visitor, application, tenant, verifier)["amr"] == ["hwk", "pwd", "mfa"]


def test_AUT10_the_browsers_wallet_fills_the_forms(
    visitor: Visitor, people: Scene, application: RelyingParty
) -> None:
    person, tenant = people.somebody("wallet"), people.open
    visitor.context.expose_function(
        "signed", lambda message: signature(person, bytes.fromhex(message.removeprefix("0x")).decode())
    )
    visitor.context.add_init_script(f"window.walletAddress = '{person['wallet']}'; {WALLET}")
    verifier = application.send(visitor, tenant)
    visitor.follow("Sign in with a wallet")
    fill_by_focus(visitor, "wallet")
    visitor.press("Continue")
    visitor.heading("Sign this message")
    fill_by_focus(visitor, "signature")
    visitor.press("Sign in")
    assert come_in(visitor, application, tenant, verifier)["amr"] == ["wallet"]


def fill_by_focus(visitor: Visitor, name: str) -> None:
    field = visitor.page.locator(f"input[name={name}]")
    field.focus()
    visitor.page.wait_for_function("(field) => field.value.startsWith('0x')", arg=field.element_handle())


def test_the_keyboard_alone_completes_a_sign_in(
    visitor: Visitor, people: Scene, application: RelyingParty
) -> None:
    """WCAG 2.1.1, 2.4.7: nothing but Tab, Enter and letters, and the focus is seen at every step."""
    person, tenant, keys = people.somebody("app"), people.open, visitor.page.keyboard
    verifier = application.send(visitor, tenant)
    visitor.heading("Sign in")
    tab_to(visitor, "E-mail address")
    keys.type(person["email"])
    tab_to(visitor, "Continue")
    keys.press("Enter")
    visitor.heading("Enter your password")
    tab_to(visitor, "Password")
    keys.type(person["password"])
    tab_to(visitor, "Sign in")
    keys.press("Enter")
    visitor.heading("Confirm that it is you")
    tab_to(visitor, "Code from your authenticator app")
    keys.type(code_of(person))
    keys.press("Enter")
    visitor.heading("Allow Harbour Desk?")
    tab_to(visitor, "Allow")
    keys.press("Enter")
    visitor.heading(ARRIVED)
    assert application.receive(visitor, tenant, verifier)["amr"] == ["otp", "pwd", "mfa"]


def tab_to(visitor: Visitor, name: str) -> None:
    """Press Tab until the focus is on what has this name; each stop on the way must show that it has it."""
    for _ in range(25):
        focus: dict[str, Any] = visitor.page.evaluate(FOCUS)
        if focus["tag"] != "BODY":
            assert focus["ring"], f"the focus on {focus['tag']} {focus['name']!r} is not seen"
        if focus["name"] == name:
            return
        visitor.page.keyboard.press("Tab")
    pytest.fail(f"{name!r} is not reached by Tab")
