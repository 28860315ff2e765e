"""Bits by the names of PyTorch's modules, from the traces that its two exporters leave."""

import pytest
from onnx import helper

import bfimna as bf

from .onnx_models import build, node, weights

SCOPES = "pkg.torch.onnx.name_scopes"


def exported(tmp_path, by):
    """Return a network of `stem.0`, `stem.1.conv` and `head`, named as an exporter names it."""
    names = {
        "legacy": ["/stem/stem.0/Conv", "/stem/stem.1/conv/Conv", "/head/Conv"],
        "weights": ["node_1", "node_2", "node_3"],
        "scopes": ["node_1", "node_2", "node_3"],
        "quantised": ["node_1", "node_2", "node_3"],
    }[by]
    modules = ["stem.0", "stem.1.conv", "head"]
    nodes, given, last = [], [], "x"
    for k, (name, module) in enumerate(zip(names, modules, strict=True)):
        stored = f"{module}.weight" if by in ("weights", "quantised") else f"onnx::Conv_{k}"
        given.append(weights(stored, 3, 3, 1, 1))
        if by == "quantised":
            nodes.append(node("Transpose", stored, out=f"{k}.t", perm=[0, 1, 3, 2]))
            nodes.append(node("Identity", f"{k}.t", out=f"{k}.w"))
            stored = f"{k}.w"
        conv = helper.make_node("Conv", [last, stored], [f"c{k}"], name)
        if by == "scopes":
            conv.metadata_props.add(key=SCOPES, value=str(["", "stem", module, f"conv2d_{k}"]))
        nodes.append(conv)
        last = f"c{k}"
    path = tmp_path / "m.onnx"
    path.write_bytes(build(nodes, given).SerializeToString())
    return bf.read_onnx(path), names


@pytest.mark.parametrize("by", ["legacy", "weights", "scopes", "quantised"])
def test_bits_file_keyed_by_modules(by, tmp_path):
    network, names = exported(tmp_path, by)
    assert network.matmul_names == tuple(names)
    text = "'stem.*': 4\nstem.1.conv: [2, 3]\nhead: 8\n"
    (tmp_path / "bits.yaml").write_text(text)
    bits = bf.read_precision(network, tmp_path / "bits.yaml")
    assert [bits[name] for name in names] == [(4, 4), (2, 3), (8, 8)]
    assert bf.Precision.by_layer(network, {"stem.0": 5}, default=6)[names[0]] == (5, 5)
    assert bf.Precision.by_layer(network, {names[0]: 5}, default=6)[names[0]] == (5, 5)


def test_one_layer_under_two_names_is_an_error(tmp_path):
    network, names = exported(tmp_path, "weights")
    with pytest.raises(bf.BfimnaError, match="gives bits to layer 'node_3' twice"):
        bf.Precision.by_layer(network, {"head": 5, names[2]: 6}, default=6)
    (tmp_path / "bits.yaml").write_text("'*': 4\nhead: 5\nnode_3: 6\n")
    with pytest.raises(bf.BfimnaError, match="line 3: layer 'node_3' is given twice, under two"):
        bf.read_precision(network, tmp_path / "bits.yaml")


def test_module_that_became_several_layers(tmp_path):
    given = [weights("up.weight", 3, 4, 4, 4)]
    nodes = [helper.make_node("ConvTranspose", ["x", "up.weight"], ["y"], "n", strides=[2, 2])]
    path = tmp_path / "m.onnx"
    path.write_bytes(build(nodes, given).SerializeToString())
    network = bf.read_onnx(path)
    assert network.aliases == {"up": network.matmul_names}
    assert bf.Precision.by_layer(network, {"up": 3}).mean_bits == 3


@pytest.mark.parametrize(
    "value", ["[" * 9000, "__import__('os')", "['a'", "-" * 9000, "[1, 2]", "x" * 20_000]
)
def test_untrusted_scopes_are_data(value, tmp_path):
    model = build([helper.make_node("Conv", ["x", "w"], ["y"], "n")], [weights("w", 3, 3, 1, 1)])
    model.graph.node[0].metadata_props.add(key=SCOPES, value=value)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    assert bf.read_onnx(tmp_path / "m.onnx").aliases == {}


def test_unknown_name_suggests_a_module(tmp_path):
    network, _ = exported(tmp_path, "scopes")
    with pytest.raises(bf.BfimnaError, match=r"did you mean 'stem\.1\.conv'"):
        bf.Precision.by_layer(network, {"stem.1.cnv": 4}, default=8)
