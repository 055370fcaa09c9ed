"""The minimal loop that maps the benchmarks' events for Pointillist, for comparison.

    python tests/bench/tight.py FILE

It checks nothing: not the events, not their times, not the digits of their numbers. It knows how
deep the objects of these events nest, and counts nothing. What it prints is what `segcli transform`
prints of them, byte for byte.
"""

import sys
from collections.abc import Iterable, Iterator

import orjson


def payloads(lines: Iterable[bytes]) -> Iterator[bytes]:  # noqa: C901, PLR0912  # calls cost
    loads, dumps, newline = orjson.loads, orjson.dumps, orjson.OPT_APPEND_NEWLINE
    words = {True: "true", False: "false"}
    location: dict[str, str] = {}
    campaign: dict[str, str] = {}
    device: dict[str, str] = {}
    of_traits: dict[str, dict[str, str]] = {"company": {}, "address": {}}
    for line in lines:
        event = loads(line)
        context = event["context"]
        labels, numbers = {}, {}
        if event["type"] == "identify":
            kind = "identify"
            for key, value in event["traits"].items():
                if type(value) is str:
                    labels[key] = value
                elif type(value) is int:
                    numbers[key] = value
                elif type(value) is bool:
                    labels[key] = words[value]
                elif value is not None:
                    known = of_traits[key]
                    for inner, leaf in value.items():
                        label = known.get(inner) or known.setdefault(inner, f"{key}.{inner}")
                        if type(leaf) is str:
                            labels[label] = leaf
                        else:
                            numbers[label] = leaf
        else:
            kind = event["event"]
            for key, value in context["traits"].items():
                labels[key] = value if type(value) is str else str(value)
        if "location" in context:
            for key, value in context["location"].items():
                label = location.get(key) or location.setdefault(key, f"location.{key}")
                labels[label] = value if type(value) is str else str(value)
        if "campaign" in context:
            for key, value in context["campaign"].items():
                label = campaign.get(key) or campaign.setdefault(key, f"campaign.{key}")
                labels[label] = value
        if "device" in context:
            for key, value in context["device"].items():
                label = device.get(key) or device.setdefault(key, f"device.{key}")
                labels[label] = value
        user, anonymous = event["userId"], event["anonymousId"]
        actor = {"userId": user, "anonymousId": anonymous} if user else {"anonymousId": anonymous}
        body = {
            "eventSource": "segment",
            "eventType": kind,
            "eventTime": event["timestamp"],
            "actors": {"customer": actor},
            "labels": labels,
            "numbers": numbers,
        }
        yield dumps(body, option=newline)


if __name__ == "__main__":
    with open(sys.argv[1], "rb", 65536) as file:
        sys.stdout.buffer.writelines(payloads(file))
