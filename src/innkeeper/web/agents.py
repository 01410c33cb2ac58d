"""What a browser says that it is, in the words of people: "Firefox 140 on Linux"."""

from __future__ import annotations

import re

# The first that fits: each but the last one names those before it as well.
_BROWSERS = (
    ("Edge", re.compile(r"\bEdg(?:e|A|iOS)?/(\d+)")),
    ("Opera", re.compile(r"\bOPR/(\d+)")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"\b(?:HeadlessChrome|Chrome|Chromium|CriOS)/(\d+)")),
    ("Safari", re.compile(r"\bVersion/(\d+)\S* (?:Mobile/\S+ )?Safari/")),
)
_SYSTEMS = (
    ("iOS", re.compile(r"\b(?:iPhone|iPad)\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("macOS", re.compile(r"\bMacintosh\b")),
    ("Linux", re.compile(r"\b(?:Linux|X11)\b")),
)


def named(agent: str) -> str:
    """A browser and its system; what it says of itself when it is none of the known ones."""
    for name, pattern in _BROWSERS:
        if found := pattern.search(agent):
            system = next((f" on {system}" for system, sign in _SYSTEMS if sign.search(agent)), "")
            return f"{name} {found[1]}{system}"
    return agent[:100]
