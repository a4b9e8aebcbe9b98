"""Checks a sealed record: every file, and every record by its place in the chain. Changes nothing, asks nobody.

    python3 -I verify.py                the folder this file was unpacked to
    python3 -I verify.py RECORD.zip     a sealed file, or the folder it was unpacked to

It needs Python 3.8 or later and nothing else. Exit 0: whole. Exit 1: not, and each line says where.

A record is one line of canonical JSON: its number, the SHA-256 of the record before it, what it holds, and the
SHA-256 of all that. So a record that was changed, taken out, put in or moved is named. Whoever seals everything anew
from the first line is found by the signature over manifest.json, which this does not check: see START-HERE.txt.

This file is shipped in every sealed record as verify.py, which is why it is written for old Pythons.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Iterator
from typing import IO, Any

MANIFEST, SIGNATURE, SUMS = "manifest.json", "manifest.sig", "SHA256SUMS"
CHAINS = ("record.jsonl", "internal.jsonl")
FIRST = "0" * 64
BLOCK = 1024 * 1024


def canonical(value: Any) -> bytes:
    """The one way to write it: names sorted, no spaces, nothing but ASCII."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode()


def seal(record: dict[str, Any]) -> dict[str, Any]:
    """The record with the hash of all it holds, as its line has it."""
    return {**record, "sha256": hashlib.sha256(canonical(record)).hexdigest()}


def write_sums(sums: dict[str, str]) -> bytes:
    """Name to SHA-256, as `sha256sum -c` reads it."""
    return "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()


class Bundle:
    """A sealed record as a folder or a zip: the same names either way."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._zip = None if os.path.isdir(path) else zipfile.ZipFile(path)

    def names(self) -> list[str]:
        if self._zip is not None:
            return sorted(self._zip.namelist())
        found = []
        for folder, _, files in os.walk(self._path):
            inside = os.path.relpath(folder, self._path)
            found += [os.path.normpath(os.path.join(inside, name)).replace(os.sep, "/") for name in files]
        return sorted(found)

    def open(self, name: str) -> IO[bytes]:
        if self._zip is not None:
            return self._zip.open(name)
        return open(os.path.join(self._path, *name.split("/")), "rb")

    def read(self, name: str) -> bytes:
        """All of it; nothing where the zip's own sum says that it is not the file that was put in."""
        try:
            with self.open(name) as file:
                return file.read()
        except zipfile.BadZipFile:
            return b""

    def hash(self, name: str) -> tuple[int, str]:
        """Its size in bytes, and its SHA-256."""
        size, digest = 0, hashlib.sha256()
        try:
            with self.open(name) as file:
                block = file.read(BLOCK)
                while block:
                    size += len(block)
                    digest.update(block)
                    block = file.read(BLOCK)
        except zipfile.BadZipFile:
            return -1, "it does not fit the sum the zip has of it"
        return size, digest.hexdigest()


