"""What to type to convert an input into lines of events."""

import shlex

from segcli.errors import InputError
from segcli.inputs.decompress import Packing
from segcli.inputs.input import Input
from segcli.inputs.judgement import Form

_LINE_BY_LINE = "To read it as it is, and have such lines rejected one by one: --no-first-look"
# What writes an object to stdout, by the beginning of its address.
_FETCHED_BY = {
    "s3://": "aws s3 cp {} -",
    "gs://": "gcloud storage cat {}",
    "http://": "curl -fsSL {}",
    "https://": "curl -fsSL {}",
}


def refusal(entry: Input, packing: Packing | None, form: Form) -> InputError:
    """Return the error that an input has a form that is not read, and what to type."""
    lines = [
        _what_to_do(entry, packing, form),
        _LINE_BY_LINE if form.has_lines else "",
        elsewhere(entry) if not form.has_lines else "",
    ]
    return InputError(_sentence(entry, form), "\n".join(filter(None, lines)))


def elsewhere(entry: Input) -> str:
    """Return what to do with a file that nobody named and that is no input."""
    if not entry.found_in:
        return ""
    pattern = f"{entry.found_in.rstrip('/')}/*.jsonl"
    return f"Move it out of {entry.found_in}, or name the files that are: {pattern}"


def described_form(entry: Input, packing: Packing | None, form: Form) -> str:
    """Return a form and what to type, as a remark in a summary."""
    return "\n".join(filter(None, (_sentence(entry, form), _what_to_do(entry, packing, form))))


def _sentence(entry: Input, form: Form) -> str:
    place = f":{form.line}" if form.line else ""
    return f"{entry.title}{place} {form.what}"


def _what_to_do(entry: Input, packing: Packing | None, form: Form) -> str:
    """Return the command that converts the input; where there is none, what else to do."""
    if not form.command:
        return form.hint
    before = _unpacking(entry, packing)
    command = form.command
    if before and form.needs_file:
        return f"{form.hint} Save it as a file first."
    if before:
        command = form.piped or command
        read = f"{before} | {command.replace('{}', '').strip()}"
    elif "{}" in command:
        read = command.replace("{}", _quoted(entry.name))
    else:
        read = f"{command} < {_quoted(entry.name)}"
    said = f"Type: {read} | segcli … -"
    return f"{form.hint}\n{said}" if form.hint else said


def _unpacking(entry: Input, packing: Packing | None) -> str:
    """Return what writes the input to a pipe; empty where a command can read the file itself."""
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
    """Return a name as a shell takes it; one that begins with `-` is no option then."""
    return shlex.quote(f"./{name}" if name.startswith("-") else name)
