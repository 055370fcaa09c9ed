"""What a task takes from its executor: keys, and the proxies of its machine."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from segcli.core.secret import Secret
from segcli.errors import SettingsError, UsageError
from segcli.http.network import Network, network_from
from segcli.inputs.small_file import read_named

_FROM_FILE = "--api-key-from file:"
_KEY_HINT = "Write the key into the first line of this file on every executor."
_MAX_KEY_BYTES = 64 * 1024
_ENV, _FILE = "env:", "file:"


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where a task gets a key.

    kind: a variable or a file of the executor; `carried` for a key that goes along with the task.
    """

    kind: Literal["env", "file", "carried"]
    _text: str = field(repr=False)

    def key(self) -> Secret:
        """Return the key. Raises SettingsError if it is not there."""
        if self.kind == "carried":
            return Secret(self._text)
        if self.kind == "env":
            if not (key := os.environ.get(self._text, "")):
                raise SettingsError(
                    f"the executor has no variable {self._text}, which --api-key-from names",
                    f"Set it with spark.executorEnv.{self._text} only if the settings of the "
                    "cluster are private; better by the platform, or with "
                    "--api-key-from file:PATH.",
                )
            return Secret(key)
        try:
            key = read_named(Path(self._text), max_bytes=_MAX_KEY_BYTES).partition("\n")[0].strip()
        except ValueError as problem:
            raise SettingsError(f"{_FROM_FILE}{self._text} {problem}", _KEY_HINT) from None
        if not key:
            raise SettingsError(f"{_FROM_FILE}{self._text}: the first line is empty", _KEY_HINT)
        return Secret(key)


def key_source(text: str) -> KeySource:
    """Return the source that `env:NAME` or `file:PATH` names. Raises UsageError."""
    if text.startswith(_ENV) and text != _ENV:
        return KeySource("env", text.removeprefix(_ENV))
    if text.startswith(_FILE) and text != _FILE:
        return KeySource("file", text.removeprefix(_FILE))
    # The text may be a key, so the message does not repeat it.
    raise UsageError("--api-key-from names no source", "Type env:NAME or file:PATH")


def keys_from(sources: Mapping[str, KeySource]) -> dict[str, Secret]:
    """Return the keys by the names of their settings. Raises SettingsError."""
    return {name: source.key() for name, source in sources.items()}


def executor_network() -> Network:
    """Return the proxies and certificates that the environment of the executor names."""
    return network_from(os.environ)
