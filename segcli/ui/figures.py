"""A run and a check as the values that their pages show: the figures are those of the report."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segcli.accounting.reject_samples import RejectSample, RejectSamples
from segcli.core.plural import count_of
from segcli.core.reason import general_reason
from segcli.core.redaction import Redactor
from segcli.errors import Exit

STATE_CLASSES: Mapping[str, str] = {
    "mapped": "good",
    "checked": "good",
    "delivered": "good",
    "refused": "bad",
    "rejected": "warn",
    "skipped": "calm",
    "unsent": "odd",
}
# Where a line may end on its way, in the order of the way.
_WAY = ("skipped", "rejected", "refused", "unsent", "checked", "mapped", "delivered")
_MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Values:
    """Whether values of events are shown, and what hides keys in them.

    samples: the lines to show; None to show no value of an event.
    redactor: hides keys.
    """

    samples: RejectSamples | None = None
    redactor: Redactor = field(default_factory=lambda: Redactor(()))

    def text(self, text: str) -> str:
        """Return a text that may quote an event: without its values unless they are shown."""
        return self.redactor.redact(text) if self.samples is not None else general_reason(text)


def run_figures(
    report: Mapping[str, Any], values: Values, *, is_running: bool = False
) -> dict[str, Any]:
    """Return what the page of a run shows, from the JSON of its report."""
    over_all = report["ledger_over_all_runs"] if report["resumed"] else {}
    inputs = report["inputs"]
    return {
        "title": f"{report['command']} to {report['destination']}",
        "subtitle": _subtitle(report),
        "stopped": values.text(report["stopped"] or ""),
        **_verdict(report["exit_code"], is_running=is_running),
        "steps": list(_steps(report["read"], report["ledger"], "ledger.")),
        "over_all": ", ".join(f"{lines:,} {state}" for state, lines in over_all.items()),
        "facts": list(_facts(report)),
        "states": list(report["ledger"]),
        "actions": report.get("actions", []),
        "fanned_out": report.get("fanned_out", 0),
        "reasons": list(_reasons(report, values)),
        "notes": list(report["notes"].items()),
        "inputs": inputs[:_MOST_LISTED],
        "more_inputs": max(0, len(inputs) - _MOST_LISTED),
    }


def check_figures(
    review: Mapping[str, Any], inputs: Sequence[str], values: Values
) -> dict[str, Any]:
    """Return what the page of a check shows, from the JSON of its report."""
    groups = review["groups"][:_MOST_LISTED]
    found = review["errors"] + review["warnings"]
    mood = "incomplete" if review["errors"] else "done"
    return {
        "title": f"check for {review['destination'] or 'a tracking plan'}",
        "subtitle": count_of(review["read"], "line"),
        "mood": mood,
        "verdict": count_of(review["errors"], "error"),
        "steps": list(_steps(review["read"], review["counts"], "counts.")),
        "errors": review["errors"],
        "warnings": review["warnings"],
        "requests": review["plan"]["requests"],
        "groups": [_group(one, values.text) for one in groups],
        "hidden": found - sum(one["findings"] for one in groups),
        "not_carried": review["not_carried"],
        "routes": [{**one, "route": values.text(one["route"])} for one in review["plan"]["routes"]],
        "inputs": inputs[:_MOST_LISTED],
        "more_inputs": max(0, len(inputs) - _MOST_LISTED),
    }


def _subtitle(report: Mapping[str, Any]) -> str:
    where = report["endpoint"] or ""
    if report["sandbox"]:
        where = f"the sandbox at {where}: nothing left this machine"
    return " · ".join(
        filter(None, (where, f"began {report['started'][:19].replace('T', ' ')} UTC"))
    )


def _verdict(code: int, *, is_running: bool) -> dict[str, str]:
    if is_running:
        return {"mood": "running", "verdict": "running"}
    known = {
        int(Exit.DONE): ("done", "done"),
        int(Exit.INCOMPLETE): ("incomplete", "done, not all taken"),
    }
    mood, verdict = known.get(code, ("stopped", "stopped"))
    return {"mood": mood, "verdict": verdict}


def _steps(read: int, ledger: Mapping[str, int], prefix: str) -> Iterator[dict[str, Any]]:
    """Yield where lines ended, in the order of their way; first all of them."""
    yield _step("read", read, 1.0 if read else 0.0, colour="accent", figure="read")
    for state in (state for state in _WAY if state in ledger):
        lines = ledger[state]
        share = lines / read if read else 0.0
        yield _step(state, lines, share, colour=STATE_CLASSES[state], figure=f"{prefix}{state}")


def _step(name: str, lines: int, share: float, *, colour: str, figure: str) -> dict[str, Any]:
    width = round(max(share * 100, 0.4 if lines else 0.0), 2)
    return {
        "name": name,
        "lines": lines,
        "share": share,
        "width": width,
        "colour": colour,
        "figure": figure,
    }


def _facts(report: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    seconds, ledger = report["seconds"], report["ledger"]
    is_send = "delivered" in ledger
    done = ledger["delivered"] if is_send else report["read"]
    yield _fact("duration", "seconds", f"{seconds:,.1f} s")
    rate = f"{done / seconds if seconds else 0:,.0f}/s"
    yield _fact("delivered" if is_send else "lines", "rate", rate)
    if report["requests"]:
        yield _fact("requests", "requests", f"{report['requests']:,}")
        yield _fact("sent again", "retries", f"{report['retries']:,}")
    for share, milliseconds in report["latency_ms"].items():
        yield _fact(f"answers, {share}", f"latency_ms.{share}", f"{milliseconds:,.1f} ms")
    yield _fact("bytes read", "bytes_read", shown_size(report["bytes_read"]))
    if report["bytes_sent"]:
        yield _fact("bytes sent", "bytes_sent", shown_size(report["bytes_sent"]))


def _fact(name: str, figure: str, text: str) -> dict[str, str]:
    return {"name": name, "figure": figure, "text": text}


def _reasons(report: Mapping[str, Any], values: Values) -> Iterator[dict[str, Any]]:
    """Yield the reasons; those that differ only in values of events are added up."""
    lines: dict[tuple[str, str], int] = {}
    for one in report["reasons"]:
        key = (one["state"], values.text(one["reason"]))
        lines[key] = lines.get(key, 0) + one["lines"]
    for (state, reason), number in lines.items():
        samples = _samples(state, reason, values)
        yield {"state": state, "reason": reason, "lines": number, "samples": samples}


def _samples(state: str, reason: str, values: Values) -> list[dict[str, Any]]:
    found = values.samples.found if values.samples else {}
    kept = found.get((state, general_reason(reason)), [])
    # Reasons that differ in values have one list of samples: each shows its own.
    own = [one for one in kept if state == "refused" or one.reason == reason]
    return [_sample(one, values.redactor) for one in own]


def _sample(one: RejectSample, redactor: Redactor) -> dict[str, Any]:
    place = f"{'stdin' if one.file == '-' else one.file}:{one.line}"
    text = redactor.redact(one.text.decode(errors="replace"))
    return {"place": place, "text": text, "is_cut": one.is_cut}


def _group(group: Mapping[str, Any], text: Callable[[str], str]) -> dict[str, Any]:
    places = [f"{one['file']}:{one['line']}" for one in group["places"][:1]]
    shown = {name: group[name] for name in ("code", "level", "lines", "field")}
    return {**shown, "problem": text(group["problem"]), "place": "".join(places)}


def shown_size(size: int | None) -> str:
    """Return a number of bytes for people: `12.3 MB`."""
    if size is None:
        return ""
    if size < 1000:
        return count_of(size, "byte")
    value, units = float(size), iter(("kB", "MB", "GB", "TB"))
    unit = ""
    while value >= 1000 and (larger := next(units, "")):
        value, unit = value / 1000, larger
    return f"{value:,.1f} {unit}"
