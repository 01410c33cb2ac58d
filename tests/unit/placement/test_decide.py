"""The fleet's decision: a verdict for every host, the best of those that fit, and never one that does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from innkeeper.model import capacity
from innkeeper.model.allocation import Wish
from innkeeper.model.constraints import GB, DiskRequest
from innkeeper.model.host import HostInterface, Inventory
from innkeeper.placement.decide import Standing, decide, headroom
from innkeeper.placement.fit import Candidate, Fit, Reason, fit

POOL = capacity.storage(name="p", total=1000 * GB, ratio=1.0, written=0, foreign=0, claimed=0, others=0)
BRIDGE = HostInterface(name="br0", kind="bridge", managed=True, dhcp=True)


def standing(id: int = 1, *, cores: int = 16, used: int = 0, memory: int = 65536, **more: Any) -> Standing:
    """A host of that many cores, of which so many are used."""
    about = {"closed", "groups", "networks", "known"} & more.keys()
    candidate = Candidate(
        host_id=id,
        name=f"host{id}",
        inventory=Inventory(architectures=("amd64/generic",), interfaces=(BRIDGE,)),
        cores=capacity.cores(physical=cores, ratio=1.0, claimed=used, others=0),
        memory=capacity.memory(physical=memory, huge_pages=0, ratio=1.0, claimed=0, others=0),
        huge_pages=capacity.huge_pages(total=0, claimed=0, others=0),
        storage=(("default", POOL),),
        default_pool="default",
        **{name: more.pop(name) for name in about},
    )
    given: dict[str, Any] = {"kind": "lxd", "zone_id": 1, "pool_id": 0, "zone": "default", "pool": "default"}
    return Standing(candidate=candidate, **(given | more))


def failed(one: Standing, wish: Wish) -> list[str]:
    """The constraints that fail on a host."""
    (verdict,) = decide([one], wish).verdicts
    return [reason.about for reason in verdict.reasons]


def test_the_emptiest_host_is_taken() -> None:
    found = decide([standing(1, used=8), standing(2, used=2), standing(3, used=4)], Wish())
    assert found.best is not None
    assert found.best.host == "host2"
    assert [one.score for one in found.verdicts] == sorted(
        (one.score for one in found.verdicts), key=lambda score: (score != found.verdicts[0].score, -score)
    )


def test_of_equal_ones_the_first() -> None:
    assert decide([standing(3), standing(2)], Wish()).best.host == "host2"  # type: ignore[union-attr]


def test_what_waits_to_be_claimed_counts() -> None:
    """A burst is spread: hosts that others are just choosing look fuller."""
    fleet = [standing(1), standing(2)]
    assert decide(fleet, Wish(), waiting={1: 1}).best.host == "host2"  # type: ignore[union-attr]
    assert decide(fleet, Wish(), waiting={1: 1, 2: 2}).best.host == "host1"  # type: ignore[union-attr]


def test_the_scarcest_resource_decides() -> None:
    """Many cores do not make up for a memory that is nearly full."""
    roomy, lopsided = standing(1, cores=16, memory=65536), standing(2, cores=512, memory=2048)
    assert decide([lopsided, roomy], Wish()).best.host == "host1"  # type: ignore[union-attr]


def test_a_host_that_was_tried_is_left_out_and_says_why() -> None:
    found = decide([standing(1), standing(2, used=15)], Wish(), without={1: "it refused"})
    assert found.best is not None
    assert found.best.host == "host2"
    assert [(one.about, one.text) for one in found.verdicts[0].reasons] == [("host", "it refused")]


def test_what_stands_against_a_host_itself() -> None:
    one = standing(tags=("slow",), zone_id=7, pool_id=3)
    for wish, about in (
        (Wish(zone_ids=(1, 2)), "zone"),
        (Wish(not_zone_ids=(7,)), "not_in_zone"),
        (Wish(pool_ids=(0,)), "pool"),
        (Wish(not_pool_ids=(3, 4)), "not_in_pool"),
        (Wish(pods=("host2",)), "pod"),
        (Wish(not_pods=("host1",)), "not_pod"),
        (Wish(pod_types=("virsh",)), "pod_type"),
        (Wish(not_pod_types=("lxd",)), "not_pod_type"),
        (Wish(not_tags=("slow", "old")), "not_tags"),
    ):
        assert failed(one, wish) == [about], wish
    assert failed(one, Wish(zone_ids=(1, 7), pool_ids=(3,), pods=("host1",), pod_types=("lxd",))) == []
    assert failed(replace(one, away="it is unreachable"), Wish()) == ["state"]


def test_a_closed_host_and_one_of_the_group() -> None:
    assert failed(standing(closed="new disks"), Wish()) == ["closed"]
    held = standing(groups={"db": "db1"})
    assert failed(held, Wish(anti_affinity="db")) == ["anti_affinity"]
    assert failed(held, Wish(anti_affinity="web")) == failed(held, Wish()) == []


def test_a_tag_that_names_a_pool_of_the_fleet_means_that_pool() -> None:
    """On a host without it the disk would be somewhere else, in silence."""
    plain, quick = standing(1), standing(2, used=12)
    quick = replace(quick, candidate=replace(quick.candidate, storage=(*quick.candidate.storage, ("fast", POOL))))
    wish = Wish(disks=(DiskRequest(label="root", size=0, tags=("fast", "any")),))
    found = decide([plain, quick], wish)
    assert [reason.text for reason in found.verdicts[0].reasons] == ["it has no storage pool fast"]
    assert found.best is not None
    assert (found.best.host, found.best.fit.disks[0].pool) == ("host2", "fast")  # type: ignore[union-attr]
    assert decide([plain], wish).best is not None, "nobody has such a pool: it is a tag like any other"


def test_on_how_many_hosts_each_constraint_failed() -> None:
    fleet = [standing(1, used=16), standing(2, used=16, memory=1024), standing(3, zone_id=2), standing(4)]
    found = decide(fleet, Wish(zone_ids=(1,)))
    assert found.failed == {"cores": 2, "memory": 1, "zone": 1}
    assert next(iter(found.failed)) == "cores"


def test_what_stands_against_all_hosts_is_said_of_those_that_would_fit() -> None:
    found = decide([standing(1, used=16), standing(2), standing(3)], Wish())
    after = found.against_all(Reason("conflict", "the address is taken", "address"))
    assert (after.best, after.failed) == (None, {"address": 2, "cores": 1})
    assert {(one.score, one.fit) for one in after.verdicts} == {(0.0, None)}


def test_of_several_architectures_the_one_that_the_host_offers() -> None:
    found = decide([standing()], Wish(architectures=("arm64", "amd64"))).best
    assert found is not None
    assert found.fit is not None
    assert found.fit.architecture == "amd64/generic"
    assert failed(standing(), Wish(architectures=("arm64", "ppc64el"))) == ["architecture"]
    assert failed(standing(), Wish(architectures=("arm64",))) == ["architecture"]


HOSTS = st.builds(
    lambda cores, used, memory, zone, closed, away, tags: {
        "cores": cores,
        "used": min(used, cores),
        "memory": memory,
        "zone_id": zone,
        "closed": closed,
        "away": away,
        "tags": tags,
    },
    st.integers(1, 64),
    st.integers(0, 64),
    st.integers(512, 200_000),
    st.integers(1, 3),
    st.sampled_from(["", "", "", "closed"]),
    st.sampled_from(["", "", "", "it is unreachable"]),
    st.sampled_from([(), ("ssd",)]),
)
WISHES = st.builds(
    Wish,
    cores=st.integers(0, 48),
    memory=st.integers(0, 150_000),
    zone_ids=st.sampled_from([(), (1,), (1, 2)]),
    not_zone_ids=st.sampled_from([(), (), (3,)]),
    not_tags=st.sampled_from([(), ("ssd",)]),
    disks=st.sampled_from([(), (DiskRequest(label="root", size=0),), (DiskRequest(label="root", size=2000 * GB),)]),
)


@given(st.lists(HOSTS, max_size=12), WISHES, st.dictionaries(st.integers(0, 12), st.integers(0, 5)))
def test_the_laws_of_a_decision(hosts: list[dict[str, Any]], wish: Wish, waiting: dict[int, int]) -> None:
    fleet = [standing(id, **one) for id, one in enumerate(hosts)]
    found = decide(fleet, wish, waiting=waiting)
    assert [one.host_id for one in found.verdicts] == [one.candidate.host_id for one in fleet]
    for verdict, one in zip(found.verdicts, fleet, strict=True):
        assert (verdict.fit is None) == bool(verdict.reasons), "fits, or says what stands against it"
        if verdict.fit is not None:  # and then by the same functions that claim
            assert isinstance(fit(one.candidate, wish.request), Fit)
            assert headroom(one.candidate, verdict.fit) >= 0
            assert not wish.zone_ids or one.zone_id in wish.zone_ids
            assert one.zone_id not in wish.not_zone_ids
            assert (one.away, one.candidate.closed) == ("", "")
    fitting = [one for one in found.verdicts if one.fit is not None]
    assert (found.best is None) == (not fitting)
    if found.best is not None:
        assert found.best.score == max(one.score for one in fitting)
    assert decide(fleet, wish, waiting=waiting) == found, "the same question has the same answer"
    assert decide(list(reversed(fleet)), wish, waiting=waiting).best == found.best, "in whatever order they come"


@given(WISHES, HOSTS)
def test_a_fuller_host_never_scores_more(wish: Wish, host: dict[str, Any]) -> None:
    (less,) = decide([standing(**host)], wish).verdicts
    (more,) = decide([standing(**host)], wish, waiting={1: 3}).verdicts
    assert more.score <= less.score
    assert (more.fit is None) == (less.fit is None), "only the order of hosts changes"
