"""Writes the encoder's ONNX graph from its published weights and stores its matrices in 8 bits."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from bot.components.sentence_encoder import EPSILON, HEADS, HIDDEN, LAYERS, MIDDLE_LAYER

OPSET = 17
HEAD_WIDTH = HIDDEN // HEADS
HIDES = -10000.0


def write_graph(weights: Mapping[str, NDArray[np.float32]], path: Path) -> None:
    """From the published tensors to an ONNX file: ids, places and mask in, middle and last (batch, tokens, 384) out."""
    graph = _Graph(weights)
    model = helper.make_model(graph.build(), opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "exact.onnx"
        onnx.save(model, str(exact))
        # One scale a column, and one bit to spare so that processors without VNNI do not overflow.
        quantize_dynamic(exact, path, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)


class _Graph:
    """BERT, layer by layer, as the names of its results."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def build(self) -> onnx.GraphProto:
        hides = self._mask()
        state = self._embeddings()
        outputs = {}
        for layer in range(LAYERS):
            state = self._layer(layer, state, hides)
            if layer + 1 in (MIDDLE_LAYER, LAYERS):
                outputs["last" if layer + 1 == LAYERS else "middle"] = state
        for name, result in outputs.items():
            self._nodes.append(helper.make_node("Identity", [result], [name]))
        return helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2",
            [
                helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "tokens"]),
                helper.make_tensor_value_info("places", TensorProto.INT64, ["tokens"]),
                helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["batch", "tokens"]),
            ],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "tokens", HIDDEN])
                for name in ("middle", "last")
            ],
            list(self._constants.values()),
        )

    def _embeddings(self) -> str:
        words = self._do("Gather", [self._weight("embeddings.word_embeddings.weight"), "ids"])
        places = self._do("Gather", [self._weight("embeddings.position_embeddings.weight"), "places"])
        kind = self._constant("kind", self._weights["embeddings.token_type_embeddings.weight"][0])
        total = self._do("Add", [self._do("Add", [words, places]), kind])
        return self._normalise(total, "embeddings.LayerNorm")

    def _mask(self) -> str:
        """0 where a token stands and a large negative number where none does, shaped for the attention."""
        axes = self._constant("mask_axes", np.array([1, 2], np.int64))
        mask = self._do("Unsqueeze", ["mask", axes])
        absent = self._do("Sub", [self._constant("present", np.array(1, np.float32)), mask])
        return self._do("Mul", [absent, self._constant("hides", np.array(HIDES, np.float32))])

    def _layer(self, number: int, state: str, hides: str) -> str:
        name = f"encoder.layer.{number}"
        query, key, value = (
            self._heads(self._linear(state, f"{name}.attention.self.{part}"), [0, 2, *order])
            for part, order in (("query", (1, 3)), ("key", (3, 1)), ("value", (1, 3)))
        )
        scale = self._constant("scale", np.array(HEAD_WIDTH**-0.5, np.float32))
        scores = self._do("Mul", [self._do("MatMul", [query, key]), scale])
        weights = self._do("Softmax", [self._do("Add", [scores, hides])], axis=-1)
        mixed = self._do("Transpose", [self._do("MatMul", [weights, value])], perm=[0, 2, 1, 3])
        together = self._do("Reshape", [mixed, self._constant("whole", np.array([0, 0, HIDDEN], np.int64))])
        attended = self._linear(together, f"{name}.attention.output.dense")
        state = self._normalise(self._do("Add", [state, attended]), f"{name}.attention.output.LayerNorm")
        wide = self._gelu(self._linear(state, f"{name}.intermediate.dense"))
        narrow = self._linear(wide, f"{name}.output.dense")
        return self._normalise(self._do("Add", [state, narrow]), f"{name}.output.LayerNorm")

    def _heads(self, state: str, order: Sequence[int]) -> str:
        shape = self._constant("split", np.array([0, 0, HEADS, HEAD_WIDTH], np.int64))
        return self._do("Transpose", [self._do("Reshape", [state, shape])], perm=list(order))

    def _gelu(self, state: str) -> str:
        root = self._constant("root_half", np.array(0.5**0.5, np.float32))
        half, one = (self._constant(n, np.array(v, np.float32)) for n, v in (("half", 0.5), ("unit", 1.0)))
        bent = self._do("Add", [self._do("Erf", [self._do("Mul", [state, root])]), one])
        return self._do("Mul", [self._do("Mul", [state, bent]), half])

    def _linear(self, state: str, name: str) -> str:
        matrix = self._constant(f"{name}.matrix", np.ascontiguousarray(self._weights[f"{name}.weight"].T))
        return self._do("Add", [self._do("MatMul", [state, matrix]), self._weight(f"{name}.bias")])

    def _normalise(self, state: str, name: str) -> str:
        inputs = [state, self._weight(f"{name}.weight"), self._weight(f"{name}.bias")]
        return self._do("LayerNormalization", inputs, axis=-1, epsilon=EPSILON)

    def _do(self, operation: str, inputs: Sequence[str], **settings: object) -> str:
        result = f"{operation}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operation, list(inputs), [result], name=result, **settings))
        return result

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _constant(self, name: str, values: NDArray[np.generic]) -> str:
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name
