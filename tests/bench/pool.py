"""The minimal loop in two processes with `Pool.imap`, on lists of lines.

python tests/bench/pool.py FILE
"""

import sys
from collections.abc import Iterator
from itertools import islice
from multiprocessing import Pool

from tight import payloads

LINES = 250


def mapped(lines: list[bytes]) -> list[bytes]:
    return list(payloads(lines))


def chunks(file: str) -> Iterator[list[bytes]]:
    with open(file, "rb") as lines:
        while chunk := list(islice(lines, LINES)):
            yield chunk


if __name__ == "__main__":
    with Pool(2) as pool:
        for bodies in pool.imap(mapped, chunks(sys.argv[1])):
            sys.stdout.buffer.writelines(bodies)
