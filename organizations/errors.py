"""Refusals of the organizations app."""

from __future__ import annotations

from core.errors import Conflict


class SlugTaken(Conflict):
    code = "slug_taken"
    title = "This short name is taken"
    fix = "Choose another slug; an external id, too, belongs to one organization only."
