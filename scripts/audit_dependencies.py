"""Ask the advisory service about every locked package: ``python scripts/audit_dependencies.py``.

Exits with 1 when a vulnerability is known. A service that cannot be reached is said and is no failure: pip-audit alone
would then report that nothing is known.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LOCK = "requirements-dev.lock"


def main() -> int:
    """Run pip-audit on the lock file and judge its answer."""
    program = str(Path(sys.executable).parent / "pip-audit")
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--timeout", "5", "--format", "json"]
    done = subprocess.run(  # noqa: S603 - our own program and options
        [program, *options, "--requirement", LOCK], capture_output=True, text=True, check=False
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        packages = []
    audited = [package for package in packages if "vulns" in package]
    if not audited:
        print("Dependency audit: skipped, the advisory service cannot be reached.")  # noqa: T201
        return 0
    found = [(package, fault) for package in audited for fault in package["vulns"]]
    for package, fault in found:
        fixed = ", ".join(fault["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {fault['id']}, fixed in {fixed}")  # noqa: T201
    print(f"Dependency audit: {len(audited)} of {len(packages)} packages, {len(found)} known faults.")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
