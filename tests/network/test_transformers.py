"""Transformers of the zoo: published parameters and MACs, exact on the emulator, with a cache."""

from dataclasses import replace
from math import prod

import numpy as np
import pytest
from reproduction.studies import oracle

import bfimna as bf
from bfimna import BfimnaError, Chip, Precision
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.mapping.plan import plan
from bfimna.network import transformers
from bfimna.network.transformers import Decoder, addresses, decoder

from ..emulated import check_counts

#: embeddings that are no layers: a vocabulary, and tokens that are added
VOCABULARY = {
    "bert_base": 30522, "llama3_8b": 128256, "qwen3_8b": 151936,
    "gpt2": 0,  # shared with its head
}  # fmt: skip
PLACES = {"bert_base": 512 + 2, "gpt2": 1024}  # the second segment's embedding included
BIASES = ("deit_tiny", "deit_small", "vit_b16", "bert_base", "gpt2")
TINY = Decoder(2, 16, 4, 2, 4, 24, 30, normed_heads=True)


def published():
    """Return the rows of networks that the zoo has, each with the network."""
    for row in bf.data.transformers().itertuples():
        if row.network in transformers.NETWORKS:
            lengths = [int(row.input.split("_")[1])] if "_" in row.input else []
            yield row, transformers.NETWORKS[row.network](*lengths)


def parameters_of(network, model):
    """Count a network's weights, biases, norms' factors and offsets, and embeddings."""
    shapes, total = network.shapes, network.weights
    for layer in network.layers:
        if layer.kind in ("conv", "linear") and model in BIASES:
            total += layer.channels * (not (model == "gpt2" and layer.name == "head"))
        if layer.kind in ("scale", "bias"):  # of a head's norm: shared by all heads
            total += shapes[layer.name][0]
    width = shapes[network.layers[1].name][0] if model in PLACES else network.layers[0].channels
    total += VOCABULARY.get(model, 0) * width + PLACES.get(model, 0) * width
    if model in ("deit_tiny", "deit_small", "vit_b16"):  # class tokens are added with these
        special = shapes["positions"][2] - 196
        total += prod(shapes["positions"]) + special * shapes["positions"][0]
    return total


def test_parameters_and_macs_are_those_that_torch_counts():
    rows = list(published())
    assert {row.network for row, _ in rows} == set(transformers.NETWORKS)
    for row, network in rows:
        two = sum(x.macs for x in network.matmuls if not x.left.constant)
        assert network.weights == row.parameters_in_matrix_products, network.name
        assert network.macs == row.macs, network.name
        assert two == row.macs_two_activations, network.name
        assert parameters_of(network, row.network) == row.parameters, network.name


@pytest.mark.parametrize(("tokens", "context"), [(5, 0), (1, 6), (3, 4)])
@pytest.mark.parametrize("bits", [4, 8])
def test_prefill_and_decode_are_exact(tokens, context, bits):
    build = decoder("tiny", TINY, tokens, context)
    network = build.network()
    precision = Precision.fixed(network, bits)
    parameters = {**synthetic(network, precision), **build.addresses()}
    x = random_images(network, precision, 2)
    _, report = infer(network, parameters, x, precision, keep=True)
    expected = oracle.infer(network, parameters, x, precision)
    for name, tensor in report.tensors.items():
        np.testing.assert_array_equal(tensor, expected[name], err_msg=name)
    assert np.unique(expected["head"]).size > 20
    check_counts(network, precision, report, Chip.limited(), 2)


def test_a_causal_mask_hides_what_comes_later():
    """With equal scores, what a token gives does not change with a later token.

    The least score is 8 below: its weight, e^-8, is less than half a step of 8 bits.
    """
    build = decoder("tiny", TINY, 5, 0)
    network = build.network()
    precision = Precision.fixed(network, 8)
    parameters = {**synthetic(network, precision), **build.addresses()}
    for k in range(TINY.depth):
        own = parameters[f"layer.{k}.query"]
        zeros = np.zeros_like(own.weights), np.zeros_like(own.bias)
        parameters[f"layer.{k}.query"] = replace(own, weights=zeros[0], bias=zeros[1])
    x = random_images(network, precision, 1)
    keys, queries = np.mgrid[:5, :5]
    x["mask"] = np.where(keys > queries, -256, 0)[None, :, None, :]
    first = oracle.infer(network, parameters, x, precision)
    assert not first["layer.0.softmax"][0, 4, :, :4].any()
    x["input"] = x["input"].copy()
    x["input"][..., 4] = -x["input"][..., 4]
    second = oracle.infer(network, parameters, x, precision)
    np.testing.assert_array_equal(first["head"][..., :3], second["head"][..., :3])
    assert (first["head"][..., 4] != second["head"][..., 4]).any()


