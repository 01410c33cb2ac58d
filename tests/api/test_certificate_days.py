"""T05: a client certificate that ends soon is seen in the host and in the metrics; a new one keeps the host's id."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from innkeeper.hypervisors.lxd import certificates
from tests.kit.house import Inn


async def test_T05_days_left_are_shown_and_a_new_certificate_keeps_the_host(house: Inn) -> None:
    ends_soon = certificates.make(name="old", now=datetime.now(UTC) - timedelta(days=3650 - 20))
    host = await house.add_host(certificate=ends_soon.certificate, key=ends_soon.key)
    assert (await house.admin.get(f"vm-hosts/{host}/"))["certificate_days_left"] in (19, 20)
    metrics = (await house.nobody.call("GET", "/metrics")).text
    assert 'innkeeper_host_certificate_days_left{host="alpha"}' in metrics
    renewed = await house.admin.put(f"vm-hosts/{host}/", regenerate_certificate="true")
    assert renewed["id"] == host
    assert renewed["certificate_days_left"] > 3600
