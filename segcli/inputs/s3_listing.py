"""List S3 page by page: its library would keep about 4 kB for each object of the listing."""

from collections.abc import Iterator, Mapping
from typing import Any

# The most that S3 returns at a time.
_PAGE = 1000


def is_listed_in_pages(store: Any) -> bool:
    """True if `objects_below` can list a store: S3, unless objects have several versions."""
    protocol = store.protocol if isinstance(store.protocol, tuple) else (store.protocol,)
    return "s3" in protocol and hasattr(store, "call_s3") and not store.version_aware


def objects_below(store: Any, path: str) -> Iterator[Mapping[str, Any]]:
    """Yield S3's information about each object below a bucket or folder, like the library's `find`.

    Raises what the library raises, also if there is no such bucket.
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
