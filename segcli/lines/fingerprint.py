"""Fingerprints: whether an input still begins with the bytes that a journal has accounted for."""

from dataclasses import dataclass

from segcli.errors import InputError
from segcli.inputs import Input, ReadError, open_input

_BLOCK = 1024 * 1024
_LINE_ENDS = b"\r\n"


@dataclass(frozen=True, slots=True)
class Mark:
    """The digest of an input's first `to` bytes; `is_open`: they end within the last line."""

    to: int
    digest: str
    is_open: bool = False


class Fingerprint:
    """The digest of the bytes read so far, held against the mark of an earlier run, if any."""

    def __init__(self, title: str, expected: Mark | None = None) -> None:
        self._title = title
        self._expected = expected
        self._read = 0
        # `transform` takes no fingerprints.
        import hashlib  # noqa: PLC0415

        self._hash = hashlib.blake2b(digest_size=16)

    @property
    def is_verified(self) -> bool:
        """Tell whether nothing is left to be held against an earlier run."""
        return self._expected is None

    @property
    def has_seen_enough(self) -> bool:
        """Tell whether as many bytes were read as an earlier run has accounted for."""
        return self._expected is None or self._read >= self._expected.to

    def update(self, block: bytes) -> None:
        """Take the next bytes, at least one; raises InputError where they are not the same."""
        expected = self._expected
        if expected and self._read + len(block) > expected.to:
            cut = expected.to - self._read
            self._hash.update(block[:cut])
            self._check(expected, following=block[cut : cut + 1])
            block = block[cut:]
            self._read += cut
        self._hash.update(block)
        self._read += len(block)

    def end(self) -> None:
        """Say that there are no more bytes; raises InputError where there were more."""
        expected = self._expected
        if expected is None:
            return
        if self._read < expected.to:
            raise InputError(
                f"{self._title} is shorter than it was: {self._read:,} bytes, and the journal "
                f"accounts for {expected.to:,}",
                _RESTART,
            )
        self._check(expected, following=b"")

    def mark(self, *, is_open: bool = False) -> Mark:
        """Return the mark of all that was read."""
        return Mark(self._read, self._hash.hexdigest(), is_open)

    def _check(self, expected: Mark, following: bytes) -> None:
        if self._hash.hexdigest() != expected.digest:
            raise InputError(
                f"{self._title} has changed: its first {expected.to:,} bytes are not those that "
                "the journal accounts for",
                _RESTART,
            )
        if expected.is_open and following and following not in _LINE_ENDS:
            raise InputError(
                f"{self._title} has changed: its last line, which is accounted for, had no line "
                "break then and goes on now",
                "Send what was added as a file of its own, or everything again with --restart.",
            )
        self._expected = None


def verify(entry: Input, expected: Mark) -> None:
    """Raise InputError unless the input can be read that far and begins with what the mark says."""
    fingerprint = Fingerprint(entry.title, expected)
    with open_input(entry) as stream:
        try:
            while not fingerprint.is_verified and (block := stream.read1(_BLOCK)):
                fingerprint.update(block)
        except OSError as error:
            # Behind what is accounted for it may be as broken as it was.
            if not fingerprint.has_seen_enough:
                hint = error.hint if isinstance(error, ReadError) else ""
                raise InputError(f"{entry.title} cannot be read: {error.strerror}", hint) from None
    fingerprint.end()


_RESTART = "Only its end may have grown. --restart sends everything again from the beginning."
