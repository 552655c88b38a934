"""Builds export tries: how a Mach-O file tells which names it offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def export_trie(terminals: Mapping[str, bytes]) -> bytes:
    """The prefix tree of exported names (``<mach-o/loader.h>``, dyld_info_command); values are the terminals' payloads."""
    out = bytearray()

    def write(entries: Mapping[str, bytes]) -> int:
        """Append the node of these remaining names; return its offset."""
        here = len(out)
        payload = entries.get("", b"")
        groups: dict[str, dict[str, bytes]] = {}
        for name, value in entries.items():
            if name:
                groups.setdefault(name[0], {})[name] = value
        edges = [(_common_prefix(group), group) for group in groups.values()]
        out.extend(_uleb(len(payload)) + payload + bytes([len(edges)]))
        holes = []
        for prefix, _ in edges:
            out.extend(prefix.encode() + b"\0")
            holes.append(len(out))
            out.extend(bytes(4))
        for hole, (prefix, group) in zip(holes, edges, strict=True):
            child = write({name[len(prefix) :]: value for name, value in group.items()})
            out[hole : hole + 4] = _uleb(child, width=4)
        return here

    write(terminals)
    return bytes(out)


def _uleb(number: int, width: int = 0) -> bytes:
    """ULEB128, padded to ``width`` bytes so that an offset can be filled in later."""
    out = bytearray()
    while number > 0x7F or len(out) + 1 < width:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _common_prefix(names: Collection[str]) -> str:
    """What all names begin with: what the first and the last of them in order share."""
    first, last = min(names), max(names)
    different = (position for position, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(different, min(len(first), len(last)))]
