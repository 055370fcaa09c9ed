"""Stores: inputs with an address such as `s3://`, read with fsspec, which only this imports."""

import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from segcli.core.extras import how_to_install
from segcli.core.secret import display_address, hide_address_in
from segcli.errors import InputError, SegcliError
from segcli.inputs.stream import ReadError

PART = 2 * 1024 * 1024

_WEB = frozenset({"http", "https"})
# Information about an object that changes when the object changes.
_VERSIONS = ("ETag", "etag", "md5Hash", "Last-Modified", "LastModified", "mtime", "created")
_PACKAGES = {"gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs", "sftp": "paramiko"}
_MAX_PROBLEM = 300
_CREDENTIALS = {
    "s3": "Credentials are those of AWS's own tools: AWS_PROFILE, AWS_ACCESS_KEY_ID, ~/.aws. "
    "For a public bucket type: export FSSPEC_S3_ANON=true",
    "gs": "Credentials are those of Google's own tools: GOOGLE_APPLICATION_CREDENTIALS, or "
    "gcloud auth application-default login",
}
# With this, fsspec streams one reply of a web server, instead of asking for ranges.
_WHOLE = {"block_size": 0}
_NO_CONNECTION = frozenset(
    {errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT}
)
_NOT_FOUND, _RETRY_STATUSES = 404, frozenset({408, 425, 429})


