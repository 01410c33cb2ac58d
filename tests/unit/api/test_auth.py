"""Keys: foreign and odd headers, wrong ones, and who may do what."""

from __future__ import annotations

import contextlib
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.oauth1 import SIGNATURE_HMAC, SIGNATURE_PLAINTEXT, Client

from innkeeper.api.auth import Actor, Who, parse, permit
from innkeeper.errors import Forbidden, Invalid, Unauthorized
from tests.unit.api.sample import ADMIN, ANN, BOB, client, key

names = st.sampled_from(["oauth_token", "oauth_consumer_key", "oauth_signature", "oauth_nonce", "oauth_version"])
blanks = st.sampled_from(["", " ", "  ", "\t"])


@given(
    claim=st.dictionaries(names, st.text(max_size=20), min_size=1).flatmap(
        lambda claim: st.permutations(list(claim.items()))
    ),
    realm=st.sampled_from(["", 'realm="OAuth"', 'realm="MAAS API"', r'realm="a, oauth_token=\"evil\""', 'realm=""']),
    before=blanks,
    after=blanks,
    scheme=st.sampled_from(["OAuth", "oauth", "OAUTH"]),
)
def test_header_is_read_whatever_its_layout(claim, realm, before, after, scheme):
    pairs = [f'{name}="{quote(value, safe="")}"' for name, value in claim]
    header = f"{scheme} " + f"{before},{after}".join(([realm] if realm else []) + pairs)
    assert parse(header) == dict(claim)


@given(st.text(max_size=200))
def test_header_of_any_text_is_refused_at_worst(text):
    with contextlib.suppress(Invalid):
        assert all(name.startswith("oauth_") for name in parse(f"OAuth {text}"))


def test_header_without_quotes_and_with_raw_ampersand():
    assert parse("OAuth oauth_token=t,oauth_signature=&s") == {"oauth_token": "t", "oauth_signature": "&s"}
    assert parse('OAuth oauth_signature="&s"')["oauth_signature"] == "&s"
    assert parse('OAuth oauth_signature="%26s"')["oauth_signature"] == "&s"


def test_other_schemes_are_not_ours():
    assert parse("") == parse("Basic abc") == parse("Bearer oauth_token=x") == {}


def test_long_words_do_not_cost_their_square():
    assert parse("OAuth " + "a" * 200_000) == {"oauth_token": ""}


def test_a_name_twice_is_refused():
    with pytest.raises(Invalid, match="oauth_token twice"):
        parse('OAuth oauth_token="a", oauth_token="b"')


@pytest.mark.parametrize("realm", [None, "OAuth", "MAAS API"])
async def test_oauthlib_is_understood(realm):
    signer = Client("c2", "", "t2", "s2", signature_method=SIGNATURE_PLAINTEXT, realm=realm)
    _, headers, _ = signer.sign("http://inn:5240/MAAS/api/2.0/vm-hosts/")
    async with client() as http:
        assert (await http.get("/vm-hosts/", headers=headers)).status_code == 200


@pytest.mark.parametrize("place", ["query", "body"])
async def test_key_in_query_or_body_is_used_and_stripped(place):
    signer = Client("c1", "", "t1", "s1", signature_method=SIGNATURE_PLAINTEXT, signature_type=place.upper())
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    url, headers, body = signer.sign("http://inn:5240/MAAS/api/2.0/vm-hosts/", "POST", "name=a", form)
    async with client() as http:
        answer = await http.post(url, headers=headers, content=body)
    assert (answer.status_code, answer.json()["actor"], answer.json()["sent"]) == (200, "root", ["name"])


@pytest.mark.parametrize(
    "headers",
    [
        key(ANN, oauth_signature="%26wrong"),
        key(ANN, oauth_signature="s2"),
        key(ANN, oauth_signature="%26"),
        key(ANN, oauth_signature="x%26s2"),
        key(ANN, oauth_signature="%26%C3%A9"),
        key(ANN, oauth_token="nobody"),
        {"Authorization": "OAuth"},
        {"Authorization": "OAuth hello"},
    ],
)
async def test_wrong_keys(headers):
    async with client() as http:
        answer = await http.get("/vm-hosts/", headers=headers)
    assert (answer.status_code, answer.text) == (401, "Authorization Error: Invalid API key.")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["www-authenticate"].startswith("OAuth ")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic abc"}])
