"""Destination files with random mutations."""

from typing import Any

from hypothesis import strategies as st
from support.destination_file import ACME, GONE, TRACK, changed
from support.destination_file_errors import KEY, ROUTED
from support.event_strategies import one_of_several

from segcli import catalog
from segcli.core.destination import Destination
from segcli.destination_file import destination_from_text
from segcli.destination_file.parse import parse_document
from segcli.destinations import BUILT_IN
from segcli.errors import DestinationError

# --- anything at all


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["", "{settings.api_key}", "{settings.x}", "{route}", "{", "https://a.example/{route}", "/t",
     "track", TRACK, "type = ", "@path", "$.event", "text", "address", "POST", '{"a": 1}', "\n",
     "GET", "form", "ndjson", "none", "gzip", "{payload}", "{payload.name}", "{payload.p}",
     "https://a.example/{payload.name}/x", "a.b"]
)  # fmt: skip
leaves = (
    st.none() | st.booleans() | st.integers(-2, 600) | st.integers() | texts
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            texts | st.sampled_from(["subscribe", "mapping", "url", "events", "under", "index",
                                     "bearer", "default", "secret", "@path", "@if", "@liquid",
                                     "body", "form", "omit", "item", "by", "with", "compression",
                                     "oauth", "token_url", "@each", "@setting", "item", "key",
                                     "only"]),
            inner, max_size=3,
        )
    ),
    max_leaves=8,
)  # fmt: skip


def paths(value: Any, path: str = "") -> list[str]:
    inner = (
        value.items() if isinstance(value, dict)
        else enumerate(value) if isinstance(value, list) else ()
    )  # fmt: skip
    found = [
        (f"{path}.{key}" if path else str(key), one) for key, one in inner if "." not in str(key)
    ]
    return [one for name, at in found for one in (name, *paths(at, name))]


DOCUMENTS = [
    ACME,
    changed(ACME, ROUTED | {"batch": {"events": 5, "under": "b", "with": {"k": KEY}},
                         "reply": {"retry": [409], "items": {"list": "e", "index": "i"}}}),
    changed(ACME, {"reply": {"success": "body.code = 0", "wrong_key_if": "body.code = 1", "items": {
        "list": "e", "index": "i", "index_text": "/{index}", "retry_flag": "f", "indexes": ["a"],
        "match": {"b.c": "name"}, "unnamed": "retry"}}}),
    parse_document(catalog.catalog_text("braze"), "braze.toml") | {"name": "acme"},
    changed(ACME, {"actions.0.fields": {
        "name": {"type": "string", "required": True, "choices": ["a", {"value": "b"}]},
        "o": {"type": "object", "multiple": True, "properties": {"p": "string email"},
              "required": {"conditions": [{"fieldKey": "name", "operator": "is", "value": 1}]}},
    }}),
    changed(ACME, ROUTED | {
        "request.url": "https://api.acme.example/v1{route}?at={payload.name}",
        "request.headers": {"X-Id": "id {payload.id}"},
        "request.omit": ["id"],
        "request.compression": "gzip",
        "actions.0.mapping": {"name": {"@path": "$.event"}, "id": {"@path": "$.messageId"},
                              "p": {"@path": "$.properties"}},
        "actions.0.route": "/t/{payload.id}",
        "batch": {"events": 5, "under": "a.b", "with": {"k": "{payload.name}", "a": {"c": KEY}},
                  "by": ["p"], "item": {"type": "t", "all": "{payload}", "n": "{payload.p.n}",
                                        "s": KEY, "x": {"@path": "$.p.x"}}},
    }),
    changed(ACME, {"request.auth": {"oauth": {
        "token_url": "https://auth.acme.example/token", "client_id": "me", "client_secret": KEY,
        "grant": "refresh_token", "refresh_token": KEY, "scope": "a b", "credentials": "header",
    }}}),
    changed(ACME, ROUTED | {
        "request.form": {"data": "{payload}", "key": KEY, "n": "n {payload.name}"},
        "actions.1": {"subscribe": 'type = "page"', "route": "/p", "mapping": {"a": 1},
                      "method": "DELETE"},
        "actions.2": {"subscribe": 'type = "screen"', "route": "/s", "mapping": {"a": 1},
                      "body": {"user": "{payload.a}", "k": KEY}},
        "actions.3": {"subscribe": 'type = "group"', "route": "/g", "mapping": {"a": 1},
                      "body": "ndjson", "batch": {"events": 9}},
    }),
    changed(ACME, {"settings.app": {"default": "a1"}, "actions.0.mapping": {
        "each": {"@each": {"value": {"@path": "$.properties"}, "omit": ["a"], "rename": {"b": "c"},
                           "dates": "seconds", "as": "text", "deep": True,
                           "item": {"v": {"@path": "$.value"}},
                           "key": {"@template": "{{outer.event}} {{key}}"}}},
        "at": [{"@epoch": {"value": {"@path": "$.timestamp"}, "unit": "milliseconds"}},
               {"@iso": {"value": {"@path": "$.timestamp"}}}],
        "id": {"@ulid": {"time": {"@path": "$.timestamp"}, "value": {"@setting": "app"}}},
        "text": {"@template": "{{settings.app}}-{{event}}"},
        "o": {"k": {"@setting": "api_key"}, "t": {"@tail": {"value": "abc", "length": 2}}},
    }, "actions.0.fields": {
        "each": {"type": "object", "additionalProperties": True}, "at": "datetime multiple",
        "id": "string required", "text": "string",
        "o": {"type": "object", "properties": {"k": "string", "t": "integer"}},
    }}),
]  # fmt: skip


# Made once: to make a strategy for each draw takes longer than to draw.
A_DOCUMENT = st.sampled_from(DOCUMENTS)
MORE = st.just("") | st.just(".") | st.sampled_from([".default", ".type", ".with"])
VALUES_OR_GONE = values | st.just(GONE)


@st.composite
def mutated_documents(draw: st.DrawFn) -> dict[str, Any]:
    """A description with one to three values replaced, taken away or added."""
    document = draw(A_DOCUMENT)
    for _ in range(draw(st.integers(1, 3))):
        known = paths(document)
        path = one_of_several(draw, known) if known else "name"
        more = draw(MORE)
        new = draw(VALUES_OR_GONE)
        try:
            document = changed(document, {path + more if more != "." else path: new})
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            continue
    return document


def taken(text: str, title: str) -> Destination[Any] | None:
    """Return the destination of a text; None where its mistakes are said in words."""
    try:
        return destination_from_text(text, title, str, taken=BUILT_IN)
    except DestinationError as error:
        said = error.message
    assert said.startswith(title)
    return None
