"""timm's ConvNeXts as encoders: a plugin in one file, at random weights. Loads no torch before it is built."""

from functools import partial

from foresight_harness import BuildRequest, EncoderSpec, TapSpec, hookimpl

COLOURS = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
TINY = ("tiny", "tiny", (1, 1, 2, 1), (24, 48, 96, 192), 590_520)
ATTO = ("atto", "published", (2, 2, 6, 2), (40, 80, 160, 320), 3_373_880)


class ConvNeXtEncoder:
    def __init__(self, depths, dims, request: BuildRequest):
        import torch
        from foresight_harness.weights import seeded_model
        from timm.models.convnext import ConvNeXt

        model = seeded_model(lambda: ConvNeXt(depths=depths, dims=dims, num_classes=0), request.seed, "convnext")
        del model.norm_pre, model.head
        self.model = model.to(request.device, getattr(torch, request.dtype)).eval().requires_grad_(False)
        self.side_px, self.dtype = request.input_px or 224, getattr(torch, request.dtype)
        self.mean, self.std = (torch.tensor(COLOURS[key]).reshape(3, 1, 1) for key in ("mean", "std"))

    def encode(self, clips, taps):
        from foresight_harness.grids import TokenGrid
        from torch.nn.functional import interpolate

        frames = interpolate(clips.flatten(0, 1), [self.side_px] * 2, mode="bicubic", antialias=True).clamp(0, 1)
        pixels, grids = ((frames - self.mean.to(frames)) / self.std.to(frames)).to(self.dtype), {}
        maps = self.model.stem(pixels)
        for index in range(max(int(tap.removeprefix("stage")) for tap in taps) + 1):  # no deeper than is asked for
            maps = self.model.stages[index](maps)
            grids[f"stage{index}"] = TokenGrid(maps.movedim(1, -1).unflatten(0, clips.shape[:2]))
        return {tap: grids[tap] for tap in taps}

    def facts(self):
        params = sum(own.numel() for own in self.model.parameters())
        return {"attention": "none", "dtype": str(self.dtype)[6:], "params": params}


@hookimpl
def foresight_encoders():
    for name, size, depths, dims, params in (TINY, ATTO):
        taps = tuple(TapSpec(f"stage{index}", width, 4 * 2**index) for index, width in enumerate(dims))
        how = {"resize": "squash", "interpolation": "bicubic", **COLOURS}
        more = {"attention": (), "license": "Apache-2.0", "weights": ("random",), "size": size, "params": params}
        build = partial(ConvNeXtEncoder, depths, dims)
        yield EncoderSpec(f"convnext_{name}", build, taps, "stage2", 224, "convnext", how, **more)
