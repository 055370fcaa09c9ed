"""Tests over tables: one test runs all cases, and says which of them fail."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest

Test = Callable[..., None]


def for_each(
    names: str | tuple[str, ...], cases: Iterable[Any] | Callable[[], Iterable[Any]]
) -> Callable[[Test], Test]:
    """Run a test with each of these cases as the argument of this name, or of these names.

    cases: a function makes them when the test is run; for tables that take long to make, since
    every process of the tests imports every file of tests.

    All cases are run, and each failure names its case. A case that is skipped is a failure: the
    others would be skipped with it. For tests that need nothing of their own for a case, no folder
    and no settings, this takes a tenth of the time of `parametrize`.
    """
    given = cases if callable(cases) else list(cases)

    def decorated(test: Test) -> Test:
        def run(**arguments: Any) -> None:
            failures: list[BaseException] = []
            found = list(given()) if callable(given) else given
            for case in found:
                try:
                    test(**arguments, **_named(names, case))
                except (Exception, pytest.fail.Exception, pytest.skip.Exception) as failure:
                    failure.add_note(f"{names} = {case!r}")
                    failures.append(failure)
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(found)} cases", failures)
            assert found, "a test without a case cannot fail"

        run.__dict__.update(test.__dict__)
        run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
        others = [one for one in _parameters(test) if one.name not in _named(names, names)]
        run.__signature__ = inspect.Signature(others)  # type: ignore[attr-defined]
        return run

    return decorated


def _named(names: str | tuple[str, ...], case: Any) -> dict[str, Any]:
    return {names: case} if isinstance(names, str) else dict(zip(names, case, strict=True))


def _parameters(test: Test) -> Iterable[inspect.Parameter]:
    for parameter in inspect.signature(test).parameters.values():
        yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
