"""List the licences of the packages that the environment holds: `make licences`."""

from importlib.metadata import Distribution, distributions

LONGEST = 60  # characters of a licence: some packages state all of its text


def licence(package: Distribution) -> str:
    """Return what a package states: SPDX expression, classifier, or the first line of its text."""
    about = package.metadata
    if stated := about.get("License-Expression"):
        return str(stated)
    classes = (c for c in about.get_all("Classifier") or () if c.startswith("License ::"))
    names = [c.rpartition(" :: ")[2] for c in classes]
    text = (about.get("License") or "").strip() or "not stated"
    return ", ".join(names) or text.splitlines()[0][:LONGEST]


def main() -> None:
    """Print one line per package."""
    found = {d.metadata["Name"]: d for d in distributions()}
    for name in sorted(found, key=str.lower):
        print(f"{name:<40} {found[name].version:<16} {licence(found[name])}")


if __name__ == "__main__":
    main()
