"""The same networks through every target, and each runtime called by hand: what does Touchline cost on top?

    .venv/bin/python -m bench.runtimes [--rounds 200] [--threads 1]

Networks: one like MobileNetV2, a small CNN, and the shipped detector's at 960×544; random weights where none are
shipped, which changes no time. For each target in float32 and int8: the median of one run through `touchline.load`
and of the same file called as its runtime's own documentation does it, in turns, and the ratio of the two. Prints
a table and a JSON line.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import touchline
from bench import from_setup
from touchline.model.options import TARGETS
from touchline.runtime.measure import take_turns

with from_setup():
    import torch
    from torch import Tensor, nn

    from touchline.model.nets.athlete import AthleteNet


class Block(nn.Module):
    """MobileNetV2's inverted residual."""

    def __init__(self, inputs: int, outputs: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = inputs * expand
        self.adds = stride == 1 and inputs == outputs
        self.body = nn.Sequential(
            nn.Conv2d(inputs, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU6(),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU6(),
            nn.Conv2d(wide, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.adds else self.body(x)


def mobile() -> tuple[nn.Module, Tensor]:
    plan = [
        (16, 1, 1, 1),
        (24, 2, 2, 6),
        (32, 3, 2, 6),
        (64, 4, 2, 6),
        (96, 3, 1, 6),
        (160, 3, 2, 6),
        (320, 1, 1, 6),
    ]
    layers: list[nn.Module] = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6()]
    width = 32
    for outputs, count, stride, expand in plan:
        for number in range(count):
            layers.append(Block(width, outputs, stride if number == 0 else 1, expand))
            width = outputs
    layers += [nn.Conv2d(width, 1280, 1), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000)]
    return nn.Sequential(*layers), torch.rand(1, 3, 224, 224)


def small() -> tuple[nn.Module, Tensor]:
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 16), (16, 32), (32, 32)):
        layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 8 * 8, 10)), torch.rand(1, 1, 64, 64)


def athlete() -> tuple[nn.Module, Tensor]:
    return AthleteNet((32, 48, 80, 128), (1, 3)), torch.randint(0, 255, (1, 6, 272, 480)).float()


NETS: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {
    "MobileNetV2-like": mobile,
    "small CNN": small,
    "athlete": athlete,
}


def by_hand(file: Path, x: np.ndarray, threads: int) -> Callable[[], object]:
    """One run of ``file`` by its runtime's own interface."""
    match file.suffix:
        case ".onnx":
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
            name = session.get_inputs()[0].name
            return lambda: session.run(None, {name: x})
        case ".tflite":
            from ai_edge_litert.interpreter import Interpreter

            interpreter = Interpreter(str(file), num_threads=threads)
            interpreter.allocate_tensors()
            taken, given = (
                details[0]["index"]
                for details in (interpreter.get_input_details(), interpreter.get_output_details())
            )

            def run() -> object:
                interpreter.set_tensor(taken, x)
                interpreter.invoke()
                return interpreter.get_tensor(given)

            return run
        case _:
            from executorch.runtime import Runtime

            method = Runtime.get().load_program(file.read_bytes()).load_method("forward")
            return lambda: method.execute([torch.from_numpy(x)])[0].numpy().copy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    found: list[dict[str, Any]] = []
    print(f"{'network':<18}{'target':<9}{'':<6}{'touchline ms':>13}{'by hand ms':>12}{'ratio':>8}{'error':>9}")
    with tempfile.TemporaryDirectory() as work:
        for name, make in NETS.items():
            torch.manual_seed(0)
            module, example = make()
            samples = [example + torch.rand_like(example) for _ in range(4)]
            for target in TARGETS:
                for quantise in ("none", "int8"):
                    out = Path(work) / f"{name}-{target}-{quantise}"
                    artifact = touchline.compile(
                        module, example, target, out=out, quantise=quantise, calibration=samples, tolerance=10.0
                    )
                    x, program = samples[0].numpy(), touchline.load(out, threads=given.threads)
                    hand = by_hand(artifact.file, x, given.threads)
                    spent = take_turns([lambda p=program, a=x: p.run(a), hand], given.rounds)
                    # Of each turn's pair, so that what else the machine does falls out.
                    ratio = median(mine / theirs for mine, theirs in zip(*spent, strict=True))
                    row = {
                        "net": name,
                        "target": target,
                        "quantise": quantise,
                        "touchline_ms": median(spent[0]) * 1e3,
                        "by_hand_ms": median(spent[1]) * 1e3,
                        "ratio": ratio,
                        "relative_error": artifact.manifest["verified"]["outputs"][0]["relative_error"],
                    }
                    found.append(row)
                    print(
                        f"{name:<18}{target:<9}{quantise:<6}{row['touchline_ms']:>13.3f}{row['by_hand_ms']:>12.3f}"
                        f"{ratio:>8.3f}{row['relative_error']:>9.2g}",
                        flush=True,
                    )
    print(json.dumps({"bench": "runtimes", "threads": given.threads, "rows": found}))


if __name__ == "__main__":
    main()
