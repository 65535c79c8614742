"""What lowering any operator needs."""

from __future__ import annotations

from touchline.tiny.ccode import Argument, At, Call, Constant, ConstantAt, Flavour, Step, Struct, Value
from touchline.tiny.graph import Graph, Op
from touchline.tiny.placement import Placement
from touchline.types.errors import ModelError

SUFFIX: dict[Flavour, str] = {"portable": "", "dsp": "_dsp", "mve": "_mve"}


class Lowering:
    """One operator of a graph, with its output placed as told, for kernels of one flavour."""

    def __init__(self, graph: Graph, op: Op, placement: Placement, flavour: Flavour) -> None:
        self.graph = graph
        self.op = op
        self.placement = placement
        self.flavour: Flavour = flavour
        self.tensors = [graph.tensors[key] for key in op.inputs]
        self.image = self.tensors[0]
        self.output = graph.tensors[op.output]

    def step(self, *calls: Call, scratch: int = 0, macs: int = 0) -> Step:
        return Step(self.op.place, calls, scratch, macs, self.output.elements)

    def per_image(self, function: str, struct: Struct, *rest: Argument) -> Call:
        """A call for each image of a batch."""
        images = self.image.shape[0]
        source = At(self.op.inputs[0], step=self.image.bytes // images)
        target = At(self.op.output, step=self.output.bytes // images)
        return Call(function, (struct, source, target, *rest), images)

    def operand(self, key: int, step: int = 0) -> At | ConstantAt:
        data = self.graph.tensors[key].data
        return At(key, step=step) if data is None else ConstantAt(Constant(data), step=step)

    def fits_16_bits(self, fields: dict[str, Value]) -> None:
        sizes = [name for name, value in fields.items() if isinstance(value, int) and "row" not in name]
        large = [name for name in sizes if not -(1 << 15) <= int(fields[name] or 0) < 1 << 15]  # type: ignore[arg-type]
        if large:
            raise ModelError(
                f"{self.graph.name}: {self.op.place} has {', '.join(large)} of 32,768 or more; make it smaller"
            )
