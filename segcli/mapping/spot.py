"""Where validation is in a mapping: the true path, and the one that mapping-kit tells."""

from dataclasses import dataclass

from segcli.mapping.problem import Problem


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a mapping; the root's paths are empty."""

    path: str = ""
    told: str = ""

    def at(self, name: str) -> "Spot":
        """Return the place below a name."""
        return Spot(f"{self.path}/{name}", f"{self.told}/{name}")

    def item(self, *names: str | int, told: str | None = None) -> "Spot":
        """Return a place below that mapping-kit does not tell, or tells as another."""
        path = "".join(f"/{name}" for name in names)
        return Spot(self.path + path, self.told if told is None else told)

    def problem(self, message: str) -> Problem:
        """Return what is wrong here."""
        return Problem(self.path or "/", message, f"{self.told or '/'} {message}.")
