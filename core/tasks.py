"""Celery tasks of the kernel: three lines that call the module that knows."""

from __future__ import annotations

from celery import shared_task

from core import housekeeping, jobs, pools


@shared_task(name="core.run_jobs")
def run_jobs() -> None:
    with pools.healing():
        while jobs.run_due():
            pass


@shared_task(name="core.housekeeping")
def run_housekeeping() -> None:
    housekeeping.run()
