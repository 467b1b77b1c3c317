"""A transducer model of a few kilobytes, in the files of a zipformer: whatever it hears, it says one sentence.

The decoder names the next token by the last one, so that sherpa-onnx decodes it as it decodes a real model. The files
are written here because ONNX is a small format and its library a large dependency (onnx.proto, fields by number).
"""

from pathlib import Path

import numpy as np

SENTENCE = ("▁HỌP", "▁LÚC", "▁MƯỜI", "▁LĂM", "▁GI", "Ờ")
TOKENS = ("<blk>", "<sos/eos>", "<unk>", *SENTENCE)
FLOAT, INT64 = 1, 7
SURE = 9.0
"""Logit of the next token; of the others 0."""


def write_transducer(folder: Path) -> None:
    """Write encoder, decoder, joiner and tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokens.txt").write_text("".join(f"{token} {number}\n" for number, token in enumerate(TOKENS)))
    (folder / "encoder.int8.onnx").write_bytes(_encoder())
    (folder / "decoder.onnx").write_bytes(_decoder())
    (folder / "joiner.int8.onnx").write_bytes(_joiner())


def _encoder() -> bytes:
    """Every fourth frame, four of its 80 features."""
    limits = {"starts": [0, 0], "ends": [1 << 30, 4], "axes": [1, 2], "steps": [4, 1]}
    constants = {name: np.array(values, np.int64) for name, values in limits.items()}
    constants |= {"three": np.array([3], np.int64), "four": np.array([4], np.int64)}
    nodes = [
        _node("Slice", ["x", *limits], "encoder_out"),
        _node("Add", ["x_lens", "three"], "longer"),
        _node("Div", ["longer", "four"], "encoder_out_lens"),
    ]
    inputs = [_value("x", FLOAT, ("N", "T", 80)), _value("x_lens", INT64, ("N",))]
    outputs = [_value("encoder_out", FLOAT, ("N", "U", 4)), _value("encoder_out_lens", INT64, ("N",))]
    return _model(nodes, constants, inputs, outputs, {"model_type": "zipformer2"})


def _decoder() -> bytes:
    """A table of what follows the last of the two tokens in the context."""
    follows = np.zeros((len(TOKENS), len(TOKENS)), np.float32)
    sentence = [TOKENS.index(token) for token in SENTENCE]
    for last, following in zip([0, *sentence], [*sentence, 0], strict=True):
        follows[last, following] = SURE
    constants = {"follows": follows, "last": np.array(1, np.int64)}
    nodes = [_node("Gather", ["y", "last"], "token", axis=1), _node("Gather", ["follows", "token"], "decoder_out")]
    outputs = [_value("decoder_out", FLOAT, ("N", len(TOKENS)))]
    described = {"vocab_size": str(len(TOKENS)), "context_size": "2"}
    return _model(nodes, constants, [_value("y", INT64, ("N", 2))], outputs, described)


def _joiner() -> bytes:
    """The decoder's choice: what was heard counts nothing."""
    constants = {"nothing": np.zeros((4, len(TOKENS)), np.float32)}
    nodes = [
        _node("MatMul", ["encoder_out", "nothing"], "heard"),
        _node("Add", ["heard", "decoder_out"], "logit"),
    ]
    inputs = [_value("encoder_out", FLOAT, ("N", 4)), _value("decoder_out", FLOAT, ("N", len(TOKENS)))]
    return _model(nodes, constants, inputs, [_value("logit", FLOAT, ("N", len(TOKENS)))], {"joiner_dim": "4"})


def _model(
    nodes: list[bytes],
    constants: dict[str, np.ndarray],  # type: ignore[type-arg]
    inputs: list[bytes],
    outputs: list[bytes],
    described: dict[str, str],
) -> bytes:
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, b"small")
    graph += b"".join(_field(5, _tensor(name, values)) for name, values in constants.items())
    graph += b"".join(_field(11, value) for value in inputs) + b"".join(_field(12, value) for value in outputs)
    told = b"".join(_field(14, _field(1, key.encode()) + _field(2, value.encode())) for key, value in described.items())
    return _number(1, 8) + _field(7, graph) + _field(8, _number(2, 13)) + told


def _node(kind: str, inputs: list[str], output: str, axis: int | None = None) -> bytes:
    node = b"".join(_field(1, name.encode()) for name in inputs) + _field(2, output.encode())
    attribute = b"" if axis is None else _field(5, _field(1, b"axis") + _number(3, axis) + _number(20, 2))
    return node + _field(4, kind.encode()) + attribute


def _tensor(name: str, values: np.ndarray) -> bytes:  # type: ignore[type-arg]
    dims = b"".join(_number(1, size) for size in values.shape)
    kind = INT64 if values.dtype == np.int64 else FLOAT
    return dims + _number(2, kind) + _field(8, name.encode()) + _field(9, values.tobytes())


def _value(name: str, kind: int, shape: tuple[str | int, ...]) -> bytes:
    dims = b"".join(
        _field(1, _number(1, size) if isinstance(size, int) else _field(2, size.encode())) for size in shape
    )
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, kind) + _field(2, dims)))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    groups = []
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])
