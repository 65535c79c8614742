"""A trained model of sound or motion, as its run or the shelf has it → a node, and its firmware."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from touchline.runtime import manifest
from touchline.tiny.artifact import compile_artifact
from touchline.tiny.features import ImuWindow, LogMel, Mfcc
from touchline.tiny.firmware.events import Rule
from touchline.tiny.firmware.node import Node
from touchline.tiny.firmware.write import write_firmware
from touchline.types.errors import ConfigError, ModelError

_MS_A_CHUNK = 100


def make_firmware(model: Path, out: Path, events: Sequence[str] = ()) -> Node:
    """Compile ``model``, an int8 artifact for target edge that says its features, and write its firmware to
    ``out``, new or empty. ``events``: see `node_of`.

    Raises `ModelError` where it is no such artifact, `ConfigError` where ``out`` holds something or ``events`` are
    none of its classes.
    """
    read = manifest.read(model)
    node = node_of(read.manifest, str(model), events)
    with tempfile.TemporaryDirectory(prefix="touchline-") as scratch:
        file = Path(scratch) / f"{read.manifest['name']}.tflite"  # which the C is named after
        shutil.copyfile(read.file, file)
        compile_artifact(file, Path(scratch) / "mcu")
        write_firmware(Path(scratch) / "mcu", node, out)
    return node


def node_of(said: Mapping[str, Any], where: str, events: Sequence[str] = ()) -> Node:
    """The node that a manifest describes. ``events``: classes to tell, by a `Rule` that suits most; by default
    what the manifest says.

    Raises `ModelError` where it says no features, `ConfigError` where it says no events either, or another's.
    """
    if said.get("target") != "edge" or "features" not in said or "labels" not in said:
        raise ModelError(
            f"{where}: says no features and labels; name a model of sound or motion, see docs/training.md"
        )
    rules = {kind: Rule() for kind in events} or {
        kind: Rule(**each) for kind, each in said.get("events", {}).items()
    }
    classes = tuple(said["labels"])
    if not rules:
        raise ConfigError(f"{where}: does not say what to tell; name some of {', '.join(classes)} with --event")
    keys = dict(said["features"])
    if keys.pop("task") == "motion":
        rate = keys.pop("rate")
        return Node(ImuWindow(**keys), rate, classes, rules, chunk=max(1, round(rate * _MS_A_CHUNK / 1000)))
    every, coefficients = keys.pop("every"), keys.pop("coefficients")
    keys["high_hz"] = keys["high_hz"] or None
    mel = LogMel(**keys)
    features = Mfcc(mel, coefficients, mel.scale, mel.zero_point) if coefficients else mel
    return Node(features, mel.rate, classes, rules, every=every)
