"""Stores: what has an address, such as `s3://`, is read by fsspec, which is imported here only."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from segcli.core.secret import display_address, hide_address_in
from segcli.errors import InputError, SegcliError
from segcli.inputs.stream import ReadError

PART = 2 * 1024 * 1024

_WEB = frozenset({"http", "https"})
# What a store tells of an object that is another once the object is.
_VERSIONS = ("ETag", "etag", "md5Hash", "Last-Modified", "LastModified", "mtime", "created")
_PACKAGES = {"gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs", "sftp": "paramiko"}
_LONGEST_PROBLEM = 300
_CREDENTIALS = {
    "s3": "Credentials are taken as by AWS's own tools: AWS_PROFILE, AWS_ACCESS_KEY_ID, ~/.aws. "
    "For a public bucket type: export FSSPEC_S3_ANON=true",
    "gs": "Credentials are taken as by Google's own tools: GOOGLE_APPLICATION_CREDENTIALS, or "
    "gcloud auth application-default login",
}
# The web's own library then streams one answer, rather than ask for one range after the other.
_WHOLE = {"block_size": 0}
_NOT_FOUND, _TOO_EARLY = 404, frozenset({408, 425, 429})


class Readable(Protocol):
    """What a store gives to be read from the beginning on."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most so many; none at the end."""

    def close(self) -> None:
        """Let go of the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """An object in a store. Its path may hold a key, so it is not shown.

    `size` is None where the store does not tell it, `version` empty. `in_ranges`: any range of
    its bytes can be read, not only all of them from the beginning.
    """

    store: Any = field(repr=False)
    path: str = field(repr=False)
    size: int | None
    version: str
    in_ranges: bool

    @property
    def identity(self) -> tuple[str, str]:
        """What no other object has."""
        return type(self.store).__name__, self.path

    def start(self, size: int) -> bytes:
        """Return so many of its first bytes, or all; raises whatever the store's library does."""
        if self.in_ranges and self.size is not None:
            return self.range(0, min(size, self.size)) if self.size else b""
        with closing(self.open()) as stream:
            start = b""
            while len(start) < size and (more := stream.read(size - len(start))):
                start += more
            return start

    def range(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` to before `stop`; raises whatever the store's library does.

        Raises ReadError where there are fewer, or more behind the last, than the store has said.
        """
        end = stop if is_web(self.store) or stop != self.size else stop + 1
        found = self._range(start, end)
        if len(found) != stop - start:
            raise changed()
        return found

    def _range(self, start: int, stop: int) -> bytes:
        if not is_web(self.store):
            data: bytes = self.store.cat_file(self.path, start=start, end=stop)
            return data
        # The web's own `cat_file` takes a whole file into memory where a server knows no ranges.
        with self.store.open(self.path, size=self.size, cache_type="none") as file:
            file.seek(start)
            part: bytes = file.read(stop - start)
        return part

    def open(self) -> Readable:
        """Open it to be read from the beginning on; raises whatever the store's library does."""
        stream: Readable = self.store.open(self.path, **_WHOLE if is_web(self.store) else {})
        return stream

    def check_same(self) -> None:
        """Raise ReadError where the object is another now; whatever the store's library does."""
        if self.version and object_version(self.store.info(self.path)) != self.version:
            raise changed()


def located(address: str) -> tuple[Any, str]:
    """Return the store of an address and the path in it; raises InputError."""
    scheme = scheme_of(address)
    try:
        import fsspec  # type: ignore[import-untyped]  # noqa: PLC0415  # optional, and slow

        options = _options(scheme, address, fsspec.config.conf.get(scheme, {}))
        store, path = fsspec.url_to_fs(address, **options)
    except ImportError:
        more = _PACKAGES.get(scheme, "")
        raise InputError(
            f"{display_address(address)} cannot be read: what reads {scheme}:// is not installed",
            f"Type: pip install 'segcli[remote]' {more}".rstrip(),
        ) from None
    except ValueError as error:
        if "Protocol not known" not in str(error):
            raise
        raise InputError(
            f"{display_address(address)} cannot be read: nothing is known that reads {scheme}://",
            "Type an address such as s3://bucket/folder or https://host/file, or a path.",
        ) from None
    store.invalidate_cache()
    return store, path


def object_of(store: Any, info: Mapping[str, Any]) -> Object:
    """Return the object that a store tells this of."""
    size = info.get("size")
    return Object(
        store=store,
        path=info["name"],
        size=size,
        version=object_version(info),
        in_ranges=size is not None and (not is_web(store) or _has_ranges(store, info)),
    )


def object_version(info: Mapping[str, Any]) -> str:
    """Return what differs once an object was replaced; empty where the store tells nothing."""
    said = next((info[key] for key in _VERSIONS if info.get(key)), "")
    if isinstance(said, datetime):
        said = said.timestamp()
    return f"{info.get('size')}-{said}" if said else ""


def is_web(store: Any) -> bool:
    """Tell whether a store is a web server, which lists nothing and may know no ranges."""
    return "http" in (store.protocol if isinstance(store.protocol, tuple) else (store.protocol,))


def scheme_of(address: str) -> str:
    """Return `s3` of `s3://bucket`."""
    return address.partition("://")[0].lower()


@contextmanager
def asking(shown: str, address: str) -> Iterator[None]:
    """Turn whatever a store's library raises into an InputError.

    It names what is `shown`, and shows nothing of the address that is not.
    """
    try:
        yield
    except SegcliError:
        raise
    except Exception as error:  # each store's library has its own, with no ancestor in common
        problem = store_problem(error, address)
        if not _is_missing(error):
            hint = _CREDENTIALS.get(scheme_of(shown), "") if _is_locked_out(error) else ""
            raise InputError(f"{shown} cannot be read: {problem}", hint) from None
        hint = "There is no such bucket." if "bucket does not" in problem else ""
        raise InputError(f"{shown} does not exist", hint) from None


def store_problem(error: Exception, address: str) -> str:
    """Say in a line what a store's library says, without what must not be shown."""
    if isinstance(error, FileNotFoundError):
        if error.__cause__ is None:
            return "there is no such file"
        error = error.__cause__ if isinstance(error.__cause__, Exception) else error
    status, message = _status(error), getattr(error, "message", "")
    said = error.strerror if isinstance(error, ReadError) else str(error)
    text = f"HTTP {status} {message}" if status else said or type(error).__name__
    text = hide_address_in(" ".join(text.split()), address)
    return text[:_LONGEST_PROBLEM].rstrip(".")


def is_for_good(error: Exception) -> bool:
    """Tell whether trying once more will not help."""
    if isinstance(error, ReadError | FileNotFoundError | PermissionError | ImportError):
        return True
    status = _status(error)
    return 400 <= status < 500 and status not in _TOO_EARLY


def changed() -> ReadError:
    """Return the error that an object is another than it was when it was looked at."""
    return ReadError(
        "it has changed since it was looked at",
        "Only a whole and steady file can be accounted for. Try again once it is.",
    )


def _options(scheme: str, address: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return options for fsspec; what the user wants, by fsspec's own configuration, wins."""
    if scheme in {"s3", "s3a"}:
        # s3fs tries each request five times, and botocore would try each of these five times.
        retries = {"retries": {"total_max_attempts": 2}}
        return {"config_kwargs": retries | wanted.get("config_kwargs", {})}
    if scheme not in _WEB:
        return {}
    import aiohttp  # noqa: PLC0415  # optional, and slow to import

    client = {
        # The bytes as they are stored, whatever the server says of them: they tell themselves.
        "auto_decompress": False,
        "headers": {"Accept-Encoding": "identity"},
        "trust_env": True,
        "timeout": aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=30),
    }
    return {"client_kwargs": client | wanted.get("client_kwargs", {}), "encoded": "%" in address}


def _has_ranges(store: Any, info: Mapping[str, Any]) -> bool:
    """Ask a web server for a byte in the middle, where the file is more than a part."""
    size: int = info["size"]
    if size <= PART:
        return True
    if info.get("partial") is False:
        return False
    try:
        with store.open(info["name"], size=size, cache_type="none") as file:
            file.seek(1)
            return len(file.read(1)) == 1
    except ValueError:
        return False


def _is_missing(error: Exception) -> bool:
    """Tell whether there is no such file; of the web that is said of whatever keeps one from it."""
    if not isinstance(error, FileNotFoundError):
        return False
    is_of_web = hasattr(error.__cause__, "request_info") or isinstance(error.__cause__, OSError)
    return not is_of_web or _status(error) == _NOT_FOUND


def _is_locked_out(error: Exception) -> bool:
    return isinstance(error, PermissionError) or "Credential" in type(error).__name__


def _status(error: BaseException) -> int:
    """Return the status of an HTTP reply that an error is about; 0 where it is about none."""
    cause = error.__cause__ if isinstance(error, FileNotFoundError) else error
    status = getattr(cause, "status", 0)
    return status if isinstance(status, int) else 0
