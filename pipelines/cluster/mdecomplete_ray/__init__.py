"""Restores recordings with ``mdecomplete restore`` on many machines.

On a Ray cluster by `restore_on_ray` or ``python -m mdecomplete_ray``; as an array of jobs, without
Ray, by `restore_share` or its option ``--share``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# Modules of the package name it in manifests.
__version__ = "0.1.0"

from .order import Order
from .share import restore_share
from .show import Tally

if TYPE_CHECKING:
    from .cluster import Resources, restore_on_ray

__all__ = ["Order", "Resources", "Tally", "restore_on_ray", "restore_share"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """What needs Ray is loaded when it is asked for: arrays of jobs do without."""
    if name in ("Resources", "restore_on_ray"):
        from . import cluster

        return getattr(cluster, name)
    raise AttributeError(name)
