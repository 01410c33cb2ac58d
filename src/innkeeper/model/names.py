"""Host names: what is valid (RFC 952/1123, and what hypervisors take), and random ones that are."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

from innkeeper.errors import Invalid

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LABEL_OF_GROUP = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _.-]{0,254}[A-Za-z0-9])?")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_TAG = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,256}")
_TAG_RULE = "a tag has 256 characters at most, and no control characters"
GROUP_RULE = "ASCII letters and digits, inside also blanks, hyphens, underscores and points, 256 at most"
RULE = "letters, digits and inner hyphens (ASCII), 1 to 63 of them, not digits alone"

_FIRST = [
    "amber",
    "bold",
    "brisk",
    "calm",
    "clear",
    "crisp",
    "deft",
    "eager",
    "fair",
    "fleet",
    "fond",
    "glad",
    "grand",
    "hale",
    "keen",
    "kind",
    "lively",
    "lucid",
    "merry",
    "mild",
    "neat",
    "noble",
    "plain",
    "prime",
    "proud",
    "quick",
    "quiet",
    "ready",
    "sage",
    "sleek",
    "smart",
    "solid",
    "sound",
    "spry",
    "stout",
    "sunny",
    "sure",
    "swift",
    "tidy",
    "true",
    "vast",
    "vivid",
    "warm",
    "wise",
    "young",
    "zesty",
]
_SECOND = [
    "aspen",
    "badger",
    "birch",
    "bison",
    "cedar",
    "condor",
    "crane",
    "curlew",
    "dove",
    "elk",
    "elm",
    "falcon",
    "fern",
    "finch",
    "fox",
    "hare",
    "hawk",
    "hazel",
    "heron",
    "ibex",
    "jay",
    "kestrel",
    "kite",
    "lark",
    "linden",
    "lynx",
    "maple",
    "marten",
    "moose",
    "newt",
    "oak",
    "otter",
    "owl",
    "pine",
    "plover",
    "quail",
    "raven",
    "robin",
    "rook",
    "rowan",
    "seal",
    "sorrel",
    "stoat",
    "swan",
    "teal",
    "thrush",
    "tit",
    "vole",
    "willow",
    "wren",
    "yew",
]


def check_hostname(name: str, *, field: str = "hostname") -> str:
    """The name itself when it is a valid host name; Invalid with the rule otherwise."""
    if not _LABEL.fullmatch(name) or name.isdigit():
        message = f"{name!r} is not a valid host name: {RULE}"
        raise Invalid(f"Invalid {field}: {message}.", fields={field: [message]})
    return name.lower()


def check_label(name: str, *, field: str = "name") -> str:
    """The name itself when it can name a zone or a resource pool, in paths too; Invalid with the rule otherwise."""
    if not _LABEL_OF_GROUP.fullmatch(name):
        message = f"{name[:80]!r} is not possible: {GROUP_RULE}"
        raise Invalid(f"Invalid {field}: {message}.", fields={field: [message]})
    return name


def check_mac(text: str, *, field: str = "mac_address") -> str:
    """A MAC address as we write it ("00:16:3e:01:02:03"), from one with colons or hyphens; Invalid otherwise."""
    plain = text.strip().lower().replace("-", ":")
    if not _MAC.fullmatch(plain):
        message = f"{text[:80]!r} is not a MAC address: six pairs of hexadecimal digits with colons between them"
        raise Invalid(f"Invalid {field}: {message}.", fields={field: [message]})
    return plain


def check_domain(name: str, *, field: str = "name") -> str:
    """The name itself, in small letters, when it can be a domain of machines; Invalid with the rule otherwise."""
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        message = f"{name[:80]!r} is not a domain: labels of {RULE}, with points between them"
        raise Invalid(f"Invalid {field}: {message}.", fields={field: [message]})
    return name.lower()


def check_tag(text: str, *, field: str = "tag") -> str:
    """One tag, without blanks around it; Invalid when it is empty, a list (tags=a,b: no list could hold it), too long,
    or no text of one line."""
    tag = text.strip()
    if "," in tag or not tag:
        raise Invalid(f"Invalid {field}.", fields={field: ["a tag is not empty and holds no comma"]})
    if not _TAG.fullmatch(tag):
        raise Invalid(f"Invalid {field}.", fields={field: [f"{tag[:40]!r}… is not possible: {_TAG_RULE}"]})
    return tag


def check_tags(texts: Iterable[str], *, field: str = "tags") -> tuple[str, ...]:
    """Tags, each once; Invalid for one that cannot be."""
    return tuple(dict.fromkeys(check_tag(one, field=field) for one in texts))


def valid_hostname(name: str) -> bool:
    """Whether a name could be a machine's host name."""
    return bool(_LABEL.fullmatch(name)) and not name.isdigit()


def as_hostname(name: str) -> str:
    """A valid host name as near to `name` as possible ("My_VM" becomes "my-vm"), "" when nothing is left of it."""
    plain = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:63].strip("-")
    return f"vm-{plain}"[:63].strip("-") if plain.isdigit() else plain


def random_name(chance: random.Random | None = None) -> str:
    """Two random words with a hyphen between them."""
    chance = chance or random.SystemRandom()
    return f"{chance.choice(_FIRST)}-{chance.choice(_SECOND)}"
