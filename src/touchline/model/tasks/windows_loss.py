"""What a net that tells windows apart is taught to make small."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def window_loss(scores: Tensor, labels: Tensor, smoothing: float) -> dict[str, Tensor]:
    """Cross entropy of scores (N, classes) with labels (N,), smoothed (arXiv 1512.00567, section 7).

    It weighs no class: the loader draws each as often.
    """
    return {"entropy": functional.cross_entropy(scores, labels, label_smoothing=smoothing)}
