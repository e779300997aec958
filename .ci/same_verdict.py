"""Holds results of one seed on several engines to each other: the same verdict, and the same amounts compared with the same outcome.

    python3 .ci/same_verdict.py embedded.json process.json containers.json
"""

import json
import sys


def essence(path):
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    checks = {
        (scenario["name"], check["id"]): (check["outcome"], check["compared"])
        for scenario in result["scenarios"]
        for check in scenario["checks"]
    }
    return result["engines"], result["verdict"]["verdict"], checks


def amount(compared):
    elements = [*compared["nodes"].values(), *compared["relationships"].values()]
    return sum(element["both"] for element in elements) + compared["properties"] + compared["figures"]


def main(paths):
    results = [essence(path) for path in paths]
    first = results[0]
    for engines, verdict, checks in results:
        total = sum(amount(compared) for _, compared in checks.values())
        print(f"{engines}: {verdict}, {len(checks)} checks, {total} elements and properties compared")
        if (verdict, checks) != first[1:]:
            for name in sorted(checks.keys() | first[2].keys()):
                if checks.get(name) != first[2].get(name):
                    print(f"  {name}: {first[0]} {first[2].get(name)}, {engines} {checks.get(name)}")
            sys.exit("the engines do not agree")


main(sys.argv[1:])
