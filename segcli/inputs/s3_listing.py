"""Listing S3 page by page: its library holds some 4 kB of each object until it has listed all."""

from collections.abc import Iterator, Mapping
from typing import Any

# As many as S3 gives at a time.
_PAGE = 1000


def is_listed_here(store: Any) -> bool:
    """Tell whether `objects_below` lists a store: S3, where names alone tell objects apart."""
    protocol = store.protocol if isinstance(store.protocol, tuple) else (store.protocol,)
    return "s3" in protocol and hasattr(store, "call_s3") and not store.version_aware


def objects_below(store: Any, path: str) -> Iterator[Mapping[str, Any]]:
    """Yield what S3 tells of each object below a bucket or folder, as the library's `find` does.

    Raises what the library does, also where there is no such bucket.
    """
    bucket, key, _ = store.split_path(path)
    if not bucket:
        raise ValueError("Cannot traverse all of S3")
    folder = key.rstrip("/")
    asked = {"Bucket": bucket, "Prefix": f"{folder}/" if folder else "", "MaxKeys": _PAGE}
    more = True
    while more:
        page = store.call_s3("list_objects_v2", **asked)
        for found in page.get("Contents", ()):
            name = f"{bucket}/{found['Key']}"
            yield {**found, "name": name, "size": found["Size"], "type": "file"}
        more = page.get("IsTruncated", False)
        asked["ContinuationToken"] = page.get("NextContinuationToken", "")
