"""Arrangements → model.c and model.h: plain C99, one section for each kind of core, chosen when it is compiled."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from touchline.tiny.arrange import Arrangement
from touchline.tiny.ccode import (
    Argument,
    At,
    Call,
    Constant,
    ConstantAt,
    Flavour,
    Function,
    Scratch,
    Struct,
    Value,
)
from touchline.tiny.graph import Tensor

NUMBER: dict[Flavour, int] = {"portable": 0, "dsp": 1, "mve": 2}
"""TOUCHLINE_CORE of each."""
_CTYPE = {"int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "uint8": "uint8_t", "uint16": "uint16_t"}


def identifier(name: str) -> str:
    """A model's name as C takes it: lower case, letters, digits and underscores."""
    plain = re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_")
    return plain if plain and not plain[0].isdigit() else f"model_{plain}".rstrip("_")


def model_header(name: str, arranged: Mapping[Flavour, Arrangement]) -> str:
    """model.h: the arena's size, where inputs and outputs lie in it, and the one function."""
    upper = name.upper()
    graph = next(iter(arranged.values())).graph
    lines = [
        f"/* {graph.name}: an int8 network in plain C, compiled by Touchline.",
        " *",
        f" *     static int8_t arena[{upper}_ARENA_BYTES] __attribute__((aligned(8)));",
        f" *     memcpy(arena + {upper}_{_port('INPUT', graph.inputs, 0)}_OFFSET, samples, …_BYTES);",
        f" *     {name}_run(arena);",
        f" *     … arena[{upper}_{_port('OUTPUT', graph.outputs, 0)}_OFFSET] …",
        " *",
        " * All RAM but a small stack is the arena; between runs it may hold anything. Inputs are overwritten.",
        " */",
        f"#ifndef {upper}_H",
        f"#define {upper}_H",
        "",
        "#include <stdint.h>",
        "",
        *_core_selection(arranged),
        "",
    ]
    for kind, keys in (("INPUT", graph.inputs), ("OUTPUT", graph.outputs)):
        for index, key in enumerate(keys):
            lines += _described(f"{upper}_{_port(kind, keys, index)}", graph.tensors[key])
    for before, after in graph.states:
        source = _port("OUTPUT", graph.outputs, graph.outputs.index(after))
        target = _port("INPUT", graph.inputs, graph.inputs.index(before))
        lines.append(f"/* {target} is a state: its zero point all over at first, then what {source} was. */")
    for flavour, arrangement in arranged.items():
        lines += [
            "",
            f"#if TOUCHLINE_CORE == {NUMBER[flavour]}",
            f"#define {upper}_ARENA_BYTES {arrangement.bytes}",
        ]
        for kind, keys in (("INPUT", graph.inputs), ("OUTPUT", graph.outputs)):
            for index, key in enumerate(keys):
                offset = arrangement.offsets[key]
                lines.append(f"#define {upper}_{_port(kind, keys, index)}_OFFSET {offset}")
        lines.append("#endif")
    lines += ["", "/* arena: aligned to 8 bytes. */", f"void {name}_run(int8_t *arena);", "", "#endif", ""]
    return "\n".join(lines)


def _port(kind: str, keys: tuple[int, ...], index: int) -> str:
    return kind if len(keys) == 1 else f"{kind}_{index}"


def _described(name: str, tensor: Tensor) -> Iterator[str]:
    yield f"#define {name}_BYTES {tensor.bytes} /* {tensor.dtype} {' x '.join(map(str, tensor.shape))} */"
    if tensor.quant is not None:
        yield f"#define {name}_SCALE {np.float32(tensor.quant.scale)!s}f"
        yield f"#define {name}_ZERO_POINT ({tensor.quant.zero_point})"


def _core_selection(arranged: Mapping[Flavour, Arrangement]) -> Iterator[str]:
    """Which section is compiled: the best that this core has instructions for."""
    yield "/* 2: Cortex-M with Helium, 1: with DSP instructions, 0: any other core. Yours to define. */"
    yield "#ifndef TOUCHLINE_CORE"
    tests: dict[Flavour, str] = {
        "mve": "defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)",
        "dsp": "defined(__ARM_FEATURE_DSP)",
    }
    word = "#if"
    for flavour, test in tests.items():
        if flavour in arranged:
            yield f"{word} {test}"
            yield f"#define TOUCHLINE_CORE {NUMBER[flavour]}"
            word = "#elif"
    if word == "#elif":
        yield "#else"
    yield "#define TOUCHLINE_CORE 0"
    if word == "#elif":
        yield "#endif"
    yield "#endif"


def model_source(name: str, arranged: Mapping[Flavour, Arrangement]) -> str:
    """model.c: constants and calls of each section."""
    parts = [f'#include "model.h"\n\n#include "touchline_kernels.h"\n\n#if defined(__GNUC__)\n{_ALIGNED_GCC}']
    for flavour, arrangement in arranged.items():
        parts.append(
            f"\n#if TOUCHLINE_CORE == {NUMBER[flavour]}\n\n{_Section(name, arrangement).text()}\n#endif\n"
        )
    return "".join(parts)


