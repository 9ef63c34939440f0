"""Makes a folder of what PyTorch's exporters make of timm's and torchvision's networks, for bench/exports.ts to compare.

    python bench/exports-classifiers.py FOLDER [PATTERN]

Random weights, with statistics of random images, at the smallest size that each network takes. PATTERN chooses among names
like `timm.mobilenetv4_conv_small.onnx`. Names that end in `.dynamo` come from torch's new exporter. It needs PyPI's `timm`,
`torchvision` and `onnxscript`, and torch.
"""

import re
import sys
import warnings
from pathlib import Path

import timm
import torch
import torchvision
from statistics_of_noise import randomise
from timm.utils import reparameterize_model

TIMM = [
    "mobilenetv3_small_050",
    "mobilenetv3_large_100",
    "mobilenetv4_conv_small",
    "mobilenetv4_hybrid_medium",
    "mobilenetv2_050",
    "efficientnet_lite0",
    "tf_efficientnet_lite0",
    "efficientnet_b0",
    "efficientnetv2_rw_t",
    "mobileone_s0",
    "mobileone_s4",
    "ghostnet_050",
    "ghostnetv2_100",
    "fastvit_t8",
    "fastvit_sa12",
    "repvit_m0_9",
    "mobilevit_xxs",
    "mobilevitv2_050",
    "edgenext_xx_small",
    "efficientformer_l1",
    "efficientvit_b0",
    "efficientvit_m0",
    "levit_128s",
    "tinynet_e",
    "lcnet_050",
    "hardcorenas_a",
    "mnasnet_small",
    "mixnet_s",
    "fbnetc_100",
    "regnetx_002",
    "regnety_002",
    "resnet18",
    "resnet10t",
    "convnext_atto",
    "starnet_s1",
    "shvit_s1",
    "vit_tiny_patch16_224",
    "deit_tiny_patch16_224",
    "tiny_vit_5m_224",
    "swin_tiny_patch4_window7_224",
    "poolformer_s12",
    "inception_next_atto",
]

TORCHVISION = [
    "alexnet",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "resnet18",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "squeezenet1_1",
    "efficientnet_b0",
    "efficientnet_v2_s",
    "regnet_y_400mf",
    "regnet_x_400mf",
    "mnasnet0_5",
    "densenet121",
    "googlenet",
    "inception_v3",
    "convnext_tiny",
    "swin_t",
    "maxvit_t",
    "lraspp_mobilenet_v3_large",
    "deeplabv3_mobilenet_v3_large",
    "ssdlite320_mobilenet_v3_large",
]

# Of those that take 224 pixels by default, and no fewer by an argument.
SIZES = {
    "vit_tiny_patch16_224": 224,
    "deit_tiny_patch16_224": 224,
    "tiny_vit_5m_224": 224,
    "swin_tiny_patch4_window7_224": 224,
    "levit_128s": 224,
    "efficientformer_l1": 224,
    "efficientvit_m0": 224,
    "swin_t": 224,
    "maxvit_t": 224,
    "alexnet": 224,
    "inception_v3": 299,
    "ssdlite320_mobilenet_v3_large": 320,
}


class Tensors(torch.nn.Module):
    """A network that gives dictionaries and lists, as one that gives a tuple."""

    def __init__(self, network: torch.nn.Module, inside: bool) -> None:
        super().__init__()
        self.network = network
        self.inside = inside

    def forward(self, images: torch.Tensor):
        """A detector's body and heads, without its suppression; else what the network gives."""
        if not self.inside:
            return tuple(flat(self.network(images)))
        features = list(self.network.backbone(images).values())
        return tuple(self.network.head(features).values())


def flat(outputs: object) -> list[torch.Tensor]:
    """All tensors in a nest of tuples, lists and dictionaries."""
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    parts = outputs.values() if isinstance(outputs, dict) else outputs
    return [tensor for part in parts for tensor in flat(part)]


def export(name: str, file: Path) -> None:
    library, model, *options = name.split(".")
    size = SIZES.get(model, 128)
    detects = model.startswith("ssdlite")
    if library == "timm":
        network = timm.create_model(model, pretrained=False, num_classes=10)
    elif detects:
        network = torchvision.models.get_model(model, weights=None, weights_backbone=None)
    else:
        segments = {"weights_backbone": None} if "deeplab" in model or "lraspp" in model else {}
        network = torchvision.models.get_model(model, weights=None, num_classes=10, **segments)
    if detects:
        network = Tensors(network, inside=True)
    randomise(network, size, scales=True)
    if "fused" in options:
        network = reparameterize_model(network)
    network = network if detects else Tensors(network, inside=False)
    torch.onnx.export(
        network.eval(),
        (torch.rand(1, 3, size, size),),
        str(file),
        opset_version=18 if "dynamo" in options else 17,
        dynamo="dynamo" in options,
        external_data=False,
        input_names=["images"],
        verbose=False,
    )


def main() -> None:
    warnings.filterwarnings("ignore")
    folder = Path(sys.argv[1])
    pattern = re.compile(sys.argv[2] if len(sys.argv) > 2 else ".")
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"timm.{name}" for name in TIMM] + [f"torchvision.{name}" for name in TORCHVISION]
    names += [f"{name}.fused" for name in names if re.search(r"mobileone|repvit|fastvit", name)]
    names += [f"{name}.dynamo" for name in names if re.search(r"v4_conv_small|mobilevit_xxs|fastvit_t8|resnet18", name)]
    for name in names:
        file = folder / f"{name}.onnx"
        if file.exists() or not pattern.search(file.name):
            continue
        try:
            export(name, file)
            print(file.name, file.stat().st_size, flush=True)
        except Exception as error:  # noqa: BLE001
            print(file.name, type(error).__name__, str(error).split("\n")[0][:200], flush=True)


if __name__ == "__main__":
    main()
