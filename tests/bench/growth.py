"""How it grows from 10 to 5,000 agents: latency, memory, the highest rate, and one channel's fan-out. Saves the plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import agents, fanout, plot
from .report import Row, none_of

SIZES = (10, 100, 1000, 5000)
A_CHANNEL = 10
POSTS_OF_ONE = 0.5
"""A second: what a thousand agents make five hundred of."""
SECONDS = 4.0
IN_FLIGHT = 32
SVG = Path(__file__).parents[2] / "notebooks" / "images" / "growth.svg"


def measure(folder: Path) -> list[Row]:
    steady: dict[int, Any] = {}
    fanned: dict[int, Any] = {}
    for size in SIZES:
        channels = size // A_CHANNEL
        steady[size] = agents.crowd(folder, size, channels, size * POSTS_OF_ONE, SECONDS, searching=True)
        with fanout.ours(folder, size) as order:
            fanned[size] = fanout.ask(order, [IN_FLIGHT])[0]
    rates = {size: one["search"] for size, one in steady.items()}
    save(steady, rates, fanned)
    return [
        *(row for size in SIZES for row in rows(size, steady[size], rates[size], fanned[size])),
        none_of("growth: lost + doubled + out of order, in all", *steady.values(), *rates.values(), *fanned.values()),
    ]


def rows(size: int, steady: Any, rate: Any, fanned: Any) -> list[Row]:
    name = f"growth: {size:,} agents in {size // A_CHANNEL}"
    return [
        Row(f"{name}, {size * POSTS_OF_ONE:,.0f} posts/s: post → delivered, p50", "ms", [steady["p50"]]),
        Row(f"{name}, {size * POSTS_OF_ONE:,.0f} posts/s: post → delivered, p99", "ms", [steady["p99"]]),
        Row(f"{name}: memory of a connection", "KiB", [steady["kib"]]),
        Row(f"{name}: highest durable rate with p99 < {agents.SEARCH_MS:.0f} ms", "/s", [rate["rate"]]),
        Row(f"growth: {size:,} readers of one channel, {IN_FLIGHT} in flight: deliveries", "/s", [fanned["rate"]]),
    ]


def save(steady: dict[int, Any], rates: dict[int, Any], fanned: dict[int, Any]) -> None:
    SVG.write_text(
        plot.panels(
            [
                plot.Panel(
                    "post → delivered, 0.5 posts/s an agent",
                    "ms",
                    {"p50": column(steady, "p50"), "p99": column(steady, "p99")},
                    logarithmic=True,
                ),
                plot.Panel("memory of a connection", "KiB", {"": column(steady, "kib")}),
                plot.Panel("highest durable rate, p99 < 250 ms", "posts/s", {"": column(rates, "rate")}),
                plot.Panel("one channel, all of them readers", "deliveries/s", {"": column(fanned, "rate")}),
            ],
            "agents",
        )
    )
    print(f"saved {SVG}")


def column(found: dict[int, Any], name: str) -> dict[int, float]:
    return {size: one[name] for size, one in found.items()}
