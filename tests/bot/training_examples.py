"""The example messages under data/nlu, without their entity marks."""

import re

from tests.yaml_files import read_yaml


def read_examples() -> dict[str, list[str]]:
    """The examples of each intent, in order."""
    blocks = [block for file in read_yaml("data/nlu") for block in file["nlu"] if "intent" in block]
    return {block["intent"]: [_plain(line) for line in block["examples"].splitlines()] for block in blocks}


def _plain(line: str) -> str:
    return re.sub(r"\[(.*?)\]\{.*?\}", r"\1", line.removeprefix("- "))