async def test_no_key(headers):
    async with client() as http:
        for answer in (await http.get("/vm-hosts/", headers=headers), await http.post("/vm-hosts/", headers=headers)):
            assert answer.status_code == 401
            assert "needs an API key" in answer.text
            assert "www-authenticate" in answer.headers


async def test_only_plaintext_signatures():
    signer = Client("c2", "", "t2", "s2", signature_method=SIGNATURE_HMAC)
    _, headers, _ = signer.sign("http://inn:5240/MAAS/api/2.0/vm-hosts/")
    async with client() as http:
        answer = await http.get("/vm-hosts/", headers=headers)
    assert answer.status_code == 401
    assert "PLAINTEXT" in answer.text


async def test_timestamp_is_parsed_and_not_enforced():
    async with client() as http:
        for stamp in ("0", "99999999999"):
            for _ in range(2):  # the same nonce again
                answer = await http.get("/vm-hosts/", headers=key(ANN, oauth_timestamp=stamp))
                assert answer.status_code == 200
        for stamp in ("yesterday", "", "1.5"):
            answer = await http.get("/vm-hosts/", headers=key(ANN, oauth_timestamp=stamp))
            assert (answer.status_code, "oauth_timestamp" in answer.text) == (400, True)
        header = key(ANN)["Authorization"].replace('oauth_timestamp="1700000000", ', "")
        assert (await http.get("/vm-hosts/", headers={"Authorization": header})).status_code == 200


async def test_a_wrong_key_does_not_matter_where_none_is_asked_for():
    async with client() as http:
        assert (await http.get("/version/", headers=key(ANN, oauth_signature="%26no"))).status_code == 200


SOMEBODY = Actor(user_id=9, username="eve", is_admin=False)


@pytest.mark.parametrize(
    ("actor", "who", "owner_id", "outcome"),
    [
        (None, Who.ANONYMOUS, None, None),
        (None, Who.USER, None, Unauthorized),
        (None, Who.OWNER, 2, Unauthorized),
        (None, Who.ADMIN, None, Unauthorized),
        (ANN, Who.ANONYMOUS, None, None),
        (ANN, Who.USER, None, None),
        (ANN, Who.OWNER, 2, None),
        (ANN, Who.OWNER, 3, Forbidden),
        (ANN, Who.OWNER, None, Forbidden),
        (ANN, Who.ADMIN, 2, Forbidden),
        (ADMIN, Who.USER, None, None),
        (ADMIN, Who.OWNER, 2, None),
        (ADMIN, Who.OWNER, None, None),
        (ADMIN, Who.ADMIN, None, None),
    ],
)
def test_permit(actor, who, owner_id, outcome):
    if outcome is None:
        permit(actor, who, owner_id=owner_id)
    else:
        with pytest.raises(outcome):
            permit(actor, who, owner_id=owner_id)


@pytest.mark.parametrize(
    ("owner_id", "composer_id", "outcome"),
    [(None, 2, None), (None, 3, Forbidden), (None, None, Forbidden), (2, 3, None), (3, 2, Forbidden)],
)
def test_who_composed_a_machine_may_act_on_it_while_nobody_owns_it(owner_id, composer_id, outcome):
    assert ANN.user_id == 2
    if outcome is None:
        permit(ANN, Who.OWNER, owner_id=owner_id, composer_id=composer_id)
    else:
        with pytest.raises(outcome):
            permit(ANN, Who.OWNER, owner_id=owner_id, composer_id=composer_id)


async def test_forbidden_says_who_may():
    async with client(headers=key(BOB)) as http:
        answer = await http.post("/vm-hosts/", data={"name": "a"})
        assert (answer.status_code, "administrators" in answer.text) == (403, True)
        answer = await http.post("/machines/anns/?op=power_on")
        assert (answer.status_code, "owner or an administrator" in answer.text) == (403, True)
    for actor in (ANN, ADMIN):
        async with client(headers=key(actor)) as http:
            assert (await http.post("/machines/anns/?op=power_on")).json() == actor.username
