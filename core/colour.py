"""Colour arithmetic for tenant branding: strict parsing, WCAG 2.2 contrast, and legible companions.

Only `#rgb` and `#rrggbb` are taken, so that nothing a tenant types can leave the value of a CSS property.
"""

from __future__ import annotations

import re

AA_TEXT = 4.5
LIGHT_SURFACE = "#ffffff"
DARK_SURFACE = "#131a18"

_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.ASCII)


def parse(value: object) -> str | None:
    """Return `value` as lower-case `#rrggbb`; None when it is anything but a hexadecimal colour."""
    text = str(value or "").strip().lower()
    if not _HEX.fullmatch(text):
        return None
    return text if len(text) == 7 else "#" + "".join(digit * 2 for digit in text[1:])


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio, 1 to 21 (WCAG 2.2, 1.4.3)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def ink_on(ground: str) -> str:
    """Return the near-black or white that reads best on `ground`; one of both always reaches AA."""
    return max(("#ffffff", "#0b1210"), key=lambda ink: contrast(ink, ground))


def legible(colour: str, ground: str, ratio: float = AA_TEXT) -> str:
    """Return `colour`, moved towards black or white only as far as `ratio` on `ground` needs."""
    goal = "#000000" if _luminance(ground) > 0.18 else "#ffffff"
    for step in range(21):
        candidate = mix(colour, goal, step / 20)
        if contrast(candidate, ground) >= ratio:
            return candidate
    return goal


def mix(one: str, other: str, share: float) -> str:
    """Return `one` with `share` (0 to 1) of `other` in it, mixed per sRGB channel."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def _luminance(colour: str) -> float:
    linear = [_linear(channel / 255) for channel in _channels(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
