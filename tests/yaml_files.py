"""Rasa's YAML files as plain values."""

from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]


@cache
def read_yaml(path: str) -> list[dict[str, Any]]:
    """Every YAML file of a folder, or the one file, given from the root."""
    whole = ROOT / path
    files = sorted(whole.glob("*.yml")) if whole.is_dir() else [whole]
    return [YAML(typ="safe").load(file.read_text()) for file in files]
