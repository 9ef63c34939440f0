"""Draws a run's log.jsonl as SVG: agreement, or the class that stays the same, over seconds; a line for each student."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 360, 56, 16, 190, 44
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")  # Okabe and Ito's
SERIES = {"aside": "float", "aside int8": "int8", "labelled": "AP, float", "labelled int8": "AP, int8"}

Point = tuple[float, float]


def curves(entries: list[dict[str, Any]]) -> dict[str, list[Point]]:
    """(seconds, percent) by student and what was measured."""
    found: dict[str, list[Point]] = {}
    for entry in entries:
        for key, name in SERIES.items():
            if key in entry:
                found.setdefault(f"{entry['name']}, {name}", []).append((entry["seconds"], entry[key][0]))
        if "same class" in entry.get("aside losses", {}):
            found.setdefault(entry["name"], []).append((entry["seconds"], 100 * entry["aside losses"]["same class"]))
    return found


def svg(found: dict[str, list[Point]]) -> str:
    """@raises ValueError where there is nothing to draw"""
    points = [p for line in found.values() for p in line]
    if not points:
        raise ValueError("the log has no checks of detections or classes")
    last = max(x for x, _ in points) or 1.0
    low = min(10 * (min(y for _, y in points) // 10), 90.0)
    high = max(10 * -(-max(y for _, y in points) // 10), low + 10)

    def place(x: float, y: float) -> str:
        wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return f"{LEFT + wide * x / last:.1f},{TOP + tall * (high - y) / (high - low):.1f}"

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">']
    parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>')
    for k in range(5):
        y = low + (high - low) * k / 4
        (x0, at), (x1, _) = (place(x, y).split(",") for x in (0, last))
        parts.append(f'<line x1="{x0}" y1="{at}" x2="{x1}" y2="{at}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at}" text-anchor="end" dominant-baseline="middle">{y:g}</text>')
    for k in range(5):
        x, bottom = place(last * k / 4, low).split(",")
        parts.append(f'<text x="{x}" y="{float(bottom) + 18}" text-anchor="middle">{last * k / 4:.0f}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">seconds</text>')
    for k, (name, line) in enumerate(found.items()):
        colour = COLOURS[k % len(COLOURS)]
        parts.append(f'<polyline points="{" ".join(place(*p) for p in line)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="2.5" fill="{colour}"/>' for p in (place(*p) for p in line)]
        parts.append(f'<text x="{WIDTH - RIGHT + 10}" y="{TOP + 12 + 16 * k}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])


def plot(log: str | Path, out: str | Path) -> None:
    entries = [json.loads(line) for line in Path(log).read_text().splitlines() if line]
    Path(out).write_text(svg(curves(entries)))
