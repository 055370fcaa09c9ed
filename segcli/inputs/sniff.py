"""The first bytes of an input: what is no NDJSON is told by them, before anything is sent."""

from codecs import BOM_UTF8

from segcli.inputs.input import Input
from segcli.inputs.judgement import Form, Head, Judgement

_LOOKED_AT = 16

_PAGES = (b"<!doctype html", b"<html", b"<?xml")
_FOREIGN = (
    (b"\x1f\x8b", "is compressed twice", "gzip -dc {}"),
    (b"\x28\xb5\x2f\xfd", "is compressed twice", "zstd -dc {}"),
    (b"BZh", "is bzip2", "bzip2 -dc {}"),
    (b"\xfd7zXZ\x00", "is xz", "xz -dc {}"),
    (b"\xff\xfe", "is UTF-16 text", "iconv -f UTF-16 -t UTF-8 {}"),
    (b"\xfe\xff", "is UTF-16 text", "iconv -f UTF-16 -t UTF-8 {}"),
    (b"PK\x03\x04", "is a zip archive", "unzip -p {}"),
)


def judge_start(head: Head, entry: Input) -> Judgement:
    """Say whether NDJSON can begin like this; a file that nobody named begins with an object."""
    for mark, what, command in _FOREIGN:
        if head.data.startswith(mark):
            form = Form(what=f"{what}, not lines of JSON", command=command, has_lines=False)
            return Judgement(form=form)
    return Judgement(form=_form_of(head.data.removeprefix(BOM_UTF8).lstrip(), entry))


def _form_of(text: bytes, entry: Input) -> Form | None:
    if text.startswith(b"["):
        return Form(what="is a JSON array, not lines of JSON", command="jq -c '.[]' {}")
    if text.startswith((b"{\n", b"{\r\n")):
        what = "holds JSON over several lines, not a line for each event"
        return Form(what=what, command="jq -c . {}")
    if text[:_LOOKED_AT].lower().startswith(_PAGES):
        return Form(
            what="is a page of HTML or XML, not lines of JSON",
            hint="An address of a folder ends with a /. An error of a server may be a page too.",
        )
    if entry.found_in and text and not text.startswith(b"{"):
        return Form(
            what="is not lines of JSON",
            hint=f"Move it out of {entry.found_in}, or name the files that are: "
            f"{entry.found_in.rstrip('/')}/*.jsonl",
        )
    return None
