"""Layers that work on each element alone."""

from __future__ import annotations

from netcompile.layers._layer import elementwise

TYPES = (
    elementwise("ReLU", "max(0, x); below zero, a slope of `negative_slope`."),
)
