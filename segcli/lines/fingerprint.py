"""Fingerprints: check that an input still begins with the bytes that an earlier run has read."""

from dataclasses import dataclass

from segcli.errors import InputError
from segcli.inputs import Input, ReadError, open_input

_BLOCK = 1024 * 1024
_LINE_ENDS = b"\r\n"
_RESTART_HINT = (
    "Only additions at its end are allowed. To send everything again from the beginning, add "
    "--restart."
)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an input was read.

    to: the number of bytes.
    digest: the digest of these bytes.
    is_open: True if they end with a line that had no line break.
    """

    to: int
    digest: str
    is_open: bool = False


class Fingerprint:
    """The digest of the bytes read so far, compared with the mark of an earlier run, if any."""

    def __init__(self, title: str, expected: Mark | None = None) -> None:
        self._title = title
        self._expected = expected
        self._read = 0
        # Imported here, because `transform` takes no fingerprints.
        import hashlib  # noqa: PLC0415

        self._hash = hashlib.blake2b(digest_size=16)

    @property
    def is_verified(self) -> bool:
        """True if the bytes match the mark of the earlier run, or there is no mark."""
        return self._expected is None

    @property
    def has_seen_enough(self) -> bool:
        """True if at least as many bytes were read as the earlier run had read."""
        return self._expected is None or self._read >= self._expected.to

    def update(self, block: bytes) -> None:
        """Add the next bytes, at least one. Raises InputError if they differ from earlier ones."""
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
        """Note the end of the input. Raises InputError if it is shorter than it was, or differs."""
        expected = self._expected
        if expected is None:
            return
        if self._read < expected.to:
            raise InputError(
                f"{self._title} is shorter than it was: {self._read:,} bytes, and the journal "
                f"accounts for {expected.to:,}",
                _RESTART_HINT,
            )
        self._check(expected, following=b"")

    def mark(self, *, is_open: bool = False) -> Mark:
        """Return the mark of all bytes so far."""
        return Mark(self._read, self._hash.hexdigest(), is_open)

    def _check(self, expected: Mark, following: bytes) -> None:
        if self._hash.hexdigest() != expected.digest:
            raise InputError(
                f"{self._title} has changed: its first {expected.to:,} bytes are not those that "
                "the journal accounts for",
                _RESTART_HINT,
            )
        if expected.is_open and following and following not in _LINE_ENDS:
            raise InputError(
                f"{self._title} has changed: its last line had no line break when it was sent, "
                "and is longer now",
                "Send the added text as a separate file, or everything again with --restart.",
            )
        self._expected = None


def verify(entry: Input, expected: Mark) -> None:
    """Raise InputError unless the input can be read up to the mark and matches it."""
    fingerprint = Fingerprint(entry.title, expected)
    with open_input(entry) as stream:
        try:
            while not fingerprint.is_verified and (block := stream.read1(_BLOCK)):
                fingerprint.update(block)
        except OSError as error:
            # An error after the mark does not matter here: the earlier run may have met it too.
            if not fingerprint.has_seen_enough:
                hint = error.hint if isinstance(error, ReadError) else ""
                raise InputError(f"{entry.title} cannot be read: {error.strerror}", hint) from None
    fingerprint.end()
