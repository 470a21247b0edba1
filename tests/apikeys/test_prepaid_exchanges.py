"""R14: exchanges paid for in advance are neither lost nor used twice, however many calls pay at once."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from apikeys import exchange


def test_R14_calls_that_pay_at_once_keep_every_payment(monkeypatch):
    paid = []

    def pay(tenant, subjects, limit, cost=1):
        time.sleep(0.002)  # as long as the others need to find nothing paid either
        paid.append(cost)

    monkeypatch.setattr(exchange, "_spend", pay)
    key = SimpleNamespace(id=uuid.uuid4(), tenant_id=uuid.uuid4(), public_id="ak_x", subject="sa_x")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: exchange._spend_on(key), range(200)))
    assert sum(paid) - exchange._prepaid.pop(key.id) == 200
