"""The sweep takes what belongs to nobody, and nothing else: its mistakes would be somebody's data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.constraints import GB, DiskRequest
from innkeeper.model.machine import InstanceFacts, PowerState
from innkeeper.model.request import Request
from innkeeper.operations import decompose, refresh
from innkeeper.operations.sweep import sweep
from innkeeper.store import events
from innkeeper.store.operations import State
from innkeeper.store.tables import operation
from tests.laws.stage import Stage

TWO = (DiskRequest(label="root", size=8 * GB), DiskRequest(size=5 * GB))
WEB = Request(hostname="web", disks=TWO)


async def removed(stage: Stage, host_id: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A machine that was made and removed: its instances and volumes as they were."""
    one = await stage.compose(host_id, request=WEB)
    state = stage.see("alpha")
    id = stage.services.database.transact(decompose.submit, one, forced=False, actor="admin")
    assert (await stage.run(id)).state == State.DONE
    return state.instances, state.volumes


def ended(stage: Stage, ago: float) -> None:
    """Let all operations have ended that many seconds ago."""
    with stage.services.database.write() as write:
        write.sql.execute(sa.update(operation).values(ended=operation.c.ended - ago))


async def swept(stage: Stage, host_id: int) -> set[str]:
    """Look at the host and sweep it; what is left."""
    host = await stage.services.connections.to(host_id)
    await refresh.read_host(stage.services, host_id, host=host)
    await sweep(stage.services, host_id, host=host)
    state = stage.see("alpha")
    return {key.split("/", 1)[1] for key in state.instances} | {key.split("/", 2)[2] for key in state.volumes}


def put(stage: Stage, instances: dict[str, Any], volumes: dict[str, Any] | None = None) -> None:
    def change(state: Any) -> None:
        state.instances |= instances
        state.volumes |= volumes or {}

    stage.change("alpha", change)


async def test_what_an_undone_compose_left_goes_when_it_is_over_for_minutes(stage: Stage) -> None:
    host = await stage.add_host()
    stage.change("alpha", lambda state: state.faults.append(Fault(call="instance", kind="refuse")))
    system_id, id = stage.order_machine(host.id, request=WEB)
    assert (await stage.run(id)).state == State.FAILED
    tags = (("installation", stage.services.uuid), ("machine", system_id), ("operation", id))
    late = InstanceFacts(name="web", project="default", tags=tags)
    put(stage, {"default/web": late})
    assert await swept(stage, host.id) == {"web"}
    ended(stage, 301)
    assert await swept(stage, host.id) == set()
    told = [one.text for one in stage.services.database.ask(events.after, cursor=0) if one.what == "swept"]
    assert told == ["removed what belonged to nobody any more: instance web"]


async def test_what_a_sleeper_makes_of_a_removed_machine_goes(stage: Stage) -> None:
    host = await stage.add_host()
    instances, volumes = await removed(stage, host.id)
    put(stage, instances, volumes)
    assert len(await swept(stage, host.id)) == 2
    ended(stage, 301)
    assert await swept(stage, host.id) == set()


async def test_what_was_restored_from_a_backup_stays(stage: Stage) -> None:
    """It carries our marks, and is somebody's: running, or there another day."""
    for ago, power in ((301, PowerState.ON), (1000, PowerState.OFF)):
        await stage.reset()
        host = await stage.add_host()
        instances, volumes = await removed(stage, host.id)
        ended(stage, ago)
        put(stage, {key: replace(facts, power=power) for key, facts in instances.items()}, volumes)
        for _ in range(2):
            assert len(await swept(stage, host.id)) == 2


async def test_a_copy_of_a_removed_machine_stays(stage: Stage) -> None:
    """Hypervisors copy marks."""
    host = await stage.add_host()
    instances, _ = await removed(stage, host.id)
    ended(stage, 301)
    put(stage, {"default/copy": replace(instances["default/web"], name="copy")})
    assert await swept(stage, host.id) == {"copy"}


async def test_what_is_not_ours_stays(stage: Stage) -> None:
    """No marks, another installation's, an operation that we do not know, another project, a machine that is there."""
    host = await stage.add_host()
    one = await stage.compose(host.id, request=WEB)
    instances, volumes = stage.see("alpha").instances, stage.see("alpha").volumes
    web = instances["default/web"]
    marks = dict(web.tags)

    def marked(name: str, *, project: str = "default", **tags: str) -> InstanceFacts:
        return replace(web, name=name, project=project, tags=tuple((marks | tags).items()))

    put(
        stage,
        {
            "default/plain": replace(web, name="plain", tags=()),
            "default/theirs": marked("theirs", installation="another"),
            "default/unknown": marked("unknown", operation="0" * 32, machine="nobody"),
            "other/elsewhere": marked("elsewhere", project="other", operation="0" * 32),
        },
    )
    ended(stage, 301)
    (volume,) = (key.split("/", 2)[2] for key in volumes)
    assert await swept(stage, host.id) == {"web", "plain", "theirs", "unknown", "elsewhere", volume}
    assert one.disks[1].volume == volume
