"""All operations by kind, and how one is performed from where its row is."""

from __future__ import annotations

from innkeeper.operations.add_host import ADD_HOST, ENROL
from innkeeper.operations.commission import COMMISSION, RECOMMISSION
from innkeeper.operations.compose import COMPOSE
from innkeeper.operations.context import Services, Work
from innkeeper.operations.decompose import DECOMPOSE
from innkeeper.operations.deploy import DEPLOY
from innkeeper.operations.engine import Engine, Place
from innkeeper.operations.forget_image import FORGET_IMAGE
from innkeeper.operations.power import POWER_OFF, POWER_ON
from innkeeper.operations.prepare_image import PREPARE_IMAGE
from innkeeper.operations.push_image import PUSH_IMAGE
from innkeeper.operations.readdress import READDRESS
from innkeeper.operations.reconnect_host import RECONNECT_HOST
from innkeeper.operations.refresh import REFRESH
from innkeeper.operations.release import ABORT, RELEASE
from innkeeper.operations.remove_host import REMOVE_HOST
from innkeeper.operations.resize import GROW_DISK, RESIZE
from innkeeper.operations.saga import Saga
from innkeeper.operations.sync_images import SYNC_IMAGES

_ALL = (
    ADD_HOST,
    ENROL,
    RECONNECT_HOST,
    REFRESH,
    COMPOSE,
    COMMISSION,
    RECOMMISSION,
    RESIZE,
    GROW_DISK,
    READDRESS,
    POWER_ON,
    POWER_OFF,
    DECOMPOSE,
    REMOVE_HOST,
    PREPARE_IMAGE,
    PUSH_IMAGE,
    FORGET_IMAGE,
    SYNC_IMAGES,
    DEPLOY,
    ABORT,
    RELEASE,
)
SAGAS: dict[str, Saga] = {saga.kind: saga for saga in _ALL}


def make_engine(services: Services) -> Engine:
    """The engine that performs these operations for this process."""

    async def operate(at: Place) -> None:
        owner = at.owner
        work = Work(operation=at.row, services=services, guard=lambda: engine.guard(owner))
        await SAGAS[at.row.kind].run(work, at)

    engine = Engine(services.database, services.settings, operate)
    return engine
