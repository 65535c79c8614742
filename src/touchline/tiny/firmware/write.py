"""A node and its compiled network → a folder of C99 that is the whole firmware, but for what a board gives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from touchline.runtime import manifest
from touchline.tiny.firmware.node import Node, Port, milli_factor
from touchline.types.errors import ConfigError

CSRC = Path(__file__).parent / "csrc"
BOARD = Path(__file__).parent.parent / "board"
_OF_BOARDS = ("semihost.h", "sections.ld", "mps2-an386.ld", "mps3-an547.ld")


def write_firmware(artifact: Path, node: Node, folder: Path) -> list[str]:
    """Write ``folder``, new or empty, for the network in ``artifact``; the names of its files.

    Raises `ModelError` where the network is none for ``node``, `ConfigError` where ``folder`` holds something or
    cannot be written.
    """
    read = manifest.read(artifact)
    source, scores = node.ports(read.manifest, str(artifact))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder}: exists already; name another folder or remove it")
    try:
        (folder / "ports").mkdir(parents=True)
        node.fitted(source).write_c(folder, "sense")
        for file in sorted([*artifact.glob("*.c"), *artifact.glob("*.h")]):
            shutil.copyfile(file, folder / file.name)
        for file in sorted(CSRC.rglob("*.[ch]")):
            shutil.copyfile(file, folder / file.relative_to(CSRC))
        for name in _OF_BOARDS:
            shutil.copyfile(BOARD / name, folder / "ports" / name)
        (folder / "node_config.h").write_text(_config(node, read.manifest, scores), "utf-8")
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror}); name another folder") from error
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def _config(node: Node, said: Mapping[str, Any], scores: Port) -> str:
    """node_config.h."""
    name: str = said["name"]
    upper = name.upper()
    rules = [_rule(node, kind, scores) for kind in node.classes]
    lines = [
        f"/* A node that hears {', '.join(node.rules)}. Written by Touchline. */",
        "#ifndef NODE_CONFIG_H",
        "#define NODE_CONFIG_H",
        "",
        f"#define NODE_CHUNK {node.chunk} /* pushes that the sensor hands over at once */",
        f"#define NODE_EVERY {node.every} /* of sound: hops from one run of the network to the next */",
        "/* A sample lasts NODE_MS_OVER / NODE_MS_UNDER milliseconds. */",
        f"#define NODE_MS_OVER {node.ms.numerator}u",
        f"#define NODE_MS_UNDER {node.ms.denominator}u",
        f"#define NODE_HEARTBEAT_MS {node.heartbeat_ms}u",
        "",
        '#include "model.h"',
        f'#include "touchline_front_{"motion" if node.is_motion else "sound"}.h"',
        "",
        f"#define NODE_ARENA_BYTES {upper}_ARENA_BYTES",
        f"#define NODE_INPUT_OFFSET {upper}_INPUT_OFFSET",
        f"#define NODE_OUTPUT_OFFSET {upper}_OUTPUT_OFFSET",
        f"#define node_model_run {name}_run",
        "",
        f"#define NODE_CLASSES {len(node.classes)}",
        f"#define NODE_SCORE_ZERO_POINT ({scores.zero_point})",
        f"#define NODE_SCORE_FACTOR {milli_factor(scores)} /* a step in thousandths, Q16 */",
        "/* kind, need, of, enter, leave */",
        "#define NODE_RULES \\",
        " \\\n".join(f"    {rule}," for rule in rules),
        "",
        f"#if FRONT_INPUT != {upper}_INPUT_BYTES || NODE_CLASSES != {upper}_OUTPUT_BYTES",
        '#error "features, network and classes are not of one node"',
        "#endif",
        "",
        "#endif",
    ]
    return "\n".join([*lines, ""])


def _rule(node: Node, kind: str, scores: Port) -> str:
    rule = node.rules.get(kind)
    if rule is None:
        return "{0, 1, 1, 128, 128}"
    enter, leave = node.thresholds(rule, scores)
    return f"{{{json.dumps(kind)}, {rule.need}, {rule.of}, {enter}, {leave}}}"
