"""The plots of a run as SVG: Vega-Lite draws them, so that a page needs no script.

The colours are variables of the page's style sheet, so one picture serves light and dark screens.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import vl_convert

from segcli.accounting.series import Point, thinned
from segcli.accounting.series_json import points_in
from segcli.accounting.tally import State

# More points than that do not show in a plot of this width.
_MOST_POINTS = 320
# Pixels: the width of a plot, and the heights of a high and a low one.
_WIDTH, _HEIGHT, _LOW = 640, 150, 90
_COLOURS: Mapping[State, str] = {
    "mapped": "var(--good)",
    "delivered": "var(--good)",
    "refused": "var(--bad)",
    "rejected": "var(--warn)",
    "skipped": "var(--calm)",
    "unsent": "var(--odd)",
}
_SHARES = {"p50": "var(--line-1)", "p95": "var(--line-2)", "p99": "var(--line-3)"}
_CAUSES = ("var(--bad)", "var(--warn)", "var(--odd)", "var(--calm)", "var(--line-1)")
_CONFIG: Mapping[str, Any] = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "aria": False,
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "titleFontWeight": "normal",
        "gridColor": "var(--rule)",
        "domainColor": "var(--rule)",
        "tickColor": "var(--rule)",
        "labelFontSize": 11,
        "titleFontSize": 11,
    },
    "axisY": {"minExtent": 52},
    "legend": {
        "labelColor": "var(--ink)",
        "labelFontSize": 11,
        "orient": "top",
        "title": None,
        "symbolType": "square",
    },
}
_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot.

    name: its name in the page, such as `rate`.
    title: what it shows, with the unit.
    svg: the picture.
    """

    name: str
    title: str
    svg: str


