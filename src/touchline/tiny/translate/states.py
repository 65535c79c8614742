"""What a file keeps between runs: a variable becomes an input and an output, and the caller hands it on."""

from __future__ import annotations

from collections.abc import Iterator

from touchline.tiny.flatbuffer import RawOp
from touchline.tiny.graph import Op, Reshape
from touchline.tiny.translate.translation import Translation, Unsupported

NAMES = ("CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")


def translate(t: Translation, op: RawOp) -> Iterator[Op]:
    match op.name:
        case "CALL_ONCE":
            if not t.raw.starts_at_zero:
                raise Unsupported("initialises its state with something else than zero")
        case "VAR_HANDLE":
            t.handles[op.outputs[0]] = f"{op.options['Container']}/{op.options['SharedName']}"
        case "READ_VARIABLE":
            name, made = t.handles[op.inputs[0]], op.outputs[0]
            t.check_tensor(made)
            t.quantised(made)
            known = t.written.get(name, t.read.get(name))
            if known is None:
                t.read[name] = made
            else:
                yield Reshape(inputs=(known,), output=made, place=t.place)
        case _:
            name, value = t.handles[op.inputs[0]], op.inputs[1]
            t.check_tensor(value)
            t.quantised(value)
            t.written[name] = value


def pairs(t: Translation) -> tuple[tuple[int, int], ...]:
    """Of each state that is read: the input it is, and the output that it will be. Raises `Unsupported`."""
    found: list[tuple[int, int]] = []
    for name, key in t.read.items():
        value = t.written.get(name, key)
        before, after = t.tensors[key], t.tensors[value]
        if (before.shape, before.dtype, before.quant) != (after.shape, after.dtype, after.quant):
            raise Unsupported(f"of the name {name} is read as {before.name!r} and written as {after.name!r}")
        found.append((key, value))
    return tuple(found)
