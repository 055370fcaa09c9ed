"""One event before and after, for the page: its payloads, requests, sources and findings."""

from collections.abc import Iterable, Iterator
from typing import Any

from segcli.core import exact_json
from segcli.core.decision import Mapped, payloads_of
from segcli.core.destination import Remark
from segcli.core.event import Event, Rejected
from segcli.core.line import TooLong
from segcli.core.outcome import Job, Outcome, event_of, map_event, outcome_at
from segcli.core.redaction import MASK, Redactor
from segcli.core.settings import secrets_of
from segcli.core.visible_text import visible, visible_lines
from segcli.review import segment_spec
from segcli.review.codes import CODES, NOT_CARRIED, code_of_rejection, code_of_remark
from segcli.review.sources import Sources, pointer, sources_of
from segcli.ui.event_index import IndexedLine
from segcli.ui.json_rows import json_rows

# Characters of a line that is no event.
_MOST_RAW = 20_000


def summary_of(line: IndexedLine, job: Job) -> dict[str, Any]:
    """Return what the list shows of an event."""
    event = event_of(line.text)
    found = map_event(event, job) if isinstance(event, Event) else event
    outcome = outcome_at(line.file, line.number, found)
    shown = {
        "file": visible(line.file),
        "line": line.number,
        "state": outcome.state,
        "reason": visible(outcome.reason),
    }
    if not isinstance(event, Event):
        return {**shown, "name": visible(_raw(line)[:80]), "type": "", "user": "", "time": ""}
    data = event.data
    name = data.get("event") or data.get("name") or event.type
    return {
        **shown,
        "type": event.type,
        "name": visible(str(name)[:200]),
        "user": visible((event.user_id or event.anonymous_id or "")[:200]),
        "time": visible(str(data.get("timestamp") or "")[:40]),
    }


def details_of(line: IndexedLine, job: Job) -> dict[str, Any]:
    """Return everything about an event that the page shows; keys in `job` must be masked."""
    event = event_of(line.text)
    shown = summary_of(line, job)
    if not isinstance(event, Event):
        return {**shown, "raw": visible_lines(_raw(line)), "rows": [], "payloads": []}
    found = map_event(event, job)
    outcome = outcome_at(line.file, line.number, found)
    return {
        **shown,
        "code": _code_of(outcome),
        "notes": [visible(note) for note in outcome.notes],
        "rows": json_rows(event.data),
        "payloads": [_payload(one, job) for one in payloads_of(found)],
        "rejections": [
            visible(f"{one.action} rejects it: {one.reason}") for one in outcome.rejections
        ],
        "marks": _marks(event, job, outcome),
    }


def _code_of(outcome: Outcome) -> str:
    """Return the code of a rejection; "" if it is none."""
    is_rejected = outcome.state == "rejected"
    return code_of_rejection(Rejected("", "", outcome.code)) if is_rejected else ""


def _payload(one: Mapped, job: Job) -> dict[str, Any]:
    return {
        "action": visible(one.action),
        "route": visible(one.route),
        "rows": json_rows(exact_json.loads(one.body, levels=2 * exact_json.MAX_DEPTH)),
        "request": _request(one, job),
    }


def _request(one: Mapped, job: Job) -> dict[str, Any]:
    """Return the request that would carry the payload alone, with `***` for keys."""
    destination, settings = job.destination, job.settings
    redactor = Redactor(secrets_of(settings, destination.secrets(settings)))
    try:
        request = destination.request(one.request_key, [one.body], settings)
    except Exception as error:  # a plug-in may need a setting that is not given
        return {"problem": f"no request can be made without all settings: {error!r}"}
    headers = dict(request.headers)
    if destination.token:
        headers.setdefault("Authorization", f"Bearer {MASK}")
    return {
        "method": request.method,
        "url": redactor.redact(request.url),
        "headers": [[name, _header(name, text, redactor)] for name, text in headers.items()],
        "body": visible_lines(redactor.redact_body(request.body).decode(errors="replace")),
    }


def _header(name: str, text: str, redactor: Redactor) -> str:
    if name.lower() == "authorization":
        return f"{text.partition(' ')[0]} {MASK}" if " " in text else MASK
    return redactor.redact(text)


def _marks(event: Event, job: Job, outcome: Outcome) -> dict[str, Any]:
    """Return what is known about the values: where they go, and what the findings say."""
    remarks = [
        *segment_spec.remarks_by_type(event),
        *segment_spec.remarks_by_value(event),
        *job.destination.remarks(event, job.settings),
    ]
    sources = sources_of(event, job) if outcome.payloads else Sources({}, frozenset(), frozenset())
    return {
        "carried": [[path, sorted(places)] for path, places in sources.carried.items()],
        "decides": sorted(sources.decides),
        "notCarried": sorted(sources.not_carried),
        "notCarriedWords": f"is not carried by {job.destination.name}",
        "notCarriedCode": NOT_CARRIED,
        "untried": sources.untried,
        "findings": list(_findings(remarks)),
    }


def _findings(remarks: Iterable[Remark]) -> Iterator[dict[str, str]]:
    for remark in remarks:
        code = code_of_remark(remark.code)
        yield {
            "path": _pointer(remark.field),
            "field": visible(remark.field),
            "problem": visible(remark.problem),
            "code": code,
            "means": CODES[code].means,
        }


def _pointer(field: str) -> str:
    """Return the path of a field; of an item of a list, that of the list."""
    path = ""
    for name in field.partition("[")[0].split(".") if field else ():
        path = pointer(path, name)
    return path


def _raw(line: IndexedLine) -> str:
    text = line.text.head if isinstance(line.text, TooLong) else line.text
    return text[:_MOST_RAW].decode(errors="backslashreplace")
