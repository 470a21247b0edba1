"""The kill test: `python -m tests.torture --rounds 3`. Exit status 1 when a promise was broken."""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from embedded.installation import Installation
from tests.torture import victims
from tests.torture.accounts import Check, checks
from tests.torture.load import Load, Target
from tests.torture.receiver import Receiver

BACK_SECONDS = 60.0  # the longest that writes may stay refused after a kill


def main() -> int:
    options = parse()
    random.seed(options.seed)
    receiver = Receiver()
    receiver.start()
    with TemporaryDirectory(prefix="cv-torture-") as home:
        allowed = {"OUTBOUND_ALLOW": f"127.0.0.1:{receiver.port}"}
        installation = Installation(Path(home), variables=allowed)
        try:
            with installation:
                return torture(installation, receiver, options)
        finally:
            if options.log:
                Path(options.log).write_bytes(installation.log.read_bytes())


def torture(installation: Installation, receiver: Receiver, options: argparse.Namespace) -> int:
    targets = [target_of(installation, name) for name in ("acme", "globex")]
    for target in targets:
        register(target, receiver)
    load = Load(targets, writers=options.writers)
    load.start()
    started = time.monotonic()
    times: dict[str, list[float]] = {victim: [] for victim in victims.VICTIMS}
    for _ in range(options.rounds):
        for victim in random.sample(victims.VICTIMS, len(victims.VICTIMS)):
            time.sleep(random.uniform(0.5, 2.0))
            times[victim].append(strike(installation, load, victim))
    time.sleep(1)
    load.stop()
    print(f"{len(load.writes)} writes in {time.monotonic() - started:.0f} s; now counting.\n", flush=True)
    report_kills(times)
    found = list(checks(installation, load, receiver, targets))
    report_checks(found)
    slow = [victim for victim, seconds in times.items() if max(seconds, default=0) >= BACK_SECONDS]
    return int(bool(slow) or any(check.broken for check in found))


def target_of(installation: Installation, tenant: str) -> Target:
    made = installation.demo["tenants"][tenant]
    return Target(tenant, made["api"], made["api_keys"]["admin"])


def register(target: Target, receiver: Receiver) -> None:
    """Register the receiver as a webhook endpoint of the tenant, for the events of the writes."""
    answer = httpx.post(
        f"{target.api}/webhook-endpoints",
        headers={"X-API-Key": target.key},
        json={"url": receiver.address(target.tenant), "events": ["user.created", "organization.created"]},
    )
    receiver.secrets[target.tenant] = answer.raise_for_status().json()["secret"]


def strike(installation: Installation, load: Load, victim: str) -> float:
    """Kill a component; return the seconds until it was back and a write begun since was acknowledged."""
    moment = time.monotonic()
    killed = victims.kill(installation, victim)
    while time.monotonic() - moment < BACK_SECONDS:
        acknowledged = load.acknowledged_after(moment)
        if acknowledged is not None and victims.is_back(installation, victim, killed):
            return max(acknowledged - moment, 0.0)
        time.sleep(0.05)
    print(
        f"{victim} (process {killed}) was not back in {BACK_SECONDS:.0f} s:\n{installation.tail(15)}",
        flush=True,
    )
    return BACK_SECONDS


def report_kills(times: dict[str, list[float]]) -> None:
    print(f"{'killed with -9':<16}{'times':>6}{'writes back, median':>22}{'worst':>10}")
    for victim, seconds in times.items():
        print(f"{victim:<16}{len(seconds):>6}{statistics.median(seconds):>20.1f} s{max(seconds):>8.1f} s")
    print()


def report_checks(found: list[Check]) -> None:
    width = max(len(check.promise) for check in found) + 2
    print(f"{'promise':<{width}}{'counted':>9}{'broken':>8}")
    for check in found:
        print(f"{check.promise:<{width}}{check.counted:>9}{check.broken:>8}")
    for check in found:
        if check.broken:
            print(f"\n{check.promise}:", *check.examples[:5], sep="\n  ")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./bin/torture", description="Kill processes under load and count.")
    parser.add_argument("--rounds", type=int, default=3, help="kills of each component (default 3)")
    parser.add_argument("--writers", type=int, default=6, help="writers at the same time (default 6)")
    parser.add_argument("--seed", type=int, default=None, help="repeat the order of an earlier run")
    parser.add_argument("--log", help="keep the supervisor's output in this file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
