"""S3 on this machine, and buckets of it: fixtures, which every test may use."""

import logging
import os
import threading
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import pytest
import trustme

from segcli.inputs import download

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "horse-battery-staple",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Serve S3 on a free port of this machine.

    It decides about writes one after the other, as S3 does: moto looks whether there is an object,
    and writes it later, so that two machines could create the same one.

    For each request moto would look for its modules on the disk, and werkzeug would log a line:
    that takes longer than the answer.
    """
    server_of = pytest.importorskip("moto.server").ThreadedMotoServer
    backends = pytest.importorskip("moto.backends")
    responses = pytest.importorskip("moto.s3.responses").S3Response
    names = frozenset(backends.list_of_moto_modules())
    lock, put_object = threading.Lock(), responses.put_object

    def put_alone(response: Any) -> Any:
        with lock:
            return put_object(response)

    server = server_of(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backends, "list_of_moto_modules", lambda: names)
        patch.setattr(responses, "put_object", put_alone)
        patch.setattr(logging.getLogger("werkzeug"), "level", logging.WARNING)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture(scope="session")
def s3_client(s3_endpoint: str) -> Iterator[Any]:
    """Return a client of that S3 for the tests' own requests."""
    client = pytest.importorskip("boto3").client(
        "s3",
        endpoint_url=s3_endpoint,
        region_name=ENVIRONMENT["AWS_DEFAULT_REGION"],
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    )
    yield client
    client.close()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Read once what s3fs reads for the session that it makes for each test.

    That is the description of S3 and the list of all services. The authorities, which are loaded
    for addresses without https too, are one here instead of a hundred.
    """
    loaders = pytest.importorskip("botocore.loaders")
    loader, services = loaders.JSONFileLoader, loaders.Loader.list_available_services
    load = cache(partial(loader.load_file, loader()))
    list_services = cache(partial(services, loaders.create_loader()))
    authority = tmp_path_factory.mktemp("authority") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(authority)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "load_file", lambda _, path: load(path))
        patch.setattr(
            loaders.Loader,
            "list_available_services",
            lambda _, type_name: list_services(type_name=type_name),
        )
        patch.setitem(ENVIRONMENT, "AWS_CA_BUNDLE", str(authority))
        yield


class Bucket:
    """A bucket with a unique name. The tests change it in the server's memory, without requests."""

    def __init__(self, client: Any, name: str) -> None:
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.s3.models import s3_backends

        self.client = client
        self.name = name
        self._store = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        self._store.create_bucket(name, ENVIRONMENT["AWS_DEFAULT_REGION"])

    def put(self, key: str, content: bytes, *, encoding: str = "") -> None:
        stored = self._store.put_object(self.name, key, content)
        if encoding:
            stored.set_metadata({"content-encoding": encoding})

    def remove(self, key: str) -> None:
        self._store.delete_object(self.name, key)

    def __str__(self) -> str:
        return f"s3://{self.name}"


@pytest.fixture
def bucket(
    s3_endpoint: str,
    s3_client: Any,
    models: None,  # noqa: ARG001  # asked for its effect
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Bucket]:
    """Return an empty bucket that this process may read."""
    import s3fs

    for name in [name for name in os.environ if name.startswith(("AWS_", "FSSPEC_"))]:
        monkeypatch.delenv(name)
    for name, value in (ENVIRONMENT | {"AWS_ENDPOINT_URL": s3_endpoint}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(download, "_WAITS", (0.0,) * 3)
    s3fs.S3FileSystem.clear_instance_cache()
    name = f"bucket-{abs(hash(request.node.nodeid))}"
    yield Bucket(s3_client, name)
    s3fs.S3FileSystem.clear_instance_cache()