class Chain:
    """Reads one chain from its first line to its last and keeps what is wrong with it, in words."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[str] = []
        self.files: dict[str, tuple[str, int]] = {}  # path -> the SHA-256 a record gives it, and which record
        self.head = FIRST
        self._expected = 1
        self._known = {FIRST}  # what the next record may name as the one before it
        self._last = 0
        self._seen: set[int] = set()

    def read(self, file: IO[bytes]) -> None:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                self._say(f"line {number} does not end as it was written")
            self._take(number, line.rstrip(b"\n"))

    def _say(self, words: str) -> None:
        self.problems.append(self.name + ": " + words)

    def _take(self, line_number: int, line: bytes) -> None:
        record = _parse(line)
        if record is None:
            self._say(f"record {self._expected} (line {line_number}) cannot be read")
            self._go_on(self._expected, set())
            return
        stated = record.pop("sha256")
        computed = hashlib.sha256(canonical(record)).hexdigest()
        if stated != computed or canonical(seal(record)) != line:
            self._say(f"record {self._expected} (line {line_number}) was changed")
            self._go_on(self._expected, {stated, computed})
            return
        self._place(record, stated)

    def _place(self, record: dict[str, Any], stated: str) -> None:
        """A whole record: is it the one that comes here?"""
        number = record["no"]
        if number < self._expected:
            how = "stands twice" if number in self._seen else "was moved"
            self._say(f"record {number} {how}: it comes after record {self._last}")
            self._seen.add(number)
            return
        if number > self._expected:
            self._say(f"{_name_missing(self._expected, number - 1)} before record {number}")
        elif self._known and record["previous"] not in self._known:
            self._say(
                f"record {number} does not follow record {number - 1}: one of them was changed and sealed anew"
            )
        for file in record.get("files", []):
            self.files[file["path"]] = (str(file.get("sha256")), number)
        self.head = stated
        self._go_on(number, {stated})

    def _go_on(self, number: int, known: set[str]) -> None:
        self._seen.add(number)
        self._last, self._expected, self._known = number, number + 1, known

    def check_end(self, stated: dict[str, Any]) -> None:
        """Against what the manifest says of the chain."""
        count, head = stated.get("records"), stated.get("head")
        if isinstance(count, int) and self._last < count:
            self._say(_name_missing(self._last + 1, count) + " at the end")
        elif isinstance(count, int) and self._last > count:
            self._say(f"what comes after record {count} was put in: the manifest counts {count}")
        elif not self.problems and head != self.head:
            self._say(f"record {self._last} is not the last one that was sealed")


def _name_missing(first: int, last: int) -> str:
    if first == last:
        return f"record {first} is missing"
    return f"records {first} to {last} are missing"


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line.decode("ascii"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    is_record = (
        isinstance(record, dict)
        and isinstance(record.get("no"), int)
        and isinstance(record.get("previous"), str)
        and isinstance(record.get("sha256"), str)
        and isinstance(record.get("files", []), list)
        and all(_is_file(each) for each in record.get("files", []))
    )
    return record if is_record else None


def _refuse(constant: str) -> None:
    """NaN and its kin are no JSON, though Python reads them."""
    raise ValueError(constant)


def check(bundle: Bundle) -> Iterator[str]:
    """Every fault in words, each beginning with the name of the file it is in."""
    names = bundle.names()
    manifest = _read_manifest(bundle, names)
    if manifest is None:
        yield MANIFEST + ": missing, or it cannot be read"
        manifest = {}
    listed = {each["path"]: each for each in manifest.get("files", [])}
    hashes = {name: bundle.hash(name) for name in names}
    chains = {}
    for name in CHAINS:
        if name in names:
            chain = chains[name] = Chain(name)
            try:
                with bundle.open(name) as file:
                    chain.read(file)
            except zipfile.BadZipFile:
                pass  # its hash says so
            if name in manifest.get("chains", {}):
                chain.check_end(manifest["chains"][name])
            for problem in chain.problems:
                yield problem
    for problem in _check_files(listed, hashes, chains):
        yield problem
    for problem in _check_sums(bundle, listed, hashes):
        yield problem


def _check_files(
    listed: dict[str, Any], hashes: dict[str, tuple[int, str]], chains: dict[str, Chain]
) -> Iterator[str]:
    for name in sorted(listed):
        if name not in hashes:
            yield name + ": missing"
        elif hashes[name] == (listed[name].get("size"), listed[name].get("sha256")):
            continue
        elif name not in chains or not chains[name].problems:
            yield name + ": changed, it is not the file that was sealed"
    own = {MANIFEST, SIGNATURE, SUMS}
    for name in sorted(set(hashes) - set(listed) - own):
        yield name + ": put in, it was not sealed with the others"
    for chain in chains.values():
        for name, (sha256, number) in sorted(chain.files.items()):
            if name in hashes and hashes[name][1] != sha256:
                yield f"{name}: not the file that record {number} of {chain.name} names"


def _check_sums(bundle: Bundle, listed: dict[str, Any], hashes: dict[str, tuple[int, str]]) -> Iterator[str]:
    """The sums are made anew of the manifest, and of the two files that it cannot name."""
    for name in (SIGNATURE, SUMS):
        if name not in hashes:
            yield name + ": missing"
    if SUMS not in hashes:
        return
    written = bundle.read(SUMS)
    sums = {name: str(each.get("sha256")) for name, each in listed.items()}
    sums.update({name: hashes[name][1] for name in (MANIFEST, SIGNATURE) if name in hashes})
    if written == write_sums(sums):
        return
    lines = set(written.decode("ascii", "replace").splitlines())
    wrong = [name for name in sorted(sums) if f"{sums[name]}  {name}" not in lines]
    for name in wrong:
        yield f"{name}: changed, or its line in {SUMS} was"
    yield SUMS + ": it does not fit the files and the manifest"


def _read_manifest(bundle: Bundle, names: list[str]) -> dict[str, Any] | None:
    if MANIFEST not in names:
        return None
    try:
        manifest = json.loads(bundle.read(MANIFEST).decode("ascii"))
    except (ValueError, RecursionError):
        return None
    is_manifest = isinstance(manifest, dict) and all(
        isinstance(manifest.get(name), kind) for name, kind in (("files", list), ("chains", dict))
    )
    if not is_manifest or not all(_is_file(each) for each in manifest["files"]):
        return None
    is_chained = all(isinstance(each, dict) for each in manifest["chains"].values())
    return manifest if is_chained else None


def _is_file(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("path"), str)


def main(arguments: list[str]) -> int:
    path = arguments[0] if arguments else os.path.dirname(os.path.abspath(__file__))
    try:
        bundle = Bundle(path)
        problems = list(check(bundle))
        sealed = "" if problems else bundle.hash(MANIFEST)[1]
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError) as fault:
        sys.stdout.write(f"{path}: cannot be read ({type(fault).__name__})\n")
        return 1
    if problems:
        sys.stdout.write("".join(problem + "\n" for problem in problems))
        sys.stdout.write(f"NOT WHOLE. Faults: {len(problems)}\n")
        return 1
    sys.stdout.write(f"WHOLE. SHA-256 of manifest.json: {sealed}\n")
    sys.stdout.write("The signature is not checked here. START-HERE.txt says how.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
