"""Events of the audit log itself."""

from __future__ import annotations

from events.registry import declare

declare(
    "audit.exported",
    "The audit log was exported",
    object="audit_export",
    fields={
        "format": {"type": "string", "enum": ["csv"]},
        "entries": {"type": "integer", "minimum": 0},
        "is_complete": "boolean",
        "filters": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "example": {"actor": "sub_…"},
        },
    },
)
declare(
    "audit.sign_ins_traced",
    "Somebody looked why a sign-in failed",
    object="sign_in_trace",
    fields={
        "by": {"type": "string", "enum": ["person", "request"]},
        "entries": {"type": "integer", "minimum": 0},
        "about": "string",
    },
)