def course_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plots of a run from its report, or why there are none; for `run.html`.

    A page of a live run is made of its report too, so both show the same. Raises what `points_in`
    raises.
    """
    points = points_in(report["series"])
    reason = "" if points else "The course of this run was not recorded."
    return {"plots": plots_of(points), "no_plots": reason}


def plots_of(points: Sequence[Point]) -> list[Plot]:
    """Return the plots of a run; none of what never happened, and none of less than two points."""
    few = thinned(points, _MOST_POINTS)
    drawn = (_rate(few), _latency(few), _in_flight(few), _retries(few), _waits(few))
    return [plot for plot in drawn if plot]


def _rate(points: Sequence[Point]) -> Plot | None:
    rows = [
        {"s": seconds, "n": _per_second(old, new, state), "of": state}
        for old, new in pairwise(points)
        # A value counts from the point before, so the first one begins at the first point.
        for seconds in ([old.seconds, new.seconds] if old is points[0] else [new.seconds])
        for state in _COLOURS
        if new.states[state]
    ]
    rows = _with_zeroes(rows)
    colours = {state: colour for state, colour in _COLOURS.items() if _has(rows, state)}
    mark = {"type": "area", "interpolate": "step-before"}
    encoding = {"y": _y("n", stack=True), "color": _colour("of", colours)}
    return _plot(_Course("rate", "Lines a second, by final state", points), rows, mark, encoding)


def _per_second(old: Point, new: Point, state: State) -> float:
    seconds = new.seconds - old.seconds
    return max(0.0, (new.states[state] - old.states[state]) / seconds) if seconds else 0.0


def _latency(points: Sequence[Point]) -> Plot | None:
    rows = [
        {"s": point.seconds, "n": (point.quantile(int(share[1:]) / 100) or 0.0) * 1000, "of": share}
        for point in points
        if point.answered
        for share in _SHARES
    ]
    mark = {"type": "line", "strokeWidth": 1.5, "point": len(rows) < 60}
    # Not with prefixes: 0.5k milliseconds would be hard to read.
    y = _y("n")
    y["axis"] = {**y["axis"], "format": ",.2~f"}
    encoding = {"y": y, "color": _colour("of", _SHARES)}
    course = _Course("latency", "Response times in milliseconds", points)
    return _plot(course, rows, mark, encoding)


def _in_flight(points: Sequence[Point]) -> Plot | None:
    rows: list[_Row] = [{"s": point.seconds, "n": point.in_flight} for point in points]
    if not any(row["n"] for row in rows):
        return None
    mark = {
        "type": "line",
        "color": "var(--line-1)",
        "strokeWidth": 1.5,
        "interpolate": "step-before",
    }
    course = _Course("in-flight", "Requests in flight", points, _LOW)
    return _plot(course, rows, mark, {"y": _whole("n", max(row["n"] for row in rows))})


def _retries(points: Sequence[Point]) -> Plot | None:
    rows: list[_Row] = [
        {"s": old.seconds, "to": new.seconds, "n": n - old.causes.get(cause, 0), "of": cause}
        for old, new in pairwise(points)
        for cause, n in new.causes.items()
        if n > old.causes.get(cause, 0)
    ]
    most = max((row["n"] for row in rows), default=0)
    y = {**_whole("n", most), "stack": "zero"}
    encoding = {"x2": {"field": "to"}, "y": y, "color": _by_cause(rows)}
    return _plot(
        _Course("retries", "Requests sent again, by cause", points, _LOW), rows, _BAR, encoding
    )


def _waits(points: Sequence[Point]) -> Plot | None:
    rows = [
        {"s": max(0.0, point.seconds - seconds), "to": point.seconds, "of": cause or "other"}
        for point in points
        for cause, seconds in point.waited.items()
    ]
    y = {"field": "of", "type": "nominal", "title": None}
    encoding = {"x2": {"field": "to"}, "y": y, "color": {**_by_cause(rows), "legend": None}}
    height = 22 * len({row["of"] for row in rows})
    course = _Course("waits", "Waiting to try again, by cause", points, height)
    return _plot(course, rows, {"type": "bar"}, encoding)


# A bar from its time to another, and from zero up.
_BAR = {"type": "rect"}


@dataclass(frozen=True, slots=True)
class _Course:
    """A plot over the time of a run, without what is in it; height in pixels."""

    name: str
    title: str
    points: Sequence[Point]
    height: int = _HEIGHT


def _plot(course: _Course, rows: Sequence[_Row], mark: Any, encoding: _Row) -> Plot | None:
    """Draw a plot; None if there is nothing in it."""
    if not rows:
        return None
    x = {
        "field": "s",
        "type": "quantitative",
        "title": "seconds",
        "axis": {"tickCount": 8},
        # All plots have the same time below each other.
        "scale": {"domain": [0, course.points[-1].seconds], "nice": False},
    }
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": _WIDTH,
        "height": course.height,
        "data": {"values": list(rows)},
        "mark": mark,
        "encoding": {"x": x, **encoding},
        "config": _CONFIG,
    }
    return Plot(course.name, course.title, vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def _y(field: str, **more: Any) -> _Row:
    axis = {"tickCount": 4, "format": "~s"}
    return {"field": field, "type": "quantitative", "title": None, "axis": axis, **more}


def _whole(field: str, most: int) -> _Row:
    """Return an axis of whole numbers up to `most`."""
    axis = {"tickCount": min(4, most), "format": "d" if most < 1000 else "~s"}
    return {"field": field, "type": "quantitative", "title": None, "axis": axis}


def _colour(field: str, colours: Mapping[Any, str]) -> _Row:
    scale = {"domain": list(colours), "range": list(colours.values())}
    return {"field": field, "type": "nominal", "scale": scale}


def _by_cause(rows: Iterable[_Row]) -> _Row:
    causes = sorted({row["of"] for row in rows})
    return _colour("of", {cause: _CAUSES[at % len(_CAUSES)] for at, cause in enumerate(causes)})


def _has(rows: Iterable[_Row], state: State) -> bool:
    return any(row["of"] == state for row in rows)


def _with_zeroes(rows: Sequence[_Row]) -> list[_Row]:
    """Give every state a value at every time: areas are stacked value by value."""
    return list(_filled(rows, sorted({row["s"] for row in rows})))


def _filled(rows: Sequence[_Row], times: Sequence[float]) -> Iterator[_Row]:
    known = {(row["s"], row["of"]): row["n"] for row in rows}
    for state in dict.fromkeys(row["of"] for row in rows):
        yield from ({"s": s, "n": known.get((s, state), 0.0), "of": state} for s in times)
