"""The models of diffusers and transformers for make_zoo_golden.py."""
import torch
from diffusers import (AutoencoderKL, DiTTransformer2DModel, LatteTransformer3DModel, PixArtTransformer2DModel,
                       SD3Transformer2DModel)
from transformers import T5Config, T5EncoderModel

from zoo_reference import Random, config_of, gradients, round_to_half, write

WIDTH = {"num_attention_heads": 2, "attention_head_dim": 8}


def transformer(name, model, rng, io, call, **files):
    """`call` gives the output for the inputs `io`."""
    round_to_half(rng.weights(model))
    out = call(model, io)
    io |= {"out": out, "cotangent": rng.normal(*out.shape)}
    io |= gradients(model, out, io["cotangent"])
    write(name, model.state_dict(), io, config_of(model), half=True, **files)


def dit(name):
    """Every block has its own embedders of time and class; released files repeat one, this one does not."""
    rng = Random(name)
    model = DiTTransformer2DModel(**WIDTH, in_channels=4, out_channels=8, num_layers=2, sample_size=8,
                                  num_embeds_ada_norm=5)
    io = {"x": rng.normal(2, 4, 8, 8), "t": torch.tensor([3, 871]), "y": torch.tensor([5, 2])}
    transformer(name, model, rng, io, lambda m, i: m(i["x"], i["t"], i["y"]).sample)


def pixart(name, **config):
    rng = Random(name)
    model = PixArtTransformer2DModel(**WIDTH, cross_attention_dim=16, caption_channels=12, num_layers=2, **config)
    io = {"x": rng.normal(2, 4, 8, 8), "t": torch.tensor([40, 960]), "text": rng.normal(2, 5, 12),
          "mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])}
    added = {"resolution": None, "aspect_ratio": None}
    transformer(name, model, rng, io, lambda m, i: m(i["x"], encoder_hidden_states=i["text"], timestep=i["t"],
                                                     added_cond_kwargs=added, encoder_attention_mask=i["mask"]).sample)


def latte(name):
    """As the released Latte-1: text through cross-attention in the spatial blocks, x [B, C, F, H, W]."""
    rng = Random(name)
    model = LatteTransformer3DModel(**WIDTH, in_channels=4, out_channels=8, num_layers=1, cross_attention_dim=16,
                                    attention_bias=True, sample_size=4, patch_size=2, video_length=3,
                                    activation_fn="gelu-approximate", num_embeds_ada_norm=1000,
                                    norm_type="ada_norm_single", norm_elementwise_affine=False, norm_eps=1e-6,
                                    caption_channels=12)
    io = {"x": rng.normal(2, 4, 3, 4, 4), "t": torch.tensor([0, 555]), "text": rng.normal(2, 5, 12)}
    transformer(name, model, rng, io, lambda m, i: m(i["x"], i["t"], i["text"]).sample)


def sd3(name, **config):
    rng = Random(name)
    model = SD3Transformer2DModel(**WIDTH, sample_size=8, in_channels=4, out_channels=4, num_layers=2,
                                  joint_attention_dim=20, caption_projection_dim=16, pooled_projection_dim=12,
                                  pos_embed_max_size=6, **config)
    io = {"x": rng.normal(2, 4, 8, 12), "t": torch.tensor([250.0, 999.0]), "text": rng.normal(2, 5, 20),
          "pooled": rng.normal(2, 12)}
    transformer(name, model, rng, io, lambda m, i: m(i["x"], i["text"], i["pooled"], i["t"]).sample)


OLD_ATTENTION = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def old_name(name):
    """Names of files from before diffusers 0.17."""
    for new, old in OLD_ATTENTION.items():
        name = name.replace(f"attentions.0.{new}.", f"attentions.0.{old}.")
    return name


def autoencoder(name, channels, rename=lambda key: key):
    rng = Random(name)
    model = AutoencoderKL(block_out_channels=channels, norm_num_groups=2, layers_per_block=1, latent_channels=3,
                          down_block_types=("DownEncoderBlock2D",) * len(channels),
                          up_block_types=("UpDecoderBlock2D",) * len(channels))
    round_to_half(rng.weights(model))
    x = rng.normal(2, 3, 16, 8)
    posterior = model.encode(x).latent_dist
    decoded = model.decode(posterior.mode()).sample
    io = {"x": x, "mean": posterior.mean, "logvar": posterior.logvar, "decoded": decoded,
          "cotangent": rng.normal(*decoded.shape)}
    io |= gradients(model, decoded, io["cotangent"])
    renamed = lambda tensors: {rename(key): value for key, value in tensors.items()}
    write(name, renamed(model.state_dict()), renamed(io), config_of(model), half=True)


def t5(name, feed_forward):
    """Sequences longer than the buckets for single distances. Files do not repeat the tied embedding table."""
    rng = Random(name)
    config = T5Config(vocab_size=50, d_model=24, d_kv=8, d_ff=40, num_layers=2, num_heads=2,
                      feed_forward_proj=feed_forward)
    model = rng.weights(T5EncoderModel(config))
    round_to_half(model)
    text = torch.randint(2, 50, (2, 40), generator=rng.generator)
    mask = torch.ones(2, 40, dtype=torch.int64)
    text[1, 30:], mask[1, 30:] = 0, 0
    io = {"text": text, "mask": mask}
    out = model(input_ids=text, attention_mask=mask).last_hidden_state
    io |= {"out": out, "cotangent": rng.normal(*out.shape)}
    io |= gradients(model, out, io["cotangent"])
    state = {key: value for key, value in model.state_dict().items() if key != "encoder.embed_tokens.weight"}
    keep = ("d_model", "d_kv", "d_ff", "num_layers", "num_heads", "vocab_size", "feed_forward_proj",
            "relative_attention_num_buckets", "relative_attention_max_distance", "layer_norm_epsilon", "model_type")
    plain = {"architectures": ["T5EncoderModel"]} | {key: config.to_dict()[key] for key in keep}
    write(name, state, io, plain, half=True)


MAKERS = {
    "diffusers_dit": dit,
    "diffusers_latte": latte,
    "pixart": lambda name: pixart(name, sample_size=8),
    "pixart_no_bias": lambda name: pixart(name, sample_size=8, attention_bias=False),
    "sd3": sd3,
    "sd35": lambda name: sd3(name, qk_norm="rms_norm", dual_attention_layers=(0,)),
    "autoencoder_kl": lambda name: autoencoder(name, (4, 8)),
    "autoencoder_kl_old": lambda name: autoencoder(name, (4, 4), old_name),
    "t5": lambda name: t5(name, "relu"),
    "t5_v1_1": lambda name: t5(name, "gated-gelu"),
}
