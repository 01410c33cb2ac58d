"""The images of a simulated host: it keeps what they are, not their bytes."""

from __future__ import annotations

import hashlib
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.simulated_world import World
from innkeeper.model.image import ImageFacts, ImageSpec


class SimulatedImages:
    """The part of `simulated.Simulated` that is about images."""

    def _call(self, call: str, name: str = "", *, change: bool = False) -> AbstractAsyncContextManager[World]:
        raise NotImplementedError

    async def images(self) -> tuple[ImageFacts, ...]:
        async with self._call("images") as state:
            return tuple(state.images.values())

    async def image(self, *, name: str) -> ImageFacts | None:
        async with self._call("image", name) as state:
            return next((one for one in state.images.values() if name in (one.fingerprint, *one.aliases)), None)

    async def push_image(self, spec: ImageSpec) -> None:
        async with self._call("push_image", spec.fingerprint, change=True) as state:
            if spec.fingerprint in state.images:
                return
            if _fingerprint(spec) != spec.fingerprint:
                raise HostRefused("The host refused: push the image.", details="fingerprints do not match", code=400)
            state.images[spec.fingerprint] = ImageFacts(fingerprint=spec.fingerprint, size=spec.size, tags=spec.tags)

    async def delete_image(self, *, fingerprint: str, installation: str) -> None:
        async with self._call("delete_image", fingerprint, change=True) as state:
            there = state.images.get(fingerprint)
            if there and installation and there.tag("installation") == installation:
                del state.images[fingerprint]


def _fingerprint(spec: ImageSpec) -> str:
    digest = hashlib.sha256()
    for path in spec.paths:
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()
