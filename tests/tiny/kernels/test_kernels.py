"""Each kernel gives, bit for bit, what exact integers give: here under sanitizers, and on Cortex-M4 and M55 in QEMU."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.needs import need
from tests.tiny.kernels.cases import FLAVOURED, PLAIN, Case, Flavour, RandomDraw
from tests.tiny.kernels.harness import run_here, run_on

HERE: list[tuple[str, Flavour]] = [(name, "portable") for name in (*FLAVOURED, *PLAIN)]
HERE += [(name, "dsp") for name in FLAVOURED]


class HypothesisDraw:
    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def integer(self, low: int, high: int) -> int:
        return self._data.draw(st.integers(low, high))


def _check(case: Case, made: np.ndarray) -> None:
    np.testing.assert_array_equal(
        made, case.expected.ravel(), err_msg=f"operator {case.call.op}, numbers {list(case.call.numbers)}"
    )


@pytest.mark.parametrize(("name", "flavour"), HERE)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_here(name: str, flavour: Flavour, data: st.DataObject) -> None:
    need("gcc")
    case = (FLAVOURED | PLAIN)[name](HypothesisDraw(data), flavour)
    _check(case, run_here(case.call))


@pytest.mark.parametrize(("core", "flavour"), [("m4", "dsp"), ("m55", "mve")])
def test_on_a_core(core: str, flavour: Flavour) -> None:
    need("arm-none-eabi-gcc")
    need("qemu-system-arm")
    cases = [draw(RandomDraw(seed), flavour) for draw in FLAVOURED.values() for seed in range(60)]
    cases += [draw(RandomDraw(seed), "portable") for draw in (FLAVOURED | PLAIN).values() for seed in range(8)]
    for case, made in zip(cases, run_on(core, [case.call for case in cases]), strict=True):
        _check(case, made)
