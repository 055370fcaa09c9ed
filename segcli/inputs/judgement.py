"""What the first look knows of an input, and what it decides."""

from collections.abc import Callable
from dataclasses import dataclass

from segcli.inputs.input import Input

# The most bytes and lines of an input that the first look checks.
MOST_BYTES = 256 * 1024
MOST_LINES = 100


@dataclass(frozen=True, slots=True)
class Head:
    """The first bytes of an input, decompressed.

    data: the bytes, at most `MOST_BYTES`.
    is_whole: True if these are all bytes of the input.
    """

    data: bytes
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form of an input that must be converted before segcli can read it.

    what: what the input is, as the rest of a sentence that begins with its name.
    command: converts the input. `{}` stands for the name of the file; without it, the command reads
      stdin.
    piped: converts the output of another command; empty if `command` can do that.
    hint: what to know about the command, or what to do if there is none.
    line: the number of the line that shows the form; 0 if the whole file does.
    has_lines: True if its lines could be read one by one, and each rejected.
    needs_file: True if the command cannot read the output of another command.
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
    """What the first look decides about an input.

    form: the form that must be converted; None if the input can be read as it is.
    remark: a form that too few lines show to stop a run; the summary has it.
    is_final: True if more lines would not change the decision.
    """

    form: Form | None = None
    remark: Form | None = None
    is_final: bool = False


HeadJudge = Callable[[Head, Input], Judgement]


def accept_all(_head: Head, _entry: Input) -> Judgement:
    """Accept every input. Each line that is not an event is then rejected by itself."""
    return Judgement(is_final=True)
