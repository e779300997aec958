"""Runs the mutants of cargo-mutants out of one build: each function that they change chooses among its bodies by a variable.

    python3 .ci/mutants.py -p cutover-core -f 'core/src/projector/**' --work /tmp/mutants -- --lib -- projector::

cargo-mutants compiles anew for each mutant; here all are compiled together in a copy of the sources, and a run of the tests with
MUTANT=17 in its environment meets the seventeenth. What keeps the copy from compiling is unviable and taken out. What this cannot do
(constants and what they call, functions that answer `impl Trait`) is said, and left to cargo-mutants. Nothing but the copy is changed.

Between `--` and `--`: what `cargo test` shall build; after it: which tests. `--only REGEX` runs some of the mutants again, `--sample N
--seed S` a random part of them, drawn from the seed; whoever breaks it off with SIGTERM gets the figures so far. Where the copy is there already, only what has changed
since is compiled anew.
"""

import argparse
import concurrent.futures
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

SWITCH = """
#[doc(hidden)]
pub(crate) fn __mutant() -> u32 {
    static CHOSEN: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *CHOSEN.get_or_init(|| std::env::var("MUTANT").ok().and_then(|id| id.parse().ok()).unwrap_or(0))
}
"""
# What compilers refuse of their own accord, and what cargo-mutants lets pass as well.
ALLOWED = "#![allow(arithmetic_overflow, unconditional_panic, unconditional_recursion)]\n"
# A mutant that collects for ever shall not take the machine with it.
BYTES_MAX = 6 << 30


def parse_arguments():
    first = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    ours, rest = sys.argv[1:first], sys.argv[first + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-p", "--package", required=True)
    parser.add_argument("-f", "--file", action="append", required=True)
    parser.add_argument("--work", required=True, type=Path, help="where the copy goes; it may be there already")
    parser.add_argument("--only", default="", help="mutants whose name matches")
    parser.add_argument("--sample", type=int, help="only so many, drawn from the seed")
    parser.add_argument("--seed", type=int, default=7301)
    parser.add_argument("--timeout", type=float, default=20, help="seconds for the tests")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args(ours)
    at = rest.index("--") if "--" in rest else len(rest)
    arguments.build, arguments.tests = rest[:at], rest[at + 1 :]
    return arguments


def mutants_of(arguments):
    command = ["cargo", "mutants", "--list", "--json", "-p", arguments.package]
    for pattern in arguments.file:
        command += ["-f", pattern]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for number, mutant in enumerate(listed, 1):
        mutant["id"] = number
    return listed


def copy_sources(work, changed):
    """Copies all that git knows but the files that the mutants change, which are written with them."""
    tracked = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        source, target = Path(name), work / name
        if not source.is_file() or name in changed:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != source.read_bytes():
            shutil.copy(source, target)


class Source:
    """A file, its functions that mutants change, and the mutants of each."""

    def __init__(self, path, mutants):
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.lines = [0]
        for line in self.text.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))
        spans = sorted({self.span(mutant["function"]["span"]) for mutant in mutants}, key=lambda s: (s[0], -s[1]))
        self.functions = []
        for span in spans:
            if not self.functions or span[0] >= self.functions[-1][1]:
                self.functions.append(span)
        self.mutants = defaultdict(list)
        for mutant in mutants:
            begin, _ = self.span(mutant["function"]["span"])
            self.mutants[next(f for f in self.functions if f[0] <= begin < f[1])].append(mutant)

    def span(self, span):
        return tuple(self.lines[at["line"] - 1] + at["column"] - 1 for at in (span["start"], span["end"]))

    def body(self, function):
        """Returns where a function's body begins: at its first brace outside of parentheses and comments."""
        depth = 0
        for token in re.compile(r"//.*|[(\[{}\])]").finditer(self.text, *function):
            depth += (token[0] in "([") - (token[0] in ")]")
            if token[0] == "{" and depth == 0:
                return token.start()
        raise ValueError(f"no body in {self.path}:{self.text.count(chr(10), 0, function[0]) + 1}")

    def signature(self, function):
        return self.text[function[0] : self.body(function)]

    def set_apart(self, pattern):
        """Leaves functions with such a signature as they are; returns their mutants."""
        matching = [function for function in self.functions if re.search(pattern, self.signature(function), re.S)]
        self.functions = [function for function in self.functions if function not in matching]
        return {mutant["id"] for function in matching for mutant in self.mutants[function]}

    def with_switches(self, left_out):
        """Returns the file with all its mutants but those, and which mutant each line belongs to."""
        parts, at = [], 0
        for function in self.functions:
            begin, end = self.body(function), function[1]
            signature = re.sub(r"\bconst (?=(unsafe |async )?fn\b)", "", self.signature(function))
            parts += [self.text[at : function[0]], signature, "{ match crate::__mutant() {\n"]
            for mutant in self.mutants[function]:
                if mutant["id"] not in left_out:
                    first, last = self.span(mutant["span"])
                    changed = self.text[begin:first] + mutant["replacement"] + " " + self.text[last:end]
                    parts.append(f"/*mutant {mutant['id']}*/ {mutant['id']} => {changed}\n/*end*/\n")
            parts.append(f"_ => {self.text[begin:end]}\n}} }}")
            at = end
        text = "".join([*parts, self.text[at:]])
        owner, owners = None, {}
        for number, line in enumerate(text.split("\n"), 1):
            found = re.match(r"/\*mutant (\d+)\*/", line)
            owner = int(found[1]) if found else None if line.startswith("/*end*/") else owner
            owners[number] = owner
        return text, owners


