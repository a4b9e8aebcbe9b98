"""The encoder's layers fitted to the written corpus: read, and refused unless they are what was fitted."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

LAYERS_FILE = Path(__file__).with_name("tuned_layers.safetensors")
"""Beside it a JSON file says what it is: its SHA-256, of how many texts, in how many rounds, and the last loss."""


class LayersUnusable(Exception):
    """The tuned layers are missing or were changed since they were fitted."""


def load_tuned_layers(file: Path = LAYERS_FILE) -> dict[str, NDArray[np.float32]]:
    """The tensors by their published names. Raises LayersUnusable."""
    try:
        about = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        stored = file.read_bytes()
    except FileNotFoundError as missing:
        raise LayersUnusable(
            f"{missing.filename} is missing; fetch it again or run bot.tune_encoder"
        ) from None
    if hashlib.sha256(stored).hexdigest() != about["sha256"]:
        raise LayersUnusable(f"{file} is not the file {file.stem}.json tells of")
    return {name: values.astype(np.float32) for name, values in load(stored).items()}


def save_tuned_layers(
    layers: Mapping[str, NDArray[np.float32]], about: Mapping[str, Any], file: Path = LAYERS_FILE
) -> None:
    """Half precision: the encoder stores its matrices in 8 bits anyway. `about` goes beside them, with their hash."""
    stored = save({name: values.astype(np.float16) for name, values in layers.items()})
    about = {"sha256": hashlib.sha256(stored).hexdigest(), **about}
    file.write_bytes(stored)
    file.with_suffix(".json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
