"""Numbers as they are typed: the digits 0 to 9, and no others."""

from __future__ import annotations

import pytest

from innkeeper.api.maas.values import convert
from innkeeper.errors import Invalid
from innkeeper.web import numbers
from innkeeper.web.compose_cores import cores_of


@pytest.mark.parametrize(("typed", "size"), [("20", 20 * 10**9), (" 7.5 ", 7_500_000_000), ("0.000000001", 1)])
def test_sizes(typed: str, size: int) -> None:
    assert numbers.size(typed, field="size") == size


@pytest.mark.parametrize("typed", ["٩", "٩.٥", "", "0", "1e3", "1_000", "-1", "+1", "7,5", "NaN", "9999999999"])
def test_what_is_no_size(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        numbers.size(typed, field="size")
    assert refused.value.fields["size"] == [
        "No storage pool is as large as that." if len(typed) == 10 else numbers.SIZE
    ]


def test_digits_of_other_scripts() -> None:
    assert numbers.is_whole(" 12 ")
    assert not any(map(numbers.is_whole, ("٩", "²", "1.0", "")))
    assert not numbers.is_size("٩")
    with pytest.raises(Invalid):
        cores_of("٩")
    with pytest.raises(ValueError, match="with the digits 0 to 9"):
        convert("integer", "٩")
    with pytest.raises(ValueError, match="with the digits 0 to 9"):
        convert("number", "١.٤")
    with pytest.raises(ValueError, match=r"'four' is not a whole number\.$"):
        convert("integer", "four")
