"""Indices of int32 that may be negative: ids < 0 ? ids + size : ids, as Keras writes it before each look-up."""

from __future__ import annotations

from touchline.tiny.flatbuffer import RawOp
from touchline.tiny.graph import Pair
from touchline.tiny.translate.translation import Translation


def settle(t: Translation, op: RawOp) -> bool:
    """Whether ``op`` is a part of nothing but such expressions: then `Translation.wrapped` has what they give."""
    if op.name in ("SELECT", "SELECT_V2"):
        found = _wrapped(t, op)
        if found is not None:
            t.wrapped[op.outputs[0]] = found
        return found is not None
    if op.name not in ("LESS", "ADD") or t.raw.tensors[op.inputs[0]].dtype != "int32":
        return False
    readers = [other for other in t.raw.ops if op.outputs[0] in other.inputs]
    return bool(readers) and all(_wrapped(t, other) is not None for other in readers)


def _wrapped(t: Translation, op: RawOp) -> Pair | None:
    """The indices and the size that ``op`` chooses by and from."""
    if op.name not in ("SELECT", "SELECT_V2"):
        return None
    made = {other.outputs[0]: other for other in t.raw.ops if other.outputs}
    test, total = made.get(op.inputs[0]), made.get(op.inputs[1])
    if test is None or total is None or (test.name, total.name) != ("LESS", "ADD"):
        return None
    source, size = op.inputs[2], _number(t, total.inputs[1])
    if not test.inputs[0] == total.inputs[0] == source or _number(t, test.inputs[1]) != 0 or not size:
        return None
    return source, size


def _number(t: Translation, key: int) -> int | None:
    value = t.integers(key)
    return int(value.ravel()[0]) if value is not None and value.size == 1 else None