_ALIGNED_GCC = """#define ALIGNED __attribute__((aligned(8)))
#else
#define ALIGNED
#endif
"""


@dataclass
class _Section:
    name: str
    arrangement: Arrangement
    constants: dict[int, str] = field(default_factory=dict[int, str])
    """id of a constant's or structure's object → its name; the arrangement keeps the objects alive."""
    same: dict[tuple[str, bytes], str] = field(default_factory=dict[tuple[str, bytes], str])
    lines: list[str] = field(default_factory=list[str])

    def text(self) -> str:
        body: list[str] = []
        for index, step in enumerate(self.arrangement.steps):
            body.append(f"    /* {_comment(step.place)} */")
            body.extend(self.call(index, call) for call in step.calls)
        run = [f"void {self.name}_run(int8_t *arena)", "{", *body, "}"]
        return "\n".join([*self.lines, "", *run])

    def call(self, step: int, call: Call) -> str:
        if call.repeat == 1:
            arguments = ", ".join(self.argument(step, argument, False) for argument in call.arguments)
            return f"    {call.function}({arguments});"
        arguments = ", ".join(self.argument(step, argument, True) for argument in call.arguments)
        return f"    for (int32_t i = 0; i < {call.repeat}; i++) {call.function}({arguments});"

    def argument(self, step: int, argument: Argument, repeated: bool) -> str:
        match argument:
            case Struct():
                return f"&{self.struct(step, argument)}"
            case Constant():
                return self.constant(step, argument)
            case At():
                at = self.arrangement.offsets[argument.key] + argument.offset
                return f"arena + {at}{_moved(argument.step, repeated)}"
            case ConstantAt():
                start = f"{self.constant(step, argument.constant)} + {argument.offset}"
                return start + _moved(argument.step, repeated)
            case Scratch():
                return f"arena + {self.arrangement.scratch[step] + argument.offset}"
            case int():
                return str(argument)

    def constant(self, step: int, constant: Constant) -> str:
        if id(constant) in self.constants:
            return self.constants[id(constant)]
        values = np.ascontiguousarray(constant.values)
        content = (str(values.dtype), values.tobytes())
        if content not in self.same:
            name = f"{'weights' if constant.learned else 'table'}_{step}_{len(self.same)}"
            kind = _CTYPE[str(values.dtype)]
            self.lines.append(f"static const {kind} {name}[{values.size}] ALIGNED = {{")
            self.lines.extend(_rows(values.ravel().tolist()))
            self.lines.append("};")
            self.same[content] = name
        self.constants[id(constant)] = self.same[content]
        return self.same[content]

    def struct(self, step: int, struct: Struct) -> str:
        if id(struct) in self.constants:
            return self.constants[id(struct)]
        fields = ", ".join(f".{field} = {self.value(step, value)}" for field, value in struct.fields.items())
        name = f"layer_{step}_{len(self.constants)}"
        self.lines.append(f"static const {struct.type} {name} = {{{fields}}};")
        self.constants[id(struct)] = name
        return name

    def value(self, step: int, value: Value) -> str:
        match value:
            case None:
                return "0"
            case int():
                return _literal(value)
            case tuple():
                return "{" + ", ".join(str(item) for item in value) + "}"
            case Constant():
                return self.constant(step, value)
            case Function():
                return value.name
            case Struct():
                return f"&{self.struct(step, value)}"


def _moved(step: int, repeated: bool) -> str:
    return f" + i * {step}" if repeated and step else ""


def _literal(value: int) -> str:
    # −2^31 is no literal of C: it is the negation of one that does not fit.
    return "INT32_MIN" if value == -(1 << 31) else str(value)


def _rows(values: Iterable[int]) -> Iterator[str]:
    line = "   "
    for value in values:
        text = f" {_literal(value)},"
        if len(line) + len(text) > 118:
            yield line
            line = "   "
        line += text
    yield line


def _comment(text: str) -> str:
    return text.replace("*/", "* /")


def functions(arrangement: Arrangement) -> set[str]:
    """The kernels that ``arrangement`` calls."""
    found: set[str] = set()
    for step in arrangement.steps:
        for call in step.calls:
            found.add(call.function)
            found |= {name for argument in call.arguments for name in _named(argument)}
    return found


def constants(arrangement: Arrangement) -> list[Constant]:
    """Every array in flash, once."""
    found: dict[int, Constant] = {}
    for step in arrangement.steps:
        for call in step.calls:
            for argument in call.arguments:
                for constant in _held(argument):
                    found[id(constant)] = constant
    return list(found.values())


def _named(value: Argument | Value) -> Iterator[str]:
    if isinstance(value, Function):
        yield value.name
    if isinstance(value, Struct):
        for inner in value.fields.values():
            yield from _named(inner)


def _held(value: Argument | Value) -> Iterator[Constant]:
    match value:
        case Constant():
            yield value
        case ConstantAt():
            yield value.constant
        case Struct():
            for inner in value.fields.values():
                yield from _held(inner)
        case _:
            pass
