"""Makes sequences.safetensors: what PyTorch's recurrent networks and transformer layers compute, for tests/nn/.

    python tests/golden/make_sequence_golden.py        (needs torch and safetensors; writes beside itself)

The cases are stored as those of make_module_golden.py, whose functions it uses.
"""
import pathlib
import sys

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
import make_module_golden as golden  # noqa: E402

case, draw = golden.case, golden.draw
torch.manual_seed(20240918)


def recurrent():
    case("rnn", nn.RNN(3, 4), draw(5, 2, 3), draw(1, 2, 4))
    case("rnn_relu", nn.RNN(3, 4, 2, "relu", bias=False, batch_first=True), draw(2, 5, 3))
    case("gru", nn.GRU(3, 4, 2, bidirectional=True), draw(5, 2, 3), draw(4, 2, 4))
    case("gru_single", nn.GRU(3, 4), draw(5, 3))
    case("lstm", nn.LSTM(3, 4), draw(5, 2, 3))
    state = lambda m, x, h, c: m(x, (h, c))
    case("lstm_deep", nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True), draw(2, 5, 3), draw(4, 2, 4),
         draw(4, 2, 4), call=state)
    case("lstm_single", nn.LSTM(3, 2, bias=False), draw(4, 3), draw(1, 2), draw(1, 2), call=state)
    case("rnn_cell", nn.RNNCell(3, 4, nonlinearity="relu"), draw(2, 3), draw(2, 4))
    case("gru_cell", nn.GRUCell(3, 4), draw(3), draw(4))
    case("lstm_cell", nn.LSTMCell(3, 4, bias=False), draw(2, 3), draw(2, 4), draw(2, 4), call=state)


def attention():
    self_attention = lambda m, x, **options: m(x, x, x, **options)
    case("mha_self", nn.MultiheadAttention(8, 2), draw(5, 3, 8), call=self_attention)
    case("mha_fast", nn.MultiheadAttention(8, 2, batch_first=True), draw(3, 5, 8),
         call=lambda m, x: m(x, x, x, need_weights=False))
    case("mha_heads", nn.MultiheadAttention(8, 4, bias=False, batch_first=True), draw(2, 3, 8), draw(2, 4, 8),
         call=lambda m, q, kv: m(q, kv, kv, average_attn_weights=False))
    case("mha_widths", nn.MultiheadAttention(8, 2, kdim=5, vdim=3), draw(3, 2, 8), draw(4, 2, 5), draw(4, 2, 3))
    case("mha_single", nn.MultiheadAttention(8, 2), draw(3, 8), draw(4, 8), draw(4, 8))
    padding = torch.tensor([[False, False, True, True], [False, True, False, False]])
    blocked = torch.tensor([[False, False, False, True], [False, True, False, False], [False, False, False, False]])
    for weights in [True, False]:
        suffix = "weights" if weights else "fused"
        options = dict(need_weights=weights)
        case(f"mha_padding_{suffix}", nn.MultiheadAttention(8, 2, batch_first=True), draw(2, 3, 8), draw(2, 4, 8),
             padding, call=lambda m, q, kv, p: m(q, kv, kv, key_padding_mask=p, **options))
        case(f"mha_masks_{suffix}", nn.MultiheadAttention(8, 2, batch_first=True), draw(2, 3, 8), draw(2, 4, 8),
             padding, blocked, call=lambda m, q, kv, p, a: m(q, kv, kv, key_padding_mask=p, attn_mask=a, **options))
        case(f"mha_added_{suffix}", nn.MultiheadAttention(8, 2, batch_first=True), draw(2, 3, 8), draw(2, 4, 8),
             draw(4, 3, 4), call=lambda m, q, kv, a: m(q, kv, kv, attn_mask=a, **options))
    case("mha_mixed", nn.MultiheadAttention(8, 2, batch_first=True), draw(2, 3, 8), draw(2, 4, 8), padding, draw(3, 4),
         call=lambda m, q, kv, p, a: m(q, kv, kv, key_padding_mask=p.double().masked_fill(p, float("-inf")),
                                       attn_mask=a))


def transformers():
    causal = nn.Transformer.generate_square_subsequent_mask(4)
    case("encoder_layer", nn.TransformerEncoderLayer(8, 2, 12, 0.), draw(4, 3, 8))
    case("encoder_layer_first", nn.TransformerEncoderLayer(8, 2, 12, 0., "gelu", 1e-3, True, True), draw(3, 4, 8),
         call=lambda m, x: m(x, src_mask=causal, is_causal=True))
    case("encoder_layer_plain", nn.TransformerEncoderLayer(8, 2, 12, 0., bias=False), draw(4, 3, 8))
    case("decoder_layer", nn.TransformerDecoderLayer(8, 2, 12, 0.), draw(4, 2, 8), draw(3, 2, 8),
         call=lambda m, x, y: m(x, y, tgt_mask=causal))
    case("decoder_layer_first", nn.TransformerDecoderLayer(8, 2, 12, 0., norm_first=True, batch_first=True),
         draw(2, 4, 8), draw(2, 3, 8))
    padding = torch.tensor([[False, False, False, True], [False, False, False, False]])
    layer = nn.TransformerEncoderLayer(8, 2, 12, 0., batch_first=True)
    case("encoder", nn.TransformerEncoder(layer, 2, nn.LayerNorm(8), enable_nested_tensor=False), draw(2, 4, 8),
         padding, call=lambda m, x, p: m(x, src_key_padding_mask=p))
    case("transformer", nn.Transformer(8, 2, 1, 1, 12, 0., batch_first=True), draw(2, 4, 8), draw(2, 4, 8), padding,
         call=lambda m, x, y, p: m(x, y, tgt_mask=causal, src_key_padding_mask=p, memory_key_padding_mask=p))


def projections():
    torch.manual_seed(20261201)
    state = lambda m, x, h, c: m(x, (h, c))
    case("lstm_projection", nn.LSTM(3, 4, proj_size=2), draw(5, 2, 3))
    case("lstm_projection_deep", nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True, proj_size=3), draw(2, 5, 3),
         draw(4, 2, 3), draw(4, 2, 4), call=state)
    case("lstm_projection_single", nn.LSTM(3, 2, bias=False, proj_size=1), draw(4, 3), draw(1, 1), draw(1, 2),
         call=state)


if __name__ == "__main__":
    recurrent()
    attention()
    transformers()
    projections()
    golden.store("sequences.safetensors", "make_sequence_golden.py")
