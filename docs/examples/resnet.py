"""torchvision's ResNets as encoders: a plugin in one file, at random weights. Loads no torch before it is built."""

from functools import partial

from foresight_harness import BuildRequest, EncoderSpec, TapSpec, hookimpl

STAGES = {"layer1": (64, 4), "layer2": (128, 8), "layer3": (256, 16), "layer4": (512, 32)}
SIZES = (("tiny", "tiny", [1, 1, 1, 1], 128, 4_905_792), ("18", "published", [2, 2, 2, 2], 224, 11_176_512))
COLOURS = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


class ResNetEncoder:
    def __init__(self, blocks, side_px, request: BuildRequest):
        import torch
        from foresight_harness.weights import seeded_model
        from torchvision.models.resnet import BasicBlock, ResNet

        model = seeded_model(lambda: ResNet(BasicBlock, blocks), request.seed, "resnet")
        del model.fc  # what is not read is not counted
        self.model = model.to(request.device, getattr(torch, request.dtype)).eval().requires_grad_(False)
        self.side_px, self.dtype = request.input_px or side_px, getattr(torch, request.dtype)
        self.params = sum(parameter.numel() for parameter in self.model.parameters())
        self.mean, self.std = (torch.tensor(COLOURS[key]).reshape(3, 1, 1) for key in ("mean", "std"))

    def encode(self, clips, taps):
        from foresight_harness.grids import TokenGrid
        from torchvision.transforms.functional import resize

        frames = resize(clips.flatten(0, 1), [self.side_px, self.side_px], antialias=True)  # all of it: no crop
        pixels = ((frames - self.mean.to(frames)) / self.std.to(frames)).to(self.dtype)
        model, grids = self.model, {}
        maps = model.maxpool(model.relu(model.bn1(model.conv1(pixels))))
        for stage in list(STAGES)[: max(map(list(STAGES).index, taps)) + 1]:  # no deeper than is asked for
            maps = getattr(model, stage)(maps)
            grids[stage] = TokenGrid(maps.movedim(1, -1).unflatten(0, clips.shape[:2]))
        return {tap: grids[tap] for tap in taps}

    def facts(self):
        return {"attention": "none", "dtype": str(self.dtype)[6:], "params": self.params}


@hookimpl
def foresight_encoders():
    taps, how = tuple(TapSpec(stage, *shape) for stage, shape in STAGES.items()), {"resize": "squash", **COLOURS}
    for name, size, blocks, side_px, params in SIZES:
        more = {"attention": (), "license": "BSD-3-Clause", "weights": ("random",), "size": size, "params": params}
        build = partial(ResNetEncoder, blocks, side_px)
        yield EncoderSpec(f"resnet_{name}", build, taps, "layer3", side_px, "resnet", how, **more)
