"""Reads the bodies of requests that a destination file describes: JSON, lines, forms, and none."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segcli.core.placeholder import PAYLOAD, Placeholder, Template
from segcli.core.request_layout import BatchLayout, BodyForm, PostLayout
from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON, elements, parse_body, parse_form
from segcli.sandbox.vendors.rules import not_object, unknown_key
from segcli.sandbox.vendors.template_matcher import WRONG, TemplateMatcher, is_of_payload
from segcli.sandbox.vendors.vendor import Call, ReceivedItem, RequestReading

_ALL = Template((Placeholder(PAYLOAD),))


@dataclass(frozen=True, slots=True)
class Decoded:
    """A body that is decoded.

    form: how it was written.
    value: its JSON; the values of its lines; or the fields of the form.
    text: the body.
    """

    form: BodyForm
    value: JSON
    text: bytes


def decoder(posts: Sequence[PostLayout]) -> Callable[[Call], Decoded]:
    """Return the function that decodes a body that is written in one of the ways of these posts.

    It raises ValueError, with the reason why the body is not written in the first of these ways.
    """
    forms: Sequence[BodyForm] = list(dict.fromkeys(post.body for post in posts))

    def decode(call: Call) -> Decoded:
        problems = []
        for form in forms:
            try:
                return Decoded(form, _DECODERS[form](call.body), call.body)
            except ValueError as problem:
                problems.append(problem)
        raise problems[0]

    return decode


def post_of(posts: Sequence[PostLayout], decoded: Decoded) -> PostLayout:
    """Return how a body seems to be posted, of several ways to one address."""
    posts = [post for post in posts if post.body == decoded.form]
    if len(posts) == 1 or decoded.form != "json":
        return posts[0]
    value = decoded.value
    if isinstance(value, list):
        bare = (post for post in posts if post.batch and not post.batch.under)
        return next(bare, posts[0])
    alone = next((post for post in posts if post.batch is None), posts[0])
    named = (post for post in posts if post.batch and _holds(value, post.batch.under))
    return next(named, alone)


def received_items(post: PostLayout, decoded: Decoded, matcher: TemplateMatcher) -> RequestReading:
    """Return the events of a body, or why it is not what the file describes."""
    match decoded.form:
        case "none":
            return (ReceivedItem({}, b"{}"),)
        case "ndjson":
            return _lines(post, decoded, matcher)
        case "form":
            return _fields(post, decoded.value, matcher)
        case "json":
            return _json_items(post, decoded.value, decoded.text, matcher)


def payload_path(shape: Any) -> Sequence[str] | None:
    """Return the keys at which what is posted holds the whole payload; None if it does not."""
    if shape is None:
        return ()
    if not isinstance(shape, Mapping):
        return None
    for key, value in shape.items():
        if value == _ALL:
            return (key,)
        below = payload_path(value) if isinstance(value, Mapping) else None
        if below is not None:
            return (key, *below)
    return None


def _empty(body: bytes) -> JSON:
    if body:
        raise ValueError("the request must have no body")


def _json(body: bytes) -> JSON:
    try:
        return parse_body(body)
    except ValueError as error:
        raise ValueError(f"the body is not JSON: {error}") from None


def _json_lines(body: bytes) -> JSON:
    if not body.endswith(b"\n"):
        raise ValueError("the body must be lines of JSON, each with a line break")
    return [_json(line) for line in body[:-1].split(b"\n")]


_DECODERS: Mapping[BodyForm, Callable[[bytes], JSON]] = {
    "none": _empty,
    "json": _json,
    "ndjson": _json_lines,
    "form": parse_form,
}


def _holds(value: JSON, under: str) -> bool:
    """Return whether there is something at a dotted path."""
    for name in under.split("."):
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True


def _fields(post: PostLayout, fields: dict[str, str], matcher: TemplateMatcher) -> RequestReading:
    """Read a form: it has the events in one field, or is the only event."""
    if not post.form:
        return (ReceivedItem(fields, json.dumps(fields).encode()),)
    if problem := unknown_key(fields, post.form.keys()):
        return Refusal(WRONG, problem)
    for name, wanted in post.form.items():
        if is_of_payload(wanted):
            continue
        status = matcher.text(wanted, fields[name]) if name in fields else WRONG
        if status:
            return Refusal(status, f"{name} must be what the file says")
    name = next((name for name, wanted in post.form.items() if wanted == _ALL), "")
    if not name:
        return (ReceivedItem(fields, json.dumps(fields).encode()),)
    text = fields.get(name, "").encode()
    try:
        return _json_items(post, _json(text), text, matcher)
    except ValueError:
        return Refusal(WRONG, f"{name} must be JSON")


def _lines(post: PostLayout, decoded: Decoded, matcher: TemplateMatcher) -> RequestReading:
    most = post.batch.events if post.batch else 1
    if len(decoded.value) > most:
        return Refusal(WRONG, f"the body must be 1 to {most:,} lines")
    return _shaped(post, decoded.value, decoded.text[:-1].split(b"\n"), "line ", matcher)


def _json_items(
    post: PostLayout, value: JSON, text: bytes, matcher: TemplateMatcher
) -> RequestReading:
    batch = post.batch
    if batch is None:
        problem = not_object(value, "the body")
        return Refusal(WRONG, problem) if problem else _shaped(post, [value], [text], "", matcher)
    names = batch.under.split(".") if batch.under else []
    for status, problem in _wrapper(batch, names, value, matcher):
        if status:
            return Refusal(status, problem)
    events, where = value, batch.under or "the body"
    for name in names:
        events = events[name]
    if not isinstance(events, list) or not 1 <= len(events) <= batch.events:
        return Refusal(WRONG, f"{where} must be an array of 1 to {batch.events:,} events")
    return _shaped(post, events, elements(text, *names), where, matcher)


def _shaped(
    post: PostLayout, events: Sequence[JSON], raws: Sequence[bytes], where: str,
    matcher: TemplateMatcher,
) -> RequestReading:  # fmt: skip
    """Return the events, if each is an object, and what the file says."""
    for place, event in enumerate(events):
        if problem := not_object(event, f"{where}[{place}]"):
            return Refusal(WRONG, problem)
        if post.shape is not None and (status := matcher.value(post.shape, event)):
            return Refusal(status, f"event {place} must be what the file says")
    return tuple(map(ReceivedItem, events, raws))


def _wrapper(
    batch: BatchLayout, names: Sequence[str], value: JSON, matcher: TemplateMatcher
) -> Iterator[tuple[int, str]]:
    """Check the objects around the events; yield a status, 0 if good, and its problem."""
    extra: Any = batch.extra
    where, marks = "", batch.marks
    for name in names:
        known = {*extra, *marks, name}
        problem = not_object(value, where or "the body") or unknown_key(value, known)
        yield WRONG if problem else 0, problem
        for key in {**extra, name: _ALL}:
            is_there = key in value or (key != name and is_of_payload(extra[key]))
            yield 0 if is_there else WRONG, f"{_joined(where, key)} is missing"
        for key, wanted in {**marks, **extra}.items():
            is_marked = key in marks and value.get(key) == marks[key]
            if key != name and key in value and not is_marked:
                status = matcher.value(wanted, value[key]) if key in extra else WRONG
                yield status, f"{_joined(where, key)} must be what the file says"
        marks = {}
        where, extra, value = _joined(where, name), extra.get(name, {}), value[name]


def _joined(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
