"""torchvision's models through both of PyTorch's exporters, read and counted: a long campaign.

`python tests/onnx/torchvision_models.py --to docs/torchvision.csv [--models resnet18 …]`
with torch, torchvision and onnxscript beside bfimna. Weights are random, each export runs in a
process of its own, and the table's rows of other models are kept. The count to compare with is
PyTorch's: multiplications of `FlopCounterMode`, weights of the modules that multiply by them, each
once. A head that serves several levels of a pyramid becomes layers that hold its weights again, as
many as the network's note says.
"""

import argparse
import csv
import json
import re
import resource
import subprocess
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import bfimna as bf

EXPORTERS = ("legacy", "dynamo")
COLUMNS = (
    "model", "input", "exporter", "outcome", "weights", "held_again", "weights_counted", "macs",
    "macs_counted", "layers", "says", "torch", "torchvision",
)  # fmt: skip
#: pixels (or frames and pixels) that a model needs; 224 × 224 where it does not matter
SIZES = {
    "inception_v3": (299, 299), "ssd300_vgg16": (300, 300),
    "ssdlite320_mobilenet_v3_large": (320, 320),
    "r3d_18": (16, 112, 112), "mc3_18": (16, 112, 112), "r2plus1d_18": (16, 112, 112),
    "s3d": (16, 224, 224), "mvit_v1_b": (16, 224, 224), "mvit_v2_s": (16, 224, 224),
    "swin3d_t": (16, 224, 224), "swin3d_s": (16, 224, 224), "swin3d_b": (16, 224, 224),
}  # fmt: skip
DETECTION = ("rcnn", "retinanet", "fcos", "ssd")
INLINE = 2**16  # bytes of a tensor that stays in a file; the reader never opens the others


def names() -> list[str]:
    """Return the models: classification, segmentation, video, detection without what picks boxes.

    What is quantised in PyTorch's own operators and what takes two images (RAFT) is left out.
    """
    from torchvision import models

    found = [m for m in models.list_models() if not m.startswith(("quantized_", "raft"))]
    boxes = [m for m in found if any(part in m for part in DETECTION)]
    return [m for m in found if m not in boxes] + [
        f"{m}.{p}" for m in boxes for p in ("backbone", "head")
    ]


def built(name: str):
    """Return a model with random weights and an image for it."""
    import torch
    from torchvision import models

    for init in (
        "kaiming_normal_",
        "kaiming_uniform_",
        "trunc_normal_",
        "xavier_uniform_",
        "normal_",
    ):
        setattr(torch.nn.init, init, lambda tensor, *_, **__: tensor.data.uniform_(0.5, 1.5))
    base, _, part = name.partition(".")
    options = {"weights": None}
    if part or base.startswith(("deeplab", "fcn", "lraspp")):
        options["weights_backbone"] = None
    if base in ("googlenet", "inception_v3"):
        options["init_weights"] = True
    model = models.get_model(base, **options).eval()
    size = SIZES.get(base, (224, 224))
    return plain_tensors(model, part).eval(), torch.zeros(1, 3, *size)


def plain_tensors(model, part):
    """Return a module whose results are plain tensors: all, or those of a detector's part."""
    import torch

    class Flat(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            if not part:
                return self.tensors(self.model(x))
            found = self.tensors(self.model.backbone(x))
            if part == "backbone":
                return found
            head = self.model.rpn.head if hasattr(self.model, "rpn") else self.model.head
            return self.tensors(head(list(found)))

        def tensors(self, value):
            if isinstance(value, torch.Tensor):
                return (value,)
            parts = value.values() if isinstance(value, dict) else value
            return tuple(t for v in parts if v is not None for t in self.tensors(v))

    return Flat()


def counted(model, image) -> dict[str, int]:
    """Count multiplications with PyTorch's counter, weights by the modules that ran."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    weighted = {}

    def note(module, *_):
        weighted[id(module)] = module.weight.numel()

    for module in model.modules():
        if isinstance(module, torch.nn.Linear | torch.nn.modules.conv._ConvNd):
            module.register_forward_hook(note)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(image)
    return {
        "macs_counted": counter.get_total_flops() // 2,
        "weights_counted": sum(weighted.values()),
    }


def export(name: str, exporter: str, path: Path) -> None:
    """Write the model, its large tensors left out, and its counts beside it."""
    import onnx
    import torch

    warnings.simplefilter("ignore")
    model, image = built(name)
    counts = counted(model, image) | {"input": " × ".join(map(str, image.shape[1:]))}
    for module in model.modules():
        module._forward_hooks.clear()
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, torch.no_grad():
        whole = Path(folder) / "model.onnx"
        torch.onnx.export(model, (image,), str(whole), dynamo=exporter == "dynamo")
        proto = onnx.load(whole, load_external_data=False)
        onnx.save(
            proto, str(Path(folder) / path.name), save_as_external_data=True,
            location="weights", size_threshold=INLINE, convert_attribute=True,
        )  # fmt: skip
        (Path(folder) / path.name).rename(path)
    path.with_suffix(".json").write_text(json.dumps(counts))


def row(name: str, exporter: str, folder: Path) -> dict[str, object]:
    """Export, unless the folder has it, and read: one row of the table."""
    path = folder / f"{name}.{exporter}.onnx"
    found = {"model": name, "exporter": exporter}
    found |= {what: version(what).partition("+")[0] for what in ("torch", "torchvision")}
    if not path.with_suffix(".json").exists():
        command = [sys.executable, __file__, "--export", name, exporter, str(path)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            last = (run.stderr.strip().splitlines() or ["killed"])[-1]
            return found | {"outcome": "not exported", "says": last[:300]}
    found |= json.loads(path.with_suffix(".json").read_text())
    try:
        network = bf.read_onnx(path)
    except bf.BfimnaError as error:
        return found | {"outcome": "refused", "says": str(error).replace(f"{path}: ", "")}
    again = [re.match(r"(\d+) weights are held again", note) for note in network.notes]
    held_again = sum(int(match[1]) for match in again if match)
    found |= {"weights": network.weights, "held_again": held_again, "macs": network.macs}
    found |= {"layers": len(network.layers), "says": "; ".join(network.notes)}
    counted = (found["weights_counted"], found["macs_counted"])
    same = (network.weights - held_again, network.macs) == counted
    return found | {"outcome": "equal" if same else "different"}


def read_table(path: Path) -> dict[tuple[str, str], dict[str, object]]:
    """Return the rows of an earlier run by model and exporter."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {(row["model"], row["exporter"]): row for row in csv.DictReader(file)}


def write_table(path: Path, table: dict[tuple[str, str], dict[str, object]]) -> None:
    """Write the rows in alphabetical order."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table[key] for key in sorted(table))


def main() -> None:
    """Fill in the table, a row a model and exporter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("torchvision.csv"))
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--exporters", nargs="+", default=EXPORTERS)
    parser.add_argument("--folder", type=Path, help="keeps exported files for another time")
    parser.add_argument("--export", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.export:
        name, exporter, path = options.export
        export(name, exporter, Path(path))
        return
    table = read_table(options.to)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for exporter in options.exporters:
            for name in options.models or names():
                table[name, exporter] = found = row(name, exporter, folder)
                print(*(found.get(column, "") for column in COLUMNS[:10]), flush=True)
                write_table(options.to, table)
    print(f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20:.1f} GiB at most")


if __name__ == "__main__":
    main()
