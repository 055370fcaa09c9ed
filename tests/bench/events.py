"""Realistic events from a seed: the same in every benchmark, about 1.2 kB each.

A fifth are identify, the others track; some values are missing or null.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
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


def events(count: int, seed: int = 4) -> Iterator[dict[str, Any]]:
    """Yield `count` events."""
    chance = random.Random(seed)
    for number in range(count):
        yield event(chance, number)


def lines(count: int, seed: int = 4) -> Iterator[bytes]:
    """Yield them as lines of an archive, each with its line break."""
    for one in events(count, seed):
        text = json.dumps(one, separators=(",", ":"), ensure_ascii=False)
        yield text.encode() + b"\n"


def write(path: Path, count: int, seed: int = 4) -> Path:
    """Write `count` events to a file; return its path."""
    with path.open("wb") as out:
        out.writelines(lines(count, seed))
    return path


def event(chance: random.Random, number: int) -> dict[str, Any]:
    """Return an event of a known user, or of one who has not signed in."""
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
        return {"type": "identify", "traits": all_traits(chance, user), "context": context} | common
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


def all_traits(chance: random.Random, user: int) -> dict[str, Any]:
    """Return the traits of an identify: more than go along with a track, and objects in them."""
    company = {"id": f"co_{user % 900}", "name": "Outdoor GmbH", "employees": user % 300}
    address = {"city": chance.choice(CITIES), "country": "XX", "postalCode": f"{user:05}"}
    return traits(chance, user) | {
        "lastName": f"Lovelace{user % 89}",
        "trial": chance.random() < 0.3,
        "company": company,
        "address": address if chance.random() < 0.7 else None,
    }


def context_of(chance: random.Random, user_traits: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"ip": f"192.0.2.{chance.randrange(256)}", "locale": "en-GB"}
    found["timezone"] = "Europe/Berlin"
    found |= on_phone(chance) if chance.random() < 0.3 else in_browser(chance)
    if user_traits:
        found["traits"] = user_traits
    if chance.random() < 0.5:
        found["location"] = {"city": chance.choice(CITIES), "country": "XX", "latitude": 50.94}
    if chance.random() < 0.3:
        found["campaign"] = {"name": "spring", "source": "newsletter", "medium": "email"}
    return found


def in_browser(chance: random.Random) -> dict[str, Any]:
    path = f"/shop/outdoor/tents/{chance.randrange(500)}"
    search = chance.choice(("", f"?q=tent&page={chance.randrange(9)}&sort=price"))
    return {
        "library": {"name": "analytics.js", "version": "next-1.70.0"},
        "userAgent": chance.choice(AGENTS),
        "page": {
            "path": path,
            "referrer": "https://search.example/",
            "search": search,
            "title": f"Tents and tarps, page {chance.randrange(9)} | Outdoor shop",
            "url": f"https://shop.example{path}{search}",
        },
    }


def on_phone(chance: random.Random) -> dict[str, Any]:
    return {
        "library": {"name": "analytics-swift", "version": "1.9.1"},
        "app": {"name": "Outdoor", "version": "7.2.1", "build": "4121", "namespace": "com.example"},
        "device": {
            "id": str(UUID(int=chance.getrandbits(128))),
            "manufacturer": "Apple",
            "model": f"iPhone17,{chance.randrange(5)}",
            "type": "ios",
        },
        "network": {"cellular": chance.random() < 0.5, "wifi": True, "bluetooth": False},
        "os": {"name": "iOS", "version": "19.2"},
        "screen": {"width": 393, "height": 852, "density": 3},
    }


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
