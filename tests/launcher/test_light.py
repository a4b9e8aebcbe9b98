"""What stands in for TensorFlow in a Rasa that answers, under Rasa's own Python and with Rasa's own modules.

Red when: a name cannot be inherited from, calling one gives something, or the installed TensorFlow is imported.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import ROOT, clean_environ

LIGHT = ROOT / "launcher" / "light"
RASA_PYTHON = ROOT / "bot" / ".venv" / "bin" / "python"
# Whatever `rasa run` brings in, and what a model's own file names beside.
RASA = """
import json, sys
import rasa.core.agent, rasa.core.run, rasa.engine.recipes.default_recipe, rasa.model_training
import rasa.graph_components.validators.default_recipe_validator
import tensorflow
from rasa.core.policies.ted_policy import TED
installed = "site-packages/tensorflow/"
real = [name for name, module in sys.modules.items() if installed in str(getattr(module, "__file__", ""))]
try:
    TED()
    said = "made"
except tensorflow.TensorFlowAbsent as absent:
    said = str(absent)
print(json.dumps({"file": tensorflow.__file__, "real": real, "said": said}))
"""
NAMES = """
import json, tensorflow as tf
import tensorflow.keras.layers as layers
from tensorflow.python.ops import gen_array_ops
class Layer(tf.keras.layers.Layer):
    held: "tf.Tensor | None" = None
    def call(self, inputs: tf.Tensor | tuple[tf.Tensor, ...]) -> tf.Tensor[int]: ...
said = []
for call in (Layer, tf.constant, tf.function, layers.Dense, gen_array_ops.reshape):
    try:
        call()
    except tf.TensorFlowAbsent as absent:
        said.append(str(absent).split()[0])
print(json.dumps(said))
"""


def ask(program: str, python: Path = RASA_PYTHON) -> Any:
    environ = clean_environ(PYTHONPATH=f"{LIGHT}:{ROOT}", HOME="/nonexistent", MPLCONFIGDIR="/tmp")
    done = subprocess.run(
        [python, "-W", "ignore", "-c", program], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_every_name_is_a_base_and_an_annotation_and_nothing_that_works() -> None:
    assert ask(NAMES) == ["Layer", "constant", "function", "Dense", "reshape"]


@pytest.mark.rasa
def test_rasa_is_imported_without_it_and_whoever_needs_it_is_told() -> None:
    found = ask(RASA)

    assert Path(found["file"]).is_relative_to(LIGHT)
    assert found["real"] == []
    assert found["said"].startswith("TED is not there: this Rasa runs without TensorFlow.")
