"""Draws bar charts as SVG, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _LEFT, _RIGHT = 760, 215, 60
_BAR, _GAP, _TOP = 14, 14, 58
_COLOURS = ("#8a8f98", "#c8872e", "#2f8f6b", "#2b6cb0")
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#24292f}"
    ".title{font-weight:600;font-size:14px}.value{font-size:11px}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}}"
)


@dataclass(frozen=True)
class Group:
    """The label of a group of bars, and the value of each series; a series without a value has no bar."""

    label: str
    values: Mapping[str, float]


def bars(title: str, series: Mapping[str, str], groups: Sequence[Group]) -> str:
    """Returns an SVG image with one bar per series in every group; each group has its own scale.

    `series` maps the names in `Group.values` to the labels of the legend.
    """
    colours = dict(zip(series, _COLOURS, strict=False))
    parts = [f'<text class="title" x="12" y="20">{escape(title)}</text>', *_legend(series, colours)]
    y = _TOP
    for group in groups:
        shown = [name for name in series if name in group.values]
        scale = (_WIDTH - _LEFT - _RIGHT) / (max(group.values.values(), default=0.0) or 1.0)
        middle = y + len(shown) * _BAR / 2 + 4
        parts.append(
            f'<text x="{_LEFT - 10}" y="{middle:.0f}" text-anchor="end">{escape(group.label)}</text>'
        )
        for name in shown:
            value = group.values[name]
            width = max(1.0, value * scale)
            parts.append(
                f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR - 2}" rx="2" '
                f'fill="{colours[name]}"><title>{escape(series[name])}: {value:.2f}</title></rect>'
            )
            parts.append(
                f'<text class="value" x="{_LEFT + width + 5:.1f}" y="{y + _BAR - 4}">{value:.2f}</text>'
            )
            y += _BAR
        y += _GAP
    label = escape(title, quote=True)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" '
            f'viewBox="0 0 {_WIDTH} {y}" role="img" aria-label="{label}">',
            f"<style>{_STYLE}</style>",
            *parts,
            "</svg>",
            "",
        ]
    )


def _legend(series: Mapping[str, str], colours: Mapping[str, str]) -> list[str]:
    parts, x = [], 12.0
    for name, label in series.items():
        parts.append(f'<rect x="{x:.0f}" y="32" width="11" height="11" rx="2" fill="{colours[name]}"/>')
        parts.append(f'<text x="{x + 16:.0f}" y="42">{escape(label)}</text>')
        x += 36 + 6.6 * len(label)
    return parts
