"""Shapes of all values of an ONNX graph, as far as they follow from those of its inputs."""

from typing import Any

_MOST_VALUES = 4096  # of a tensor that may be a shape
Shape = tuple[int, ...]


class Shapes:
    """Shapes by name; those that onnx does not infer of a whole graph, node by node.

    A model that was exported with open dimensions computes shapes from shapes. Once its inputs are
    given these are constants, which are computed here, so that what depends on them has a shape.
    """

    def __init__(self, model: Any) -> None:
        self._graph = model.graph
        self._imports = list(model.opset_import)
        self._versions = {one.domain: one.version for one in self._imports}
        self._found: dict[str, Shape] = {}
        self._types: dict[str, int] = {}
        self._values: dict[str, Any] = {}  # small constants, as tensors of onnx
        for one in (*self._graph.input, *self._graph.value_info, *self._graph.output):
            kind = one.type.tensor_type
            self._types[one.name] = kind.elem_type
            if kind.HasField("shape"):
                self._note(one.name, kind)
        for tensor in self._graph.initializer:
            self._found[tensor.name] = tuple(tensor.dims)
            self._types[tensor.name] = tensor.data_type
        made = (name for node in self._graph.node for name in node.output if name)
        self._complete = all(name in self._found for name in made)
        if not self._complete:
            for tensor in self._graph.initializer:
                self._know(tensor.name, tensor)

    def _note(self, name: str, kind: Any) -> None:
        sizes = [part.dim_value for part in kind.shape.dim if part.HasField("dim_value")]
        if len(sizes) == len(kind.shape.dim):
            self._found[name] = tuple(sizes)

    def _know(self, name: str, tensor: Any) -> None:
        number = 1
        for size in tensor.dims:
            number *= size
        if number <= _MOST_VALUES and not tensor.external_data:
            self._values[name] = tensor

    def __getitem__(self, name: str) -> Shape | None:
        return self._found.get(name)

    def follow(self, node: Any) -> None:
        """Find what the outputs of a node are, if nothing says it yet."""
        if self._complete:
            return
        self._compute(node)
        if all(name in self._found for name in node.output if name):
            return
        given = [name for name in node.input if name]
        if not all(name in self._found for name in given):
            return
        import onnx

        make = onnx.helper.make_tensor_type_proto
        types = {name: make(self._types.get(name, 1), self._found[name]) for name in given}
        known = {name: self._values[name] for name in given if name in self._values}
        try:
            version = self._versions[node.domain]
            schema = onnx.defs.get_schema(node.op_type, version, node.domain)
            made = onnx.shape_inference.infer_node_outputs(
                schema, node, types, known, opset_imports=self._imports
            )
        except (KeyError, onnx.defs.SchemaError, onnx.shape_inference.InferenceError):
            return  # whoever needs the shape says so
        for name, kind in made.items():
            self._types[name] = kind.tensor_type.elem_type
            self._note(name, kind.tensor_type)

    def _compute(self, node: Any) -> None:
        """The values of a node that makes shapes of shapes."""
        import onnx

        if node.op_type == "Constant" and node.attribute[0].name == "value":
            self._know(node.output[0], node.attribute[0].t)
            return
        if node.op_type == "Shape":
            shape = self._found.get(node.input[0])
            if shape is not None:
                part = {one.name: one.i for one in node.attribute}
                sizes = shape[part.get("start", 0) : part.get("end")]
                tensor = onnx.helper.make_tensor(
                    node.output[0], onnx.TensorProto.INT64, [len(sizes)], sizes
                )
                self._set(node.output[0], tensor)
            return
        given = [name for name in node.input if name]
        if node.op_type != "Constant" and (
            not given or not all(name in self._values for name in given)
        ):
            return
        from onnx.reference import ReferenceEvaluator

        feeds = {name: onnx.numpy_helper.to_array(self._values[name]) for name in given}
        try:
            results = ReferenceEvaluator(node).run(None, feeds)
        except Exception:  # an operator that onnx does not compute, or not of these types
            return
        for name, result in zip(node.output, results, strict=False):
            if name and getattr(result, "size", _MOST_VALUES + 1) <= _MOST_VALUES:
                self._set(name, onnx.numpy_helper.from_array(result, name))

    def _set(self, name: str, tensor: Any) -> None:
        self._values[name] = tensor
        self._found[name] = tuple(tensor.dims)
        self._types[name] = tensor.data_type