class Readable(Protocol):
    """An open object of a store, read from its start."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end."""

    def close(self) -> None:
        """Close the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """An object in a store.

    store: the store.
    path: the path in the store; it may contain a key, so `repr` does not show it.
    size: the size in bytes; None if the store does not say.
    version: changes when the object changes; empty if the store does not say.
    in_ranges: True if any range can be read, not only the whole from its start.
    """

    store: Any = field(repr=False)
    path: str = field(repr=False)
    size: int | None
    version: str
    in_ranges: bool

    @property
    def identity(self) -> tuple[str, str]:
        """The identity of the object: the type of store and the path."""
        return type(self.store).__name__, self.path

    def start(self, size: int) -> bytes:
        """Return the first `size` bytes, or all. Raises what the store's library raises."""
        if self.in_ranges and self.size is not None:
            return self.range(0, min(size, self.size)) if self.size else b""
        with closing(self.open()) as stream:
            start = b""
            while len(start) < size and (more := stream.read(size - len(start))):
                start += more
            return start

    def range(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` to before `stop`.

        Raises ReadError if the size is not what the store said, and what its library raises.
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
        # For the web, `cat_file` would load a whole file into memory if a server has no ranges.
        with self.store.open(self.path, size=self.size, cache_type="none") as file:
            file.seek(start)
            part: bytes = file.read(stop - start)
        return part

    def open(self) -> Readable:
        """Open the object to read it from its start. Raises what the store's library raises."""
        stream: Readable = self.store.open(self.path, **_WHOLE if is_web(self.store) else {})
        return stream

    def check_same(self) -> None:
        """Raise ReadError if the object has changed, and what the store's library raises."""
        if self.version and object_version(self.store.info(self.path)) != self.version:
            raise changed()


def located(address: str) -> tuple[Any, str]:
    """Return the store of an address and the path in it. Raises InputError."""
    scheme = scheme_of(address)
    try:
        import fsspec  # type: ignore[import-untyped]  # noqa: PLC0415  # optional, and slow

        options = _options(scheme, address, fsspec.config.conf.get(scheme, {}))
        store, path = fsspec.url_to_fs(address, **options)
    except ImportError:
        more = _PACKAGES.get(scheme, "").split()
        raise InputError(
            f"{display_address(address)} cannot be read: the package for {scheme}:// "
            "is not installed",
            f"Type: {how_to_install('remote', *more)}",
        ) from None
    except ValueError as error:
        if "Protocol not known" not in str(error):
            raise
        raise InputError(
            f"{display_address(address)} cannot be read: {scheme}:// is not supported",
            "Type an address such as s3://bucket/folder or https://host/file, or a path.",
        ) from None
    # A program shares the store with its own code, which may have listed it before.
    store.invalidate_cache()
    return store, path


def compiled_pattern(path: str) -> "re.Pattern[str]":
    """Return what matches the paths that a pattern with `*`, `?` or `[` stands for."""
    from fsspec.utils import glob_translate  # type: ignore[import-untyped]  # noqa: PLC0415

    return re.compile(glob_translate(path))


def object_of(store: Any, info: Mapping[str, Any]) -> Object:
    """Return the object that a store's information is about."""
    size = info.get("size")
    return Object(
        store=store,
        path=info["name"],
        size=size,
        version=object_version(info),
        in_ranges=size is not None and (not is_web(store) or _has_ranges(store, info)),
    )


def object_version(info: Mapping[str, Any]) -> str:
    """Return the version of an object, which changes when it is replaced; empty if unknown."""
    version = next((info[key] for key in _VERSIONS if info.get(key)), "")
    if isinstance(version, datetime):
        version = version.timestamp()
    return f"{info.get('size')}-{version}" if version else ""


def is_web(store: Any) -> bool:
    """True if a store is a web server, which lists nothing and may have no ranges."""
    return "http" in (store.protocol if isinstance(store.protocol, tuple) else (store.protocol,))


def scheme_of(address: str) -> str:
    """Return `s3` of `s3://bucket`."""
    return address.partition("://")[0].lower()


@contextmanager
def asking(shown: str, address: str) -> Iterator[None]:
    """Turn any exception of a store's library into an InputError.

    The message contains `shown`, and hides the other parts of the address.
    """
    try:
        yield
    except SegcliError:
        raise
    except Exception as error:  # each library has its own classes, without a common base
        problem = store_problem(error, address)
        if not _is_missing(error):
            hint = _CREDENTIALS.get(scheme_of(shown), "") if _is_locked_out(error) else ""
            raise InputError(f"{shown} cannot be read: {problem}", hint) from None
        hint = "There is no such bucket." if "bucket does not" in problem else ""
        raise InputError(f"{shown} does not exist", hint) from None


def store_problem(error: Exception, address: str) -> str:
    """Return the message of a store's library on one line, without secrets of the address."""
    if isinstance(error, FileNotFoundError):
        if error.__cause__ is None:
            return "there is no such file"
        error = error.__cause__ if isinstance(error.__cause__, Exception) else error
    status, message = _status(error), getattr(error, "message", "")
    reason = error.strerror if isinstance(error, ReadError) else _system_reason(error) or str(error)
    text = f"HTTP {status} {message}" if status else reason or type(error).__name__
    text = hide_address_in(" ".join(text.split()), address)
    return text[:_MAX_PROBLEM].rstrip(".")


def _system_reason(error: Exception) -> str:
    """Return what is wrong with a connection that cannot be made; "" for any other error."""
    if not isinstance(error, OSError) or error.errno is None:
        return ""
    # The numbers of errors of DNS are negative.
    is_unknown = error.errno < 0
    if not is_unknown and error.errno not in _NO_CONNECTION:
        return ""
    host, port = getattr(error, "host", ""), getattr(error, "port", "")
    begin = f"cannot connect to {host}:{port}: " if host else ""
    said = (
        f"{error.strerror}; check the name of the host" if is_unknown else os.strerror(error.errno)
    )
    return begin + said


def is_permanent(error: Exception) -> bool:
    """True if a retry cannot help."""
    if isinstance(error, ReadError | FileNotFoundError | PermissionError | ImportError):
        return True
    status = _status(error)
    return 400 <= status < 500 and status not in _RETRY_STATUSES


def changed() -> ReadError:
    """Return the error for an object that has changed since it was checked."""
    return ReadError(
        "it has changed since it was checked",
        "An input must not change while it is read. Try again when it is complete.",
    )


def _options(scheme: str, address: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return options for fsspec. The user's fsspec configuration takes precedence."""
    if scheme in {"s3", "s3a"}:
        # s3fs tries each request five times; botocore would try each of these five times.
        retries = {"retries": {"total_max_attempts": 2}}
        return {"config_kwargs": retries | wanted.get("config_kwargs", {})}
    if scheme not in _WEB:
        return {}
    import aiohttp  # noqa: PLC0415  # optional, and slow to import

    client = {
        # Read the stored bytes without decoding: their first bytes show the format.
        "auto_decompress": False,
        "headers": {"Accept-Encoding": "identity"},
        "trust_env": True,
        "timeout": aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=30),
    }
    return {"client_kwargs": client | wanted.get("client_kwargs", {}), "encoded": "%" in address}


def _has_ranges(store: Any, info: Mapping[str, Any]) -> bool:
    """True if a web server has ranges: ask it for the second byte, if the file is large."""
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
    """True if there is no such file. For the web, the library reports every error as that."""
    if not isinstance(error, FileNotFoundError):
        return False
    is_of_web = hasattr(error.__cause__, "request_info") or isinstance(error.__cause__, OSError)
    return not is_of_web or _status(error) == _NOT_FOUND


def _is_locked_out(error: Exception) -> bool:
    return isinstance(error, PermissionError) or "Credential" in type(error).__name__


def _status(error: BaseException) -> int:
    """Return the HTTP status that an error is about; 0 if it is not about a reply."""
    cause = error.__cause__ if isinstance(error, FileNotFoundError) else error
    status = getattr(cause, "status", 0)
    return status if isinstance(status, int) else 0
