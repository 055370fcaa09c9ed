"""The catalog: destinations that are destination files and come with segcli, used by name.

Each file says in comments how well each of its facts is known: [doc] the vendor's own
documentation, [code] public code that talks to the vendor, [third party] somebody else, [guess].
"""

from importlib.resources import files

NAMES = (
    *("mixpanel", "amplitude", "posthog", "klaviyo", "braze"),
    *("customerio", "hubspot", "iterable", "intercom", "genesys"),
)


def catalog_file(name: str) -> str:
    """Return the name of the file of an entry, for messages."""
    return f"{name}.toml"


def catalog_text(name: str) -> str:
    """Return the text of the destination file of an entry of `NAMES`."""
    return files("segcli.catalog").joinpath(catalog_file(name)).read_text(encoding="utf-8")
