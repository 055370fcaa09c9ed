"""A key is hidden in every known form, and other texts stay unchanged."""

import base64
import html
import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import records
from support.retry_harness import retry_harness
from support.tables import for_each

from segcli import Items, by_item
from segcli.core.redaction import Redactor
from segcli.core.reply import Reply
from segcli.core.secret import Secret
from segcli.core.settings import SettingSources, read_settings, secrets_of
from segcli.http.client import NoReply
from segcli.http.reply_reader import LONGEST_REPLY

KEYS = ["sk_live_8f2b61c0d9e74a53b1", 'k%2f "8f2b61c0" \\d9e74a53/b1', "8f2b61c0", "a&b<c>d'e/f+g="]
# The key that `retry_harness` posts with.
KEY = "the-key-of-acme"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def b64_of_addresses(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def in_hex(text: str) -> str:
    return text.encode().hex()


def all_escaped(form: str) -> Callable[[str], str]:
    return lambda text: "".join(form.format(ord(letter)) for letter in text)


def in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": b64,
    "base64 of addresses": b64_of_addresses,
    "hex": in_hex,
    "percent": lambda text: quote(text, safe=""),
    "all percent": all_escaped("%{:02X}"),
    "all by number": all_escaped("\\u{:04x}"),
    "all by bytes": all_escaped("\\x{:02x}"),
    "all in decimals": all_escaped("&#{};"),
    "all in hex": all_escaped("&#x{:X};"),
    "all in decimals with zeros": all_escaped("&#{:04};"),
    "all in hex with zeros": all_escaped("&#x{:06x};"),
    "a form": quote_plus,
    "lower case in base64": lambda text: b64(text.lower()),
    "upper case in base64": lambda text: b64_of_addresses(text.upper()),
    "lower case in hex": lambda text: in_hex(text.lower()),
    "HTML": html.escape,
    "JSON": in_json,
}
OUTER = ["plain", "base64", "base64 of addresses", "hex", "percent", "HTML", "JSON"]


@cache
def redactor_of(key: str) -> Redactor:
    return Redactor(Secret(key).forms())


def hidden(text: str, key: str) -> str:
    return redactor_of(key).redact(text)


def pieces(text: str) -> list[str]:
    """Return all parts of eight characters: none of them may be shown."""
    return [text[start : start + 8] for start in range(len(text) - 7)]


def is_hidden(coded: str, said: str) -> bool:
    shown = said.lower()
    return not any(piece in shown for piece in pieces(coded.lower()))


@for_each("outer", OUTER)
@for_each("inner", ENCODINGS)
@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_hidden_in_every_encoding_applied_once_or_twice(
    key: str, inner: str, outer: str
) -> None:
    coded = ENCODINGS[outer](ENCODINGS[inner](key))
    said = hidden(f"no such key: {coded} (sorry)", key)

    assert is_hidden(coded, said)
    assert "***" in said
    assert said.startswith("no such key: ")
    assert said.endswith(" (sorry)")


@for_each("front", ["", "u", "us", "use", "user:", "token=", "{'a': '"])
@for_each("behind", ["", ":", ":x", "\n", "'}", ":password"])
@for_each("encode", [b64, b64_of_addresses, lambda text: b64(b64(text))])
@pytest.mark.parametrize("key", KEYS)
def test_key_is_hidden_inside_longer_base64(
    key: str, encode: Callable[[str], str], front: str, behind: str
) -> None:
    coded = encode(front + key + behind)
    said = hidden(f"header: {coded}", key)

    # The first and the last character may also encode bits of a neighbour.
    assert "***" in said
    assert len(said) <= len("header: ***") + len(encode(front)) + len(encode(behind)) + 6


@for_each("change", [str.upper, str.lower, str.swapcase, str.title])
@for_each("encoding", ["plain", "hex", "base64", "all percent", "all by number"])
@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_hidden_in_any_case(key: str, encoding: str, change: Callable[[str], str]) -> None:
    coded = change(ENCODINGS[encoding](key))

    assert is_hidden(coded, hidden(f"bad key {coded}!", key))


