"""Each kernel gives, bit for bit, what exact integers give: here under sanitizers, and on two cores in QEMU."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.needs import need
from tests.tiny.kernels.cases import FLAVOURED, PLAIN, Case, Flavour, Int8s, RandomDraw
from tests.tiny.kernels.harness import run_here, run_on

ALL = FLAVOURED | PLAIN
PORTABLE: list[tuple[str, Flavour]] = [(name, "portable") for name in ALL]
DSP: list[tuple[str, Flavour]] = [(name, "dsp") for name in FLAVOURED]


class HypothesisDraw:
    """Draws that hypothesis varies and shrinks."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def integer(self, low: int, high: int) -> int:
        return self._data.draw(st.integers(low, high))


def _check(case: Case, made: Int8s) -> None:
    message = f"operator {case.call.op}, numbers {list(case.call.numbers)}"
    np.testing.assert_array_equal(made, case.expected.ravel(), err_msg=message)


@pytest.mark.parametrize(("name", "flavour"), PORTABLE + DSP)
def test_here(name: str, flavour: Flavour) -> None:
    need("gcc")
    for seed in range(150 if name in FLAVOURED else 60):
        case = ALL[name](RandomDraw(seed), flavour)
        _check(case, run_here(case.call))


@pytest.mark.parametrize(("name", "flavour"), PORTABLE + DSP)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_here_with_examples_that_vary(name: str, flavour: Flavour, data: st.DataObject) -> None:
    need("gcc")
    case = ALL[name](HypothesisDraw(data), flavour)
    _check(case, run_here(case.call))


@pytest.mark.parametrize(("core", "flavour"), [("m4", "dsp"), ("m55", "mve")])
def test_on_a_core(core: str, flavour: Flavour) -> None:
    need("arm-none-eabi-gcc")
    need("qemu-system-arm")
    cases = [draw(RandomDraw(seed), flavour) for draw in FLAVOURED.values() for seed in range(80)]
    cases += [draw(RandomDraw(seed), "portable") for draw in ALL.values() for seed in range(8)]
    for case, made in zip(cases, run_on(core, [case.call for case in cases]), strict=True):
        _check(case, made)
