"""An address as a store: S3, Google Cloud Storage, Azure, and what else fsspec supports."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from segcli.core.secret import display_address
from segcli.inputs.object_store import is_permanent, located, store_problem
from segcli.shared_journal.store import StoreProblem

# These create an object only if there is none, and decide that on their side. fsspec asks them
# to: `If-None-Match: *` (S3, Azure), `ifGenerationMatch=0` (Google). In other stores fsspec may
# look first and write then, which two machines can do at once.
_CONDITIONAL = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"})


class AddressStore:
    """The objects below an address."""

    def __init__(self, address: str) -> None:
        """Find the store. Raises InputError if its package is missing or the scheme is unknown."""
        self.shown = display_address(address).rstrip("/")
        self._address = address
        self._store, path = located(address)
        self._path = path.rstrip("/")
        protocol = self._store.protocol
        self._schemes = {protocol} if isinstance(protocol, str) else set(protocol)
        self.is_proven = bool(self._schemes & _CONDITIONAL)

    def create(self, name: str, data: bytes) -> bool:
        """Create an object by a conditional write; False if there is one.

        An object of S3 is written with one request, never in parts.
        """
        path = f"{self._path}/{name}"
        with self._problems():
            try:
                if self._schemes & {"s3", "s3a"}:
                    bucket, key, _ = self._store.split_path(path)
                    # Not `pipe_file`, whose older versions leave the condition out.
                    self._store.call_s3(
                        "put_object", Bucket=bucket, Key=key, Body=data, IfNoneMatch="*"
                    )
                else:
                    self._store.pipe_file(path, data, mode="create")
            except Exception as error:
                if _is_there(error):
                    return False
                raise
        return True

    def read(self, name: str) -> bytes | None:
        """Return the content of an object; None if there is none."""
        with self._problems():
            try:
                data: bytes = self._store.cat_file(f"{self._path}/{name}")
            except FileNotFoundError:
                return None
        return data

    def names(self) -> list[str]:
        """Return the names of all objects; none if there is no such folder."""
        with self._problems():
            self._store.invalidate_cache()
            try:
                found: Sequence[Any] = self._store.ls(self._path, detail=False)
            except FileNotFoundError:
                return []
            finally:
                # `cat_file` would not find what is created after this listing.
                self._store.invalidate_cache()
        names = (one.removeprefix(self._path).strip("/") for one in found)
        # A console makes an empty object that stands for the folder itself.
        return [name for name in names if name and not name.startswith(".")]

    def remove(self, names: Sequence[str]) -> None:
        """Remove objects."""
        if names:
            with self._problems():
                self._store.rm([f"{self._path}/{name}" for name in names])

    @contextmanager
    def _problems(self) -> Iterator[None]:
        """Turn any exception of the store's library into a StoreProblem."""
        try:
            yield
        except Exception as error:  # each library has its own classes, without a common base
            text = store_problem(error, self._address)
            raise StoreProblem(text, is_permanent=is_permanent(error)) from error


def _is_there(error: Exception) -> bool:
    """True if an object was not created because there is one. Older s3fs has no error for it."""
    reply = getattr(error.__cause__, "response", None) or {}
    is_refused = reply.get("Error", {}).get("Code") == "PreconditionFailed"
    return is_refused or isinstance(error, FileExistsError)
