"""Makes t5.safetensors: what transformers computes for two small T5 encoders.

    python3 tests/golden/make_t5_golden.py        (needs torch and transformers; writes beside itself)

One encoder is as T5 (relu), the other as T5 1.1 (gated GELU). An entry "MODEL/state.NAME" is a parameter,
"MODEL/grad.NAME" the gradient of sum(out * cotangent), where padding has the cotangent 0. "buckets.N.D.T" are the
buckets of the relative positions of the first of T tokens as a query and as a key, for N buckets up to the distance D.
Inputs are rounded to float32, everything is computed in float64 and stored as float32.
"""
import pathlib

import torch
import transformers
from safetensors.torch import save_file
from transformers import T5Config, T5EncoderModel
from transformers.models.t5.modeling_t5 import T5Attention

torch.manual_seed(20261129)
HERE = pathlib.Path(__file__).parent
SMALL = dict(vocab_size=23, d_model=12, d_kv=5, d_ff=20, num_layers=2, num_heads=2, relative_attention_num_buckets=8,
             relative_attention_max_distance=12, dropout_rate=0.0)
MODELS = {"relu": "relu", "gated_gelu": "gated-gelu"}
BUCKETS = [(32, 128, 300), (8, 12, 40), (48, 256, 600)]


def rounded(x):
    return x.detach().float().double()


tensors = {}
tokens = torch.randint(0, SMALL["vocab_size"], (2, 17))
mask = torch.ones(2, 17, dtype=torch.bool)
mask[1, 11:] = False
tensors["tokens"], tensors["mask"] = tokens, mask
for name, feed_forward in MODELS.items():
    model = T5EncoderModel(T5Config(feed_forward_proj=feed_forward, **SMALL)).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(rounded(torch.randn(parameter.shape, dtype=torch.float64) * 0.4 +
                                    (1 if parameter.dim() == 1 else 0)))
    tensors[f"{name}/unmasked"] = model(tokens).last_hidden_state
    out = model(tokens, attention_mask=mask.long()).last_hidden_state
    cotangent = rounded(torch.randn(out.shape)) * mask[:, :, None]
    (out * cotangent).sum().backward()
    tensors[f"{name}/out"], tensors[f"{name}/cotangent"] = out, cotangent
    for key, parameter in model.named_parameters():
        tensors[f"{name}/state.{key}"], tensors[f"{name}/grad.{key}"] = parameter, parameter.grad
for count, distance, length in BUCKETS:
    positions = torch.arange(length)
    both = torch.stack([positions, -positions])  # the first token as the query, as the key
    tensors[f"buckets.{count}.{distance}.{length}"] = T5Attention._relative_position_bucket(
        both, bidirectional=True, num_buckets=count, max_distance=distance)
save_file({key: (value.float() if value.is_floating_point() else value).detach().contiguous().clone()
           for key, value in tensors.items()},
          HERE / "t5.safetensors", {"made with": f"torch {torch.__version__}, transformers {transformers.__version__}"})
