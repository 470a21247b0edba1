"""The person's picture: kept without what a camera writes into it, in the open account scope.

The door has checked that the bytes are a small PNG or JPEG.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator

from core.errors import FieldError, ValidationFailed
from events.services import emit
from identity.models import Picture
from identity.services import describe, person

PNG = b"\x89PNG\r\n\x1a\n"
# What a picture needs to look as it does; place, time, camera and words are in the other chunks.
CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs"}
SCAN, END = 0xDA, 0xD9
METADATA = {0xFE, *range(0xE1, 0xEE), 0xEF}  # comments and APP segments but for JFIF (0) and Adobe (14)


def of(account_id: uuid.UUID) -> Picture | None:
    return Picture.objects.filter(account_id=account_id).first()


def choose(*, account_id: uuid.UUID, content: bytes, media_type: str) -> Picture:
    """Keep another picture instead of the one before. Raises ValidationFailed for one that cannot be read."""
    try:
        clean = plain(content)
    except (struct.error, IndexError):
        detail = "This is no PNG or JPEG picture."
        raise ValidationFailed(errors=[FieldError("/picture", "unreadable", detail)]) from None
    row, _ = Picture.objects.update_or_create(
        account_id=account_id, defaults={"content": clean, "media_type": media_type}
    )
    emit("account.picture.changed", actor=person(account_id), object=describe(account_id))
    return row


def remove(*, account_id: uuid.UUID) -> None:
    if Picture.objects.filter(account_id=account_id).delete()[0]:
        emit("account.picture.removed", actor=person(account_id), object=describe(account_id))


def plain(content: bytes) -> bytes:
    """Return a PNG or JPEG file without its metadata: phones write where a picture was taken."""
    if content.startswith(PNG):
        return PNG + b"".join(_chunks(content))
    return b"\xff\xd8" + b"".join(_segments(content))


def _chunks(content: bytes) -> Iterator[bytes]:
    """Yield the chunks that are needed (PNG, 3rd edition, 5.3)."""
    at = len(PNG)
    while at + 12 <= len(content):
        end = at + 12 + struct.unpack(">I", content[at : at + 4])[0]
        if content[at + 4 : at + 8] in CHUNKS:
            yield content[at:end]
        at = end


def _segments(content: bytes) -> Iterator[bytes]:
    """Yield the segments that are needed; from the scan on everything is picture (ITU-T T.81 B.1.1.4)."""
    at = 2
    while content[at + 1] not in (SCAN, END):
        end = at + 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
        if content[at + 1] not in METADATA:
            yield content[at:end]
        at = end
    yield content[at:]
