"""SigLIP's vision tower of transformers as encoders: a plugin in one file. Loads no torch at first."""

from functools import partial

from foresight_harness import BuildRequest, EncoderSpec, TapSpec, hookimpl

COLOURS = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
BASE = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
TINY = {"hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 4, "num_attention_heads": 3}


class SiglipEncoder:
    def __init__(self, config, request: BuildRequest):
        import torch
        from foresight_harness.weights import resolve_attention, seeded_model
        from transformers import SiglipVisionConfig, SiglipVisionModel

        self.attention = resolve_attention(request.attention, ("eager", "sdpa"), request.device, request.dtype)
        config = SiglipVisionConfig(**config, image_size=224, patch_size=16, vision_use_head=False)
        config._attn_implementation = self.attention
        model = seeded_model(lambda: SiglipVisionModel(config), request.seed, "siglip")
        self.dtype, self.cells = getattr(torch, request.dtype), (request.input_px or 224) // 16
        self.model = model.to(request.device, self.dtype).eval().requires_grad_(False)
        self.tower = getattr(model, "vision_model", model)

    def encode(self, clips, taps):
        from foresight_harness.grids import TokenGrid
        from torch.nn.functional import interpolate

        frames = interpolate(clips.flatten(0, 1), [16 * self.cells] * 2, mode="bicubic", antialias=True).clamp(0, 1)
        tokens, grids = self.tower.embeddings((2 * frames - 1).to(self.dtype), interpolate_pos_encoding=True), {}
        for index in range(max(int(tap.removeprefix("block.")) for tap in taps) + 1):  # no deeper than is asked for
            found = self.tower.encoder.layers[index](tokens, attention_mask=None)
            tokens = found[0] if isinstance(found, tuple) else found
            grids[f"block.{index:02d}"] = TokenGrid(tokens.unflatten(1, [self.cells] * 2).unflatten(0, clips.shape[:2]))
        return {tap: grids[tap] for tap in taps}

    def facts(self):
        return {"attention": self.attention, "dtype": str(self.dtype)[6:], "params": self.model.num_parameters()}


@hookimpl
def foresight_encoders():
    for name, size, config, params in (("tiny", "tiny", TINY, 391_968), ("base", "published", BASE, 85_797_120)):
        names = [f"block.{index:02d}" for index in range(config["num_hidden_layers"])]
        taps = tuple(TapSpec(tap, config["hidden_size"], 16) for tap in names)
        more = {"license": "Apache-2.0", "weights": ("random",), "size": size, "params": params}
        build, how = partial(SiglipEncoder, config), {"resize": "squash", "interpolation": "bicubic", **COLOURS}
        yield EncoderSpec(f"siglip_{name}", build, taps, names[-1], 224, "siglip", how, **more)
