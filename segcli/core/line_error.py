"""Errors about a file that name its line."""


class LineError(ValueError):
    """A file is wrong.

    line: the number of the wrong line; 0 if the whole file is wrong.
    """

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(problem)
        self.line = line


def place_of(path: object, error: ValueError) -> str:
    """Return the file, with the line of the error if it has one, in the form of editors."""
    line = error.line if isinstance(error, LineError) else 0
    return f"{path}:{line}" if line else str(path)
