"""Parameters: conversion, refusals by name, aliases, absent and empty."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.api.maas.parameters import Param, read
from innkeeper.errors import Invalid
from tests.unit.api.sample import COMPOSE

TABLE = (
    *COMPOSE,
    Param("ratio", "number", minimum=0, maximum=10),
    Param("force", "boolean"),
    Param("tags", "csv"),
    Param("content", "file"),
    Param("mode", choices=("bridge", "passthru")),
    Param("filters", repeated=True),
    Param("power_user", "text", "The user comes with the certificate.", must_equal=()),
)


def refused(*pairs, table=TABLE, other=False):
    """The messages by name."""
    with pytest.raises(Invalid) as caught:
        read(table, pairs, other=other)
    assert all(len(messages) == 1 for messages in caught.value.fields.values())
    return {name: messages[0] for name, messages in caught.value.fields.items()}


def test_absent_and_empty_are_told_apart():
    values = read(TABLE, (("hostname", ""), ("cores", ""), ("tags", ""), ("content", ""), ("mode", "")))
    assert values.sent == {"hostname", "cores", "tags", "content", "mode"}
    assert all(values.empty(name) for name in values.sent)
    assert not values.empty("memory")
    assert (values.text("hostname", "default"), values.text("password", "default")) == ("", "default")
    assert (values.integer("cores"), values.integer("cores", 1), values.integer("memory", 2048)) == (None, 1, 2048)
    assert (values.texts("tags"), values.file("content"), read(TABLE, ()).file("content")) == ((), b"", None)
    assert (values.boolean("force"), values.boolean("force", True), values.number("ratio")) == (None, True, None)


def test_every_kind():
    values = read(
        TABLE,
        (
            ("cores", " 4\n"),
            ("ratio", "2.000000"),
            ("force", "True"),
            ("tags", "a, b,,c"),
            ("content", b"\xff"),
            ("hostname", b"n\xc3\xa9"),
            ("pinned_cores", "0"),
            ("pinned_cores", "1"),
            ("filters", "x"),
            ("filters", "y"),
        ),
    )
    assert (values.integer("cores", 1), values.number("ratio"), values.boolean("force")) == (4, Decimal(2), True)
    assert (values.texts("tags"), values.file("content")) == (("a", "b", "c"), b"\xff")
    assert (values.text("hostname"), values.integers("pinned_cores")) == ("né", (0, 1))
    assert values.texts("filters") == ("x", "y")


def test_a_wrong_name_of_ours_is_a_mistake_of_ours():
    values = read(TABLE, (("cores", "4"),))
    with pytest.raises(KeyError):
        values.text("core")
    with pytest.raises(TypeError, match="cores is of kind integer"):
        values.text("cores")


def test_unknown_names_are_refused_with_a_guess():
    faults = refused(("corse", "4"), ("xyzzy", "1"))
    assert faults["corse"].startswith("unknown parameter; did you mean cores? known: content, cores, ")
    assert "did you mean" not in faults["xyzzy"]
    assert "gpu" not in faults["xyzzy"]
    assert refused(("a", "1"), table=()) == {"a": "unknown parameter; this call takes none."}


def test_all_problems_at_once():
    faults = refused(
        ("cores", "four"), ("memory", "0"), ("hostname", "a"), ("hostname", "b"), ("gpu", "1"), ("zzz", "1"),
        table=(*TABLE, Param("name", required=True)),
    )  # fmt: skip
    assert list(faults) == ["cores", "memory", "hostname", "gpu", "zzz", "name"]
    assert faults["cores"] == "'four' is not a whole number."
    assert faults["memory"] == "0 is too small: at least 1."
    assert faults["hostname"] == "It was sent 2 times, and takes one value."
    assert faults["gpu"] == "GPUs are not composed here."


@pytest.mark.parametrize("word", ["four", "4.0", "4,0", "1_000", "0x4", "٤", "--4", "1e3", "9" * 30, "9" * 9000])
def test_not_an_integer(word):
    assert "cores" in refused(("cores", word))
    assert len(refused(("cores", word))["cores"]) < 120


@pytest.mark.parametrize("word", ["nan", "inf", "-Infinity", "1,5", "1e999", "", "1.5x", "1" * 100])
def test_not_a_number(word):
    assert "ratio" in refused(("ratio", word), table=(Param("ratio", "number", required=True),))


def test_limits():
    assert refused(("cores", "513"))["cores"] == "513 is too large: at most 512."
    assert refused(("ratio", "10.01"))["ratio"] == "10.01 is too large: at most 10."
    assert refused(("ratio", "-0.1"))["ratio"] == "-0.1 is too small: at least 0."
    assert refused(("n", "1"), table=(Param("n", "integer", minimum=10_000_000),))["n"].endswith("at least 10000000.")


@pytest.mark.parametrize("word", ["t", "2", "maybe", "truee"])
def test_not_a_boolean(word):
    assert word in refused(("force", word))["force"]


@pytest.mark.parametrize("pair", [("true", True), ("YES", True), ("On", True), ("1", True), ("False", False)])
def test_booleans(pair):
    assert read(TABLE, (("force", pair[0]),)).boolean("force") is pair[1]
    assert read(TABLE, (("force", "off"),)).boolean("force", True) is False


def test_choices():
    assert refused(("mode", "vepa"))["mode"] == "'vepa' is not one of: bridge, passthru."
    assert read(TABLE, (("mode", "bridge"),)).text("mode") == "bridge"


def test_alias():
    values = read(TABLE, (("power_pass", "x"),))
    assert (values.sent, values.text("password")) == ({"password"}, "x")
    for pairs in ((("power_pass", "x"), ("password", "x")), (("password", "x"), ("power_pass", ""))):
        assert read(TABLE, pairs).text("password") == "x"
        assert read(TABLE, tuple(reversed(pairs))).text("password") == "x"
    faults = refused(("power_pass", "x-secret"), ("password", "y-secret"))
    assert list(faults) == ["password"]
    assert "secret" not in str(faults)
    table = (Param("memory", "integer", maximum=9), Param("mem", alias_of="memory"))
    assert read(table, (("mem", "4"),)).integer("memory") == 4
    assert refused(("mem", "10"), table=table) == {"mem": "10 is too large: at most 9."}
    required = (Param("password", required=True), Param("power_pass", alias_of="password"))
    assert read(required, (("power_pass", "x"),)).text("password") == "x"
    assert list(refused(("power_pass", b"\xff"), table=required)) == ["power_pass"]


def test_must_equal():
    for word in ("", "true", "1"):
        assert read(TABLE, (("skip_commissioning", word),)).sent == {"skip_commissioning"}
    assert "must be empty or true here. Machines" in refused(("skip_commissioning", "false"))["skip_commissioning"]
    assert read(TABLE, (("power_user", ""),)).empty("power_user")
    assert "must be empty here. The user" in refused(("power_user", "root"))["power_user"]


def test_text_that_no_database_keeps():
    assert refused(("hostname", b"\xff")) == {"hostname": "It is not UTF-8 text."}
    assert refused(("hostname", "a\0b")) == {"hostname": "It holds a NUL character."}


def test_other_names():
    values = read((Param("cores", "integer"),), (("cores", "1"), ("b", "2"), ("c", "")), other=True)
    assert (values.sent, values.other) == ({"cores"}, {"b": "2", "c": ""})
    assert list(refused(("b", "1"), ("b", "2"), other=True)) == ["b"]


def test_a_flood_of_names_is_answered_shortly():
    faults = refused(*((f"{i}{'x' * 100_000}", "") for i in range(200)))
    assert len(faults) == 50
    assert max(map(len, faults)) < 100


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_integers_round_trip(number):
    assert read((Param("n", "integer"),), (("n", str(number)),)).integer("n") == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_round_trip(number):
    got = read((Param("n", "number"),), (("n", repr(number)),)).number("n")
    assert got is not None
    assert float(got) == number


@given(
    st.lists(
        st.tuples(st.sampled_from([param.name for param in TABLE]) | st.text(max_size=5), st.text() | st.binary())
    ),
    st.booleans(),
)
def test_anything_is_read_or_refused_by_name(pairs, other):
    try:
        values = read(TABLE, tuple(pairs), other=other)
    except Invalid as error:
        assert set(error.fields) <= {name for name, _ in pairs}  # noqa: PT017
    else:
        assert values.sent | values.other.keys() | {"power_pass"} >= {name for name, _ in pairs}
