"""The keys that make a body: `body`, `form`, `omit` and `compression`, and the method.

They stand in `request`, and in an action in place of those.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from segcli.core.placeholder import Template
from segcli.core.request_layout import BatchLayout, BodyForm, PostLayout
from segcli.destination_file.payload_mapping import FileParts
from segcli.destination_file.problems import KeyPath, Mistakes
from segcli.destination_file.shape import read_shape

_WITHOUT_BODY = frozenset({"GET", "DELETE"})
_FORM_TYPE = re.compile(r"\s*application/x-www-form-urlencoded\s*(;.*)?", re.IGNORECASE)
_OF_BODIES = re.compile(r"form|multipart|ndjson|jsonl|json-seq", re.IGNORECASE)


def read_post(
    table: Mapping[str, Any], path: KeyPath, usual: PostLayout | None, parts: FileParts
) -> PostLayout:
    """Return how an action, or with no `usual` every action, is posted; without its batch.

    What the table does not say is as in `usual`. Mistakes are noted.
    """
    base = usual or PostLayout()
    method = table.get("method", base.method)
    body = _body(table, method, usual)
    own_form = {
        name: parts.placeholders.read(text, (*path, "form", name), "body", payload="any")
        for name, text in table.get("form", {}).items()
    }
    if own_form and body != "form":
        parts.mistakes.add((*path, "form"), 'needs body = "form"')
    own_table = table.get("body") if isinstance(table.get("body"), dict) else None
    if own_table is not None:
        shape = read_shape(own_table, (*path, "body"), parts)
    else:
        shape = None if "body" in table or "form" in table or body != "json" else base.table
    compression = table.get("compression", base.compression)
    if "compression" in table and compression == "gzip" and body == "none":
        parts.mistakes.add((*path, "compression"), "is for a request that has a body")
    return PostLayout(
        method=method,
        body=body,
        form=own_form or (base.form if body == "form" and "body" not in table else {}),
        table=shape,
        omit=tuple(table.get("omit", base.omit)),
        compression="gzip" if compression == "gzip" and body != "none" else "",
    )


def with_batch(
    post: PostLayout,
    own: BatchLayout | None,
    usual: BatchLayout | None,
    path: KeyPath,
    parts: FileParts,
) -> PostLayout:
    """Return how payloads are posted with the batch of their action, or else of the file.

    A request that can hold one payload only has none; that is a mistake for its `own` batch.
    """
    batch = own or usual
    if batch is None:
        return post
    alone = _reason_alone(post)
    if alone and own is None:
        return post
    where: KeyPath = (*path, "batch") if own else ("batch",)
    if alone:
        parts.mistakes.add(where, alone)
    for key, problem in _problems_of_batch(post, batch):
        parts.mistakes.add((*where, key) if key else where, problem)
    return replace(post, batch=batch)


def check_batch_is_used(
    post: PostLayout, batch: BatchLayout | None, posts: Collection[PostLayout], mistakes: Mistakes
) -> None:
    """Note the batch of the file if no action can have it.

    post: how an action is posted that says nothing of that.
    posts: how all actions are posted.
    """
    reason = _reason_alone(post)
    if batch and reason and not any(one.batch for one in posts):
        mistakes.add(("batch",), reason)


def check_content_headers(
    headers: Mapping[str, Template], post: PostLayout, path: KeyPath, mistakes: Mistakes
) -> None:
    """Note headers that say of the body what is not so.

    path: where the body is described.
    """
    for name, value in headers.items():
        text = "".join(part for part in value.parts if isinstance(part, str))
        if name.lower() == "content-encoding":
            problem = 'is set by request.compression, such as compression = "gzip"'
            mistakes.add(("request", "headers", name), problem)
        elif name.lower() == "content-type" and post.body != "none":
            _check_type(text, post.body, name, path, mistakes)


def _body(table: Mapping[str, Any], method: str, usual: PostLayout | None) -> BodyForm:
    given = table.get("body")
    if isinstance(given, str):
        found: BodyForm = given  # type: ignore[assignment]  # the schema allows no other text
        return found
    if given is not None:
        return "json"
    if "form" in table:
        return "form"
    if usual is not None and "method" not in table:
        return usual.body
    if method in _WITHOUT_BODY:
        return "none"
    return usual.body if usual is not None and usual.body != "none" else "json"


def _reason_alone(post: PostLayout) -> str:
    """Return why a request can hold one payload only; "" if it can hold several."""
    if post.body == "none":
        return "does not go with a request that has no body"
    if post.table is not None:
        return "does not go with a table as the body: use batch.item"
    return ""


def _problems_of_batch(post: PostLayout, batch: BatchLayout) -> Iterator[tuple[str, str]]:
    """Yield each contradiction between a batch and the form of the body, with the key."""
    if post.body == "ndjson" and batch.under:
        yield "under", 'does not go with body = "ndjson": each event is a line'
    if post.body != "form":
        return
    if batch.bytes is not None:
        yield "bytes", "cannot be counted in a form: limit the events"
    taken = [path for text in post.form.values() for path in text.payload_paths]
    if "" not in taken:
        yield "", 'needs a field of the form for all events, such as form = { data = "{payload}" }'
    if any(taken):
        yield "", "does not go with a field of one payload in the form: use {payload} only"


def _check_type(text: str, body: BodyForm, name: str, path: KeyPath, mistakes: Mistakes) -> None:
    """Note a Content-Type that is not that of the body."""
    is_form = bool(_FORM_TYPE.fullmatch(text))
    if body == "form" and not is_form:
        mistakes.add((*path, "body"), f'is "form", but request.headers.{name} says otherwise')
    elif body != "form" and _OF_BODIES.search(text) and not (body == "ndjson" and not is_form):
        kind = "form" if is_form else "ndjson"
        hint = f'set body = "{kind}"' if is_form or "json" in text.lower() else "remove it"
        problem = f"is not what the body is, which is {body}: {hint}"
        mistakes.add(("request", "headers", name), problem)
