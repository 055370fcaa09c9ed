"""Say what to type to convert an input into lines of events."""

import shlex

from segcli.errors import InputError
from segcli.inputs.decompress import Packing
from segcli.inputs.input import Input
from segcli.inputs.judgement import Form

_LINE_BY_LINE = "To read it as it is, and reject such lines one by one, add --no-first-look."
# The command that writes an object to stdout, by the start of its address.
_FETCHED_BY = {
    "s3://": "aws s3 cp {} -",
    "gs://": "gcloud storage cat {}",
    "http://": "curl -fsSL {}",
    "https://": "curl -fsSL {}",
}


def refusal(entry: Input, packing: Packing | None, form: Form) -> InputError:
    """Return the error for an input in a form that segcli does not read, with what to type."""
    lines = [
        _what_to_do(entry, packing, form),
        _LINE_BY_LINE if form.has_lines else "",
        elsewhere(entry) if not form.has_lines else "",
    ]
    return InputError(_sentence(entry, form), "\n".join(filter(None, lines)))


def elsewhere(entry: Input) -> str:
    """Return what to do with a file in a folder that is not an input; empty if it was named."""
    if not entry.found_in:
        return ""
    pattern = f"{entry.found_in.rstrip('/')}/*.jsonl"
    return f"Move it out of {entry.found_in}, or name the files with events: {pattern}"


def described_form(entry: Input, packing: Packing | None, form: Form) -> str:
    """Return what is wrong with an input and what to type, as a remark for the summary."""
    return "\n".join(filter(None, (_sentence(entry, form), _what_to_do(entry, packing, form))))


def _sentence(entry: Input, form: Form) -> str:
    place = f":{form.line}" if form.line else ""
    return f"{entry.title}{place} {form.what}"


def _what_to_do(entry: Input, packing: Packing | None, form: Form) -> str:
    """Return the command that converts the input; without one, what else to do."""
    if not form.command:
        return form.hint
    before = _unpacking(entry, packing)
    command = form.command
    if before and form.needs_file:
        return f"{form.hint} Save it as a file first, decompressed."
    if before:
        command = form.piped or command
        read = f"{before} | {command.replace('{}', '').strip()}"
    elif "{}" in command:
        read = command.replace("{}", _quoted(entry.name))
    else:
        read = f"{command} < {_quoted(entry.name)}"
    to_type = f"Type: {read} | segcli … -"
    return f"{form.hint}\n{to_type}" if form.hint else to_type


def _unpacking(entry: Input, packing: Packing | None) -> str:
    """Return the command that writes the input to a pipe; empty if the file can be read itself."""
    name = _quoted(entry.name)
    if entry.name == "-":
        return f"… | {packing.command}" if packing else "…"
    if entry.remote:
        fetch = next(
            (by for scheme, by in _FETCHED_BY.items() if entry.name.startswith(scheme)), ""
        )
        fetched = fetch.format(name) if fetch else "…"
        return f"{fetched} | {packing.command}" if packing else fetched
    return f"{packing.command} {name}" if packing else ""


def _quoted(name: str) -> str:
    """Return a name quoted for a shell. A name that begins with `-` must not become an option."""
    return shlex.quote(f"./{name}" if name.startswith("-") else name)
