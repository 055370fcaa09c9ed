"""What `segcli check` costs beside `segcli transform` on the same file.

    python tests/bench/bench_check.py [EVENTS] [ROUNDS]

Both run as processes of their own, in turn, and the medians are compared: wall-clock time and
user CPU time. It prints ratios and never passes or fails on a time.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

START = datetime(2026, 2, 3, tzinfo=UTC)
CITIES = ("Boston", "Köln", "Lyon", "Osaka", "Tromsø")
PLANS = ("free", "team", "business")
AGENTS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/143.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_2 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/19.2 Mobile/15E148 Safari/604.1",
)
# Name, and the properties that such an event may have.
TRACKED = {
    "Product Viewed": ("product_id", "sku", "category", "price", "currency"),
    "Product Added": ("product_id", "sku", "price", "quantity", "currency", "coupon"),
    "Order Completed": ("order_id", "revenue", "tax", "shipping", "currency", "products"),
    "Signed Up": ("plan", "method", "trial"),
    "Search Performed": ("query", "results"),
    "Video Played": ("video_id", "position", "quality", "sound"),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a command took, in seconds."""

    wall: float
    user: float


def events(count: int, seed: int = 4) -> Iterator[dict[str, Any]]:
    """Yield events as a busy site has them: a fifth identify, some values missing or null."""
    chance = random.Random(seed)
    for number in range(count):
        yield event(chance, number)


def event(chance: random.Random, number: int) -> dict[str, Any]:
    user = chance.randrange(20_000)
    at = START + timedelta(milliseconds=137 * number)
    common = {
        "anonymousId": str(UUID(int=chance.getrandbits(128))),
        "userId": f"u-{user}" if chance.random() < 0.8 else None,
        "messageId": f"ajs-next-{1_770_000_000_000 + number}-{chance.getrandbits(128):032x}",
        "channel": "client",
        "integrations": {},
        "originalTimestamp": written(at),
        "receivedAt": written(at + timedelta(milliseconds=310)),
        "sentAt": written(at + timedelta(milliseconds=12)),
        "timestamp": written(at + timedelta(milliseconds=298)),
        "version": 2,
    }
    if chance.random() < 0.2:
        context = context_of(chance, {})
        return {"type": "identify", "traits": traits(chance, user), "context": context} | common
    name = chance.choice(list(TRACKED))
    properties = {key: value_of(key, chance) for key in TRACKED[name] if chance.random() < 0.95}
    context = context_of(chance, traits(chance, user))
    return {"type": "track", "event": name, "properties": properties, "context": context} | common


def written(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def traits(chance: random.Random, user: int) -> dict[str, Any]:
    return {
        "email": f"user{user}@example.com",
        "firstName": f"Ada{user % 97}",
        "plan": chance.choice(PLANS),
        "seats": chance.randrange(40),
        "createdAt": "2025-11-02T09:14:06.120Z",
    }


def context_of(chance: random.Random, user_traits: dict[str, Any]) -> dict[str, Any]:
    path = f"/shop/outdoor/tents/{chance.randrange(500)}"
    search = chance.choice(("", f"?q=tent&page={chance.randrange(9)}&sort=price"))
    found: dict[str, Any] = {
        "ip": f"192.0.2.{chance.randrange(256)}",
        "library": {"name": "analytics.js", "version": "next-1.70.0"},
        "locale": "en-GB",
        "timezone": "Europe/Berlin",
        "userAgent": chance.choice(AGENTS),
        "page": {
            "path": path,
            "referrer": "https://search.example/",
            "search": search,
            "title": f"Tents and tarps, page {chance.randrange(9)} | Outdoor shop",
            "url": f"https://shop.example{path}{search}",
        },
    }
    if user_traits:
        found["traits"] = user_traits
    if chance.random() < 0.5:
        found["location"] = {"city": chance.choice(CITIES), "country": "XX", "latitude": 50.94}
    if chance.random() < 0.3:
        found["campaign"] = {"name": "spring", "source": "newsletter", "medium": "email"}
    return found


def value_of(key: str, chance: random.Random) -> Any:
    if key in {"price", "revenue", "tax", "shipping"}:
        return round(chance.uniform(0, 400), 2)
    if key in {"quantity", "results", "position"}:
        return chance.randrange(12)
    if key in {"trial", "sound"}:
        return chance.random() < 0.5
    if key == "products":
        each = ("product_id", "sku", "price", "quantity")
        return [{one: value_of(one, chance) for one in each} for _ in range(chance.randint(1, 4))]
    return None if chance.random() < 0.02 else f"{key}-{chance.randrange(1000)}"


def run(command: str, file: Path, *options: str) -> Cost:
    before, started = os.times().children_user, time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "segcli", command, *options, str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return Cost(time.perf_counter() - started, os.times().children_user - before)


def compared(file: Path, rounds: int, destination: str) -> str:
    """Return a line of figures: the medians of both commands, and their ratios."""
    costs: dict[str, list[Cost]] = {"transform": [], "check": []}
    for _ in range(rounds):
        for command, found in costs.items():
            found.append(run(command, file, "--dest", destination))
    wall = {command: median(cost.wall for cost in found) for command, found in costs.items()}
    user = {command: median(cost.user for cost in found) for command, found in costs.items()}
    return (
        f"{destination:12} transform {wall['transform']:5.2f} s, check {wall['check']:5.2f} s: "
        f"{wall['check'] / wall['transform']:.2f} times (user CPU time: "
        f"{user['transform']:.2f} s, {user['check']:.2f} s: "
        f"{user['check'] / user['transform']:.2f} times)"
    )


def main(count: int = 100_000, rounds: int = 5) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events.jsonl"
        with file.open("w", encoding="utf-8") as out:
            for one in events(count):
                out.write(json.dumps(one, separators=(",", ":"), ensure_ascii=False) + "\n")
        size = file.stat().st_size / count
        sys.stdout.write(f"{count:,} events of {size:,.0f} bytes, medians of {rounds}\n")
        for destination in ("pointillist", "gist", "segment", "webhook"):
            sys.stdout.write(compared(file, rounds, destination) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
