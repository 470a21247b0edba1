"""Uploaded logos: small PNG or JPEG files, judged by their bytes and never by their name.

SVG is a document that can hold script and references, so it is not taken. What is kept is served with the
type found here, `nosniff`, and a policy that lets nothing run.
"""

from __future__ import annotations

import struct

from core.errors import FieldError, ValidationFailed

MOST_BYTES = 190_000  # in base64 it fits into a body of the API
MOST_PIXELS = 2000
PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive (ITU-T T.81 table B.1)


def check(content: bytes) -> str:
    """Return the media type; raises ValidationFailed for anything that is no small PNG or JPEG."""
    if len(content) > MOST_BYTES:
        raise _refused("too_large", "The file is larger than 190 KB.")
    try:
        kind, width, height = _measure(content)
    except (struct.error, IndexError, ValueError):
        raise _refused("unreadable", "This is no PNG or JPEG picture.") from None
    if not (0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS):
        raise _refused("dimensions", "The picture is wider or higher than 2000 pixels.")
    return kind


def _measure(content: bytes) -> tuple[str, int, int]:
    if (
        content.startswith(PNG)
        and content[12:16] == b"IHDR"
        and content.rstrip(b"\0").endswith(b"IEND\xaeB`\x82")
    ):
        width, height = struct.unpack(">II", content[16:24])
        return "image/png", width, height
    if content.startswith(JPEG) and content.endswith(b"\xff\xd9"):
        return "image/jpeg", *_jpeg_size(content)
    raise ValueError("neither PNG nor JPEG")


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Walk the segments to the frame header (ITU-T T.81 B.2.2)."""
    at = 2
    while content[at] == 0xFF:
        marker = content[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
    raise ValueError("no frame header")


def _refused(code: str, detail: str) -> ValidationFailed:
    return ValidationFailed(errors=[FieldError("/logo", code, detail)])
