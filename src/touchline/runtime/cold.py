"""A model's first answer in a process of its own: ``python -m touchline.runtime.cold DIR DEVICE`` prints
JSON."""

import json
import resource
import sys
import time
from pathlib import Path

BEGAN = time.perf_counter()


def main() -> None:
    """Load, run once, tell milliseconds and greatest resident size."""
    from touchline.runtime.measure import example_inputs
    from touchline.runtime.program import load

    folder = Path(sys.argv[1])
    program = load(folder, device=sys.argv[2])
    program.outputs_of(*example_inputs(program, folder))
    spent = time.perf_counter() - BEGAN
    print(json.dumps({"cold_start_ms": round(spent * 1e3, 1), "peak_memory_mb": round(_peak_bytes() / 1e6, 1)}))


def _peak_bytes() -> int:
    """Greatest resident size of this program. (Linux's getrusage counts what it was before exec, too.)"""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
