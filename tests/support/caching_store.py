"""`caching://`, a store that keeps its listings and is shared with the whole program, as `gs://`.

Importing this imports fsspec.
"""

from collections.abc import Mapping
from typing import Any

import fsspec


class CachingStore(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """The folder `logs` of `caching://`.

    versions: its objects and their versions, which a test may change.
    """

    protocol = "caching"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.versions: dict[str, str] = {}

    def ls(self, path: str, detail: bool = True, **_: object) -> list[Any]:
        if path not in self.dircache:
            self.dircache[path] = self._listed(path)
        found = self.dircache[path]
        return found if detail else [one["name"] for one in found]

    def info(self, path: str, **_: object) -> Mapping[str, Any]:
        """Ask only if no listing has the object, and keep nothing, as the libraries do."""
        known = self._ls_from_cache(path) or self._listed(path)
        for one in [*known, *self._listed("")]:
            if one["name"] == path.rstrip("/"):
                return one
        raise FileNotFoundError(path)

    def invalidate_cache(self, path: str | None = None) -> None:
        assert path is None
        self.dircache.clear()

    def _listed(self, path: str) -> list[dict[str, Any]]:
        if not path:
            return [{"name": "logs", "size": 0, "type": "directory"}]
        return [
            {"name": name, "size": 2, "type": "file", "etag": version}
            for name, version in self.versions.items()
            if path.rstrip("/") in {"logs", name}
        ]
