"""MAAS's own addresses of pages, which people have in their bookmarks: where the same is here."""

from __future__ import annotations

import re

_HOST = re.compile(r"kvm/(?:(?:lxd|virsh)/)?(?:cluster/\d+/(?:vms|host)/)?(\d+)(?:/(vms|resources|edit))?/?")
_TABS = {"resources": "/resources", "edit": "/settings"}
_SAME = ("machines", "zones", "pools", "tags", "images", "networks", "domains", "events")
_NOUNS = {"kvm": "/hosts"} | {one: f"/{one}" for one in _SAME}
_PREFS = {"api-keys": "/account/keys", "ssh-keys": "/account/ssh-keys", "details": "/account"}
_SETTINGS = {"users": "/users", "images": "/images"}
_ONE = {"machine": "/machines", "subnet": "/subnets", "fabric": "/fabrics", "vlan": "/vlans", "space": "/spaces"}


def here(rest: str) -> str:
    """A path below MAAS's "/MAAS/r/" as a path of ours: "kvm/lxd/3/resources" → "/hosts/3/resources"."""
    path = rest.strip("/")
    found = _HOST.fullmatch(path)
    if found:
        edit = "/settings" if "/host/" in path else ""
        return f"/hosts/{found[1]}{_TABS.get(found[2] or '', edit)}"
    noun, _, which = path.partition("/")
    if noun == "account":
        return _PREFS.get(which.removeprefix("prefs/").split("/")[0], "/account")
    if noun == "settings":
        return _SETTINGS.get(which.split("/")[0], "/")
    if noun in _ONE:
        return f"{_ONE[noun]}/{which.split('/')[0]}" if which else _NOUNS.get(f"{noun}s", "/networks")
    return _NOUNS.get(noun, "/")