def test_decoding_after_a_cache_is_prefill_of_the_last_token():
    """Keys and values of a prefill, as a cache, give the last token the same scores."""
    prefill, step = decoder("tiny", TINY, 5, 0), decoder("tiny", TINY, 1, 4)
    whole, last = prefill.network(), step.network()
    precision = Precision.fixed(whole, 8)
    parameters = {**synthetic(whole, precision), **prefill.addresses()}
    x = random_images(whole, precision, 1)
    x["mask"] = np.zeros_like(x["mask"])  # the last token attends to all
    before = oracle.infer(whole, parameters, x, precision)
    images = {name: x[name][..., 4:] for name in ("input", "cos", "sin")}
    for k in range(TINY.depth):
        keys = before[f"layer.{k}.key.rotated"].transpose(0, 3, 2, 1)
        images[f"layer.{k}.key.cache"] = keys[:, :4]
        images[f"layer.{k}.value.cache"] = before[f"layer.{k}.by_key"][:, :4]
    own = {name: one for name, one in parameters.items() if name in last.shapes}
    own |= step.addresses()
    after = oracle.infer(last, own, images, Precision.fixed(last, 8))
    np.testing.assert_array_equal(after["head"][..., 0], before["head"][..., 4])


def test_a_cache_stays_in_the_maps_and_takes_room():
    network = decoder("tiny", TINY, 1, 400).network()
    short = decoder("tiny", TINY, 1, 4).network()
    chip = Chip(name="small", clusters=2, caps_per_cluster=3, rows=400)
    both = [plan(net, chip).at(Precision.fixed(net, 8)) for net in (network, short)]
    dram = [float(schedule.traffic.dram_bits.sum()) for schedule in both]
    live = [schedule.residency for schedule in both]
    assert not live[1].spilled.any()
    assert dram[1] < dram[0]
    large = plan(network, Chip.limited()).at(Precision.fixed(network, 8))
    assert not large.residency.spilled.any()
    read = large.traffic.dram_bits.sum()  # the token's embedding and its scores alone
    words = large.words.read_bits
    assert read == 16 * words[0] + 30 * words[-1]


def test_views_address_heads_halves_and_tokens():
    """Head h of 4 heads of 4 features has the rows 4 h to 4 h + 3 of a projection."""
    build = decoder("tiny", TINY, 3, 2)
    network, order = build.network(), build.addresses()
    read = {name: one.index.reshape(network.shapes[name]) for name, one in order.items()}
    for d, h, t in ((0, 0, 0), (1, 2, 1), (3, 3, 2)):
        assert read["layer.0.query.heads"][d, h, t] == (4 * h + d) * 3 + t
        assert read["layer.0.query.swapped"][d, h, t] == (((d + 2) % 4) * 4 + h) * 3 + t
        assert read["layer.0.joined"][4 * h + d, 0, t] == (d * 4 + h) * 3 + t
        assert read["cos.4"][d, h, t] == 3 * d + t
        h //= 2  # of 2 heads of keys and values
        assert read["layer.0.by_key"][t, h, d] == (4 * h + d) * 3 + t
        assert read["layer.0.keys"][d, h, t] == (t * 2 + h) * 4 + d
    tokens = transformers.addresses("vit_b16")["tokens"].index.reshape(768, 197)
    assert (tokens[:, 0] == -1).all()
    assert tokens[5, 1:].tolist() == list(range(5 * 196, 6 * 196))


def test_names_of_lengths():
    assert bf.load_network("llama3_8b-1-after-4095").macs < bf.load_network("llama3_8b").macs
    assert bf.load_network("bert_base-128") == bf.zoo.bert_base()
    assert bf.simulate("deit_tiny", 8, "LR", "sram-14nm-lstp").latency_s > 0
    for name in ("bert_base-", "gpt2-1-after-7", "deit_tiny-9", "llama3_8b-1-after-"):
        with pytest.raises(BfimnaError, match="unknown network"):
            bf.load_network(name)
    with pytest.raises(BfimnaError, match="tokens must be"):
        bf.load_network("bert_base-0")
    with pytest.raises(BfimnaError, match="unknown transformer 'resnet18'"):
        addresses("resnet18")


def test_what_does_not_divide_is_refused():
    build = transformers.TransformerBuilder("odd", (10, 1, 4))
    with pytest.raises(BfimnaError, match="'odd': 3 heads do not divide 10 features"):
        build.self_attention("layer", build.input, 3, 10, 4)
    with pytest.raises(BfimnaError, match="signed is for inputs"):
        bf.Network(
            "n", (bf.Layer("i", "input", channels=2), bf.Layer("r", "relu", ("i",), signed=True))
        )
