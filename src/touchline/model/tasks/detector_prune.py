"""Structured pruning: whole channels leave the network, so that it is smaller on every runtime."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from touchline.model.nets.athlete import COARSEST, AthleteNet
from touchline.model.tasks.detector_recipe import NetSpec, Prune
from touchline.types.errors import ConfigError


def pruned(state: Mapping[str, Tensor], spec: NetSpec, prune: Prune) -> dict[str, Tensor]:
    """The weights ``state`` of a net of shape ``spec``, as those of one of shape ``prune.left(spec)``.

    torch-pruning says which channels go: those that depend on each other (by a sum, or a convolution and its
    normalisation) are one, and the ones with the smallest weights go, by the norm over all of them (Fang et al.
    2023, arXiv 2301.12900, `GroupMagnitudeImportance`). Raises `ConfigError` where the library is missing.
    """
    try:
        library: Any = importlib.import_module("torch_pruning")
    except ImportError as error:
        raise ConfigError(
            "[prune] needs torch-pruning; in a clone: .venv/bin/pip install -e '.[train]'"
        ) from error
    net = AthleteNet(spec.widths, spec.depths, spec.head)
    net.load_state_dict(state)
    graph = library.DependencyGraph().build_dependency(net, torch.zeros(1, 6, 2 * COARSEST, 2 * COARSEST))
    importance = library.importance.GroupMagnitudeImportance(p=2)
    for group in graph.get_all_groups(ignored_layers=[net.out], root_module_types=[nn.Conv2d]):
        layer = cast(nn.Conv2d, group[0].dep.target.module)
        leaving = layer.out_channels - prune.keeps(layer.out_channels)
        least = importance(group).argsort()[:leaving].tolist()
        graph.get_pruning_group(layer, library.prune_conv_out_channels, least).prune()
    kept = prune.left(spec)
    fitting = AthleteNet(kept.widths, kept.depths, kept.head)
    fitting.load_state_dict(net.state_dict())
    return dict(fitting.state_dict())