@for_each("space", [" ", "\n", "\r\n\t", "\u00a0", "\u2028 ", "  \n  "])
@for_each("encoding", ["plain", "hex", "base64", "percent"])
@for_each("every", [1, 4, 7])
@pytest.mark.parametrize("key", KEYS)
def test_key_split_by_white_space_is_hidden(
    key: str, every: int, encoding: str, space: str
) -> None:
    coded = ENCODINGS[encoding](key)
    split = space.join(coded[start : start + every] for start in range(0, len(coded), every))
    said = hidden(f"bad key: {split}!", key)

    assert said == "bad key: ***!"
    body = json.dumps({"error": split, "ok": [1, None, "fine"]}).encode()
    assert json.loads(redactor_of(key).redact_body(body)) == {
        "error": "***", "ok": [1, None, "fine"],
    }  # fmt: skip


def test_body_without_a_key_is_unchanged_byte_for_byte() -> None:
    redactor = Redactor(Secret(KEYS[0]).forms())

    for body in (b"", b"{}", b'{ "a" : "\\u0061\\n" }', b"\xff\xfe\\", b"<p>sk_live_8f2b</p>"):
        assert redactor.redact_body(body) is body


@pytest.mark.parametrize("key", ["prod", "sandbox"])
def test_a_short_key_hides_no_other_words(key: str) -> None:
    texts = [f"{key.upper()} failed", " ".join(key), in_hex(key), key[:-1], f"x{key[1:]}"]

    for text in texts:
        assert hidden(text, key) == text
    assert hidden(f"the key {key}", key) == "the key ***"


@given(text=st.text(alphabet="abcdef0123456789 \n-_%\\u&#;", max_size=300))
def test_texts_without_a_key_are_unchanged(text: str) -> None:
    assert hidden(text, KEYS[0]) == text


@given(
    key=st.text(
        alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40
    ),
    encodings=st.lists(st.sampled_from(OUTER), min_size=1, max_size=2),
    front=st.text(max_size=10),
)
def test_a_hidden_key_is_not_found_again(key: str, encodings: list[str], front: str) -> None:
    coded = key
    for name in encodings:
        coded = ENCODINGS[name](coded)
    redactor = Redactor(Secret(key).forms())
    said = redactor.redact(f"{front} {coded}")

    assert "***" in said
    assert redactor.redact(said) == said


@pytest.mark.parametrize(
    "body",
    [b"x" * LONGEST_REPLY, b"\\ " * (LONGEST_REPLY // 2), b"t h e - k" * (LONGEST_REPLY // 9)],
    ids=["x", "backslashes", "beginnings of a key"],
)
def test_longest_reply_is_redacted_in_bounded_time(body: bytes) -> None:
    redactor = Redactor(Secret(KEY).forms())
    began = time.thread_time()
    redactor.redact_body(body)

    assert time.thread_time() - began < 5


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("status", [200, 422, 503])
def test_echoed_key_in_any_encoding_is_in_no_file_and_no_message(
    status: int, encoding: str, tmp_path: Path
) -> None:
    coded = ENCODINGS[encoding](KEY)
    error = json.dumps({"errors": [{"index": 0, "message": f"{'x' * 150} {coded}"}]})
    items = Items(list="errors", index="index", reason="message")
    found = retry_harness(tmp_path / "rejects", verdict=by_item(items), retry_for=0.0)
    found.play(found.send(1, lambda _: Reply(status, {}, error.encode())))
    told = [record["reason"] for record in records(tmp_path / "rejects")]

    assert (len(told), status == 503) in {(1, False), (0, True)}
    assert all(is_hidden(coded, text) for text in (*told, str(found.sender.stop_signal.reason)))


def test_connection_error_that_has_a_key_is_redacted(tmp_path: Path) -> None:
    found = retry_harness(tmp_path / "rejects", retry_for=0.0)
    found.play(found.send(1, lambda _: NoReply(f"no complete reply: {in_hex(KEY)}")))

    assert in_hex(KEY) not in str(found.sender.stop_signal.reason)
    assert "no complete reply: ***" in str(found.sender.stop_signal.reason)


def test_password_and_token_of_an_endpoint_are_hidden_in_any_encoding() -> None:
    from segcli.destinations import named_destination

    webhook = named_destination("webhook").settings
    given = {"endpoint": "https://me:horse-battery-staple@acme.example/?token=tok_91c47d5e2f"}
    settings = read_settings("webhook", webhook, SettingSources(given=given, env={}, table={}))
    redactor = Redactor(secrets_of(settings))

    for secret in ("horse-battery-staple", "tok_91c47d5e2f"):
        for encode in ENCODINGS.values():
            assert is_hidden(encode(secret), redactor.redact(f"no: {encode(secret)}"))
