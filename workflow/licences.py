"""List the licences of the packages in the environment: `make licences`."""

from importlib.metadata import Distribution, distributions

LONGEST = 60  # characters of a licence: some packages give its full text


def licence(package: Distribution) -> str:
    """Return a package's licence: SPDX expression, classifier, or the first line of its text."""
    about = package.metadata
    if stated := about.get("License-Expression"):
        return str(stated)
    classes = (c for c in about.get_all("Classifier") or () if c.startswith("License ::"))
    names = [c.rpartition(" :: ")[2] for c in classes]
    text = (about.get("License") or "").strip() or "not stated"
    return ", ".join(names) or text.splitlines()[0][:LONGEST]


def main() -> None:
    """Print one line per package."""
    packages = {d.metadata["Name"]: d for d in distributions()}
    for name in sorted(packages, key=str.lower):
        print(f"{name:<40} {packages[name].version:<16} {licence(packages[name])}")


if __name__ == "__main__":
    main()