def prepare(work, package_dir):
    """Lets the package compile whatever its mutants look like, and gives it the switch."""
    manifest = Path(package_dir, "Cargo.toml").read_text(encoding="utf-8")
    write(work / package_dir / "Cargo.toml", manifest.replace("[lints]\nworkspace = true\n", ""))
    text = Path(package_dir, "src/lib.rs").read_text(encoding="utf-8")
    documentation = re.match(r"(//!.*\n|\s*\n)*", text)[0]
    write(work / package_dir / "src/lib.rs", documentation + ALLOWED + text[len(documentation) :] + SWITCH)


def write(path, text):
    """Writes a file unless it says so already: cargo goes by when a file was written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def places(span):
    """Yields file and line of an error, and of the macros that it lies in; and whether it is the error's own."""
    is_own = span["is_primary"]
    while span:
        yield span["file_name"], span["line_start"], is_own
        span = (span.get("expansion") or {}).get("span")


def build(arguments, work):
    """Returns the test binaries, or none and the lines that stand in their way."""
    command = ["cargo", "test", "-p", arguments.package, *arguments.build, "--no-run", "--message-format=json"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    binaries, errors, said = [], [], []
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["profile"]["test"]:
            binaries.append((message["executable"], str(Path(message["manifest_path"]).parent)))
        if message["reason"] == "compiler-message" and message["message"]["level"].startswith("error"):
            said.append(message["message"]["rendered"])
            spans = message["message"]["spans"]
            for child in message["message"]["children"]:
                spans = spans + child["spans"]
            errors += [place for span in spans for place in places(span)]
    return (binaries, [], []) if done.returncode == 0 else ([], errors, said + [done.stderr])


def build_what_compiles(arguments, work, sources, apart, names):
    """Returns the test binaries and the mutants that do not compile; those of the last time are left out from the start."""
    known = work / "unviable.json"
    left_out, constant = set(), set()
    if known.exists():
        before = json.loads(known.read_text())
        left_out = {number for number, name in names.items() if name in before["unviable"]}
        constant = set(before["constant"])
    while True:
        owners = {}
        for name, source in sources.items():
            apart |= source.set_apart(r"->.*\bimpl\b")
            apart |= source.set_apart(rf"const fn ({'|'.join(constant)})\b") if constant else set()
            text, owners[name] = source.with_switches(left_out)
            write(work / name, text)
        binaries, errors, said = build(arguments, work)
        if binaries:
            kept = {"unviable": [names[number] for number in sorted(left_out)], "constant": sorted(constant)}
            known.write_text(json.dumps(kept))
            return keep(binaries, work / "tests"), left_out
        blamed = {owners.get(name, {}).get(line) for name, line, primary in errors if primary}
        if not blamed - {None}:
            blamed = {owners.get(name, {}).get(line) for name, line, _ in errors}
        blamed -= {None}
        # A constant calls it, so that it cannot look at the environment.
        needed = set(re.findall(r"cannot call non-const [\w ]+ `(?:\w+::)*(\w+)", "\n".join(said)))
        if not blamed and not needed - constant:
            sys.exit("the copy does not compile, and no mutant is to blame:\n" + "\n".join(said))
        constant |= needed
        left_out |= blamed
        print(f"{len(left_out)} mutants do not compile", file=sys.stderr)


def keep(binaries, folder):
    """Copies the test binaries to where the next build does not put its own."""
    folder.mkdir(exist_ok=True)
    for binary, _ in binaries:
        # One of an earlier run may be running still.
        (folder / Path(binary).name).unlink(missing_ok=True)
    return [(shutil.copy(binary, folder), package_dir) for binary, package_dir in binaries]


def run(binaries, tests, number, seconds):
    """Puts a mutant to the tests until one fails: the others, which may wait long for what a mutant never does, are ended with it."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (BYTES_MAX, BYTES_MAX))

    for binary, package_dir in binaries:
        environment = {**os.environ, "MUTANT": str(number), "CARGO_MANIFEST_DIR": package_dir}
        environment |= {"INSTA_UPDATE": "no", "INSTA_FORCE_PASS": "0", "RUST_BACKTRACE": "0"}
        tested = subprocess.Popen(
            [binary, *tests],
            cwd=package_dir,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
            preexec_fn=limit,
        )
        time_is_up = threading.Event()
        timer = threading.Timer(seconds, lambda: (time_is_up.set(), tested.kill()))
        timer.start()
        with tested:
            if any(line.endswith("... FAILED\n") for line in tested.stdout):
                tested.kill()
        timer.cancel()
        if tested.returncode != 0:
            return "timeout" if time_is_up.is_set() else "caught"
    return "missed"


def quickest_first(binaries, arguments):
    """Sorts test binaries by how long they take, and sees that they pass: most mutants are caught by the first."""
    took = {}
    for binary in binaries:
        begun = time.monotonic()
        if run([binary], arguments.tests, 0, 10 * arguments.timeout) != "missed":
            sys.exit(f"{binary[0]} fails without any mutant")
        took[binary] = time.monotonic() - begun
    return sorted(binaries, key=took.get)


def main():
    arguments = parse_arguments()
    listed = mutants_of(arguments)
    package_dir = Path(listed[0]["file"]).parts[0]
    work = arguments.work.resolve()
    by_file, apart = defaultdict(list), set()
    for mutant in listed:
        if mutant["function"] is None or mutant["file"] == f"{package_dir}/src/lib.rs":
            apart.add(mutant["id"])
        else:
            by_file[mutant["file"]].append(mutant)
    copy_sources(work, {*by_file, f"{package_dir}/src/lib.rs", f"{package_dir}/Cargo.toml"})
    prepare(work, package_dir)
    sources = {name: Source(Path(name), mutants) for name, mutants in by_file.items()}
    binaries, unviable = build_what_compiles(arguments, work, sources, apart, {m["id"]: m["name"] for m in listed})
    binaries = quickest_first(binaries, arguments)
    outcomes = {number: "apart" for number in apart} | {number: "unviable" for number in unviable}
    wanted = [m for m in listed if m["id"] not in outcomes and re.search(arguments.only, m["name"])]
    if arguments.sample is not None and arguments.sample < len(wanted):
        wanted = random.Random(arguments.seed).sample(wanted, arguments.sample)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        tasks = [(m, pool.submit(run, binaries, arguments.tests, m["id"], arguments.timeout)) for m in wanted]
        try:
            for mutant, task in tasks:
                outcomes[mutant["id"]] = task.result()
                if task.result() != "caught":
                    print(f"{task.result():8} {mutant['name']}", flush=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
    for mutant in listed:
        if outcomes.get(mutant["id"]) in ("apart", "unviable") and re.search(arguments.only, mutant["name"]):
            print(f"{outcomes[mutant['id']]:8} {mutant['name']}")
    counts = Counter(outcomes[m["id"]] for m in listed if m["id"] in outcomes and re.search(arguments.only, m["name"]))
    print(f"{sum(counts.values())} mutants: " + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
