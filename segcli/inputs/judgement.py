"""What a first look has of an input, and what it says of it."""

from collections.abc import Callable
from dataclasses import dataclass

from segcli.inputs.input import Input

# How much of an input the first look reads at most, in bytes and in lines.
MOST_BYTES = 256 * 1024
MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class Head:
    """The first bytes of an input, unpacked.

    data: The bytes, at most `MOST_BYTES`.
    is_whole: Whether these are all bytes of the input.
    """

    data: bytes
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form of input that has to be converted before segcli reads it.

    what: What the input is, as the end of a sentence that begins with its name.
    command: What converts it; `{}` is where the name of the file goes. Without `{}` it reads stdin.
    piped: What converts it where it comes from another command; empty where `command` does.
    hint: What to do where no command helps.
    line: The number of the line that shows it; 0 where the beginning of the file does.
    has_lines: Whether its lines could be read one by one, each to be rejected.
    needs_file: Whether the command cannot read what another one writes.
    """

    what: str
    command: str = ""
    piped: str = ""
    hint: str = ""
    line: int = 0
    has_lines: bool = True
    needs_file: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a first look says of an input.

    form: Why it cannot be read as it is; None where it can.
    remark: A form that too few lines show to stop a run; it is told in the summary.
    is_settled: Whether more lines would not change that.
    """

    form: Form | None = None
    remark: Form | None = None
    is_settled: bool = False


Judge = Callable[[Head, Input], Judgement]


def accept_all(_head: Head, _entry: Input) -> Judgement:
    """Judge nothing: every line is read, and rejected by itself where it is no event."""
    return Judgement(is_settled=True)
