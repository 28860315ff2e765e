"""`bf.infer`, which loads the emulator when it is called."""

import inspect

import bfimna as bf
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic


def test_its_signature_is_the_emulators():
    """It is written twice, since the package does not load the emulator on import."""
    ours, emulated = (inspect.signature(f).parameters for f in (bf.infer, infer))
    assert list(ours) == list(emulated)
    assert [(p.kind, p.default) for p in ours.values()] == [
        (p.kind, p.default) for p in emulated.values()
    ]


def test_it_hands_every_argument_on():
    net = bf.digits.network()
    bits = bf.Precision.fixed(net, 2)
    own, images = synthetic(net, bits), random_images(net, bits, 2)
    chip, emulators = bf.Chip.unlimited(), [bf.emulator.Emulator(1) for _ in range(2)]
    reports = []
    for run, emulator in zip((bf.infer, infer), emulators, strict=True):
        options = {"chip": chip, "emulator": emulator, "keep": True, "threads": 1}
        logits, report = run(net, own, images, bits, **options)
        reports.append((logits.tolist(), report.counts, list(report.tensors)))
    assert reports[0] == reports[1]
    ours, emulated = ({key[1:] for key in each.arrays} for each in emulators)  # without threads
    assert ours == emulated != set()
