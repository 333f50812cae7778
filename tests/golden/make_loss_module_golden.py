"""Makes losses.safetensors: what PyTorch's losses as modules and its attention with appended keys compute, for
tests/nn/test_losses.cpp and tests/nn/test_attention_keys.cpp.

    python tests/golden/make_loss_module_golden.py        (needs torch and safetensors; writes beside itself)

The cases are those of make_module_golden.py.
"""
import torch
from make_module_golden import case, draw, store
from torch import nn

torch.manual_seed(20261130)


def probabilities(*shape):
    return torch.sigmoid(draw(*shape)).float().double()


def labels(*shape, below):
    return torch.randint(0, below, shape)


def signs(*shape):
    return 2 * labels(*shape, below=2) - 1


def with_weight(make):
    """The module with weights of 3 classes, whose values the case draws."""
    return make(torch.ones(3))


def errors():
    case("mse", nn.MSELoss(), draw(2, 3), draw(2, 3))
    case("l1", nn.L1Loss(reduction="sum"), draw(2, 3), draw(2, 3))
    case("smooth_l1", nn.SmoothL1Loss(beta=.5), draw(2, 3), draw(2, 3))
    case("huber", nn.HuberLoss(delta=1.5, reduction="none"), draw(2, 3), draw(2, 3))
    case("kl_div", nn.KLDivLoss(reduction="batchmean"), draw(2, 3), probabilities(2, 3))
    case("kl_div_log", nn.KLDivLoss(reduction="sum", log_target=True), draw(2, 3), draw(2, 3))
    case("poisson_nll", nn.PoissonNLLLoss(full=True), draw(2, 3), draw(2, 3).abs() * 2)
    case("gaussian_nll", nn.GaussianNLLLoss(full=True), draw(2, 3), draw(2, 3), probabilities(2, 3))


def classes():
    case("cross_entropy", nn.CrossEntropyLoss(), draw(4, 3), labels(4, below=3))
    case("cross_entropy_options", with_weight(lambda w: nn.CrossEntropyLoss(w.abs(), ignore_index=1, label_smoothing=.1)),
         draw(2, 3, 4), labels(2, 4, below=3))
    case("cross_entropy_soft", nn.CrossEntropyLoss(reduction="none"), draw(4, 3), probabilities(4, 3))
    case("nll", with_weight(lambda w: nn.NLLLoss(w, ignore_index=0)), draw(5, 3), labels(5, below=3))
    case("bce", with_weight(lambda w: nn.BCELoss(w)), probabilities(2, 3), probabilities(2, 3))
    case("bce_with_logits", with_weight(lambda w: nn.BCEWithLogitsLoss(w, pos_weight=w * 2)), draw(2, 3),
         probabilities(2, 3))
    case("multilabel_soft_margin", with_weight(lambda w: nn.MultiLabelSoftMarginLoss(w)), draw(2, 3),
         probabilities(2, 3))
    case("multi_margin", with_weight(lambda w: nn.MultiMarginLoss(p=2, margin=.7, weight=w)), draw(4, 3),
         labels(4, below=3))
    case("multilabel_margin", nn.MultiLabelMarginLoss(), draw(2, 4), torch.tensor([[3, 0, -1, 1], [1, 2, 0, -1]]))
    case("soft_margin", nn.SoftMarginLoss(), draw(2, 3), signs(2, 3))


def distances():
    case("hinge_embedding", nn.HingeEmbeddingLoss(margin=.5), draw(2, 3), signs(2, 3))
    case("margin_ranking", nn.MarginRankingLoss(margin=.3), draw(4), draw(4), signs(4))
    case("cosine_embedding", nn.CosineEmbeddingLoss(margin=.1), draw(4, 3), draw(4, 3), signs(4))
    case("triplet_margin", nn.TripletMarginLoss(margin=2, p=3, swap=True), draw(4, 3), draw(4, 3), draw(4, 3))
    case("triplet_distance", nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).abs().sum(-1)),
         draw(4, 3), draw(4, 3), draw(4, 3))
    case("pairwise_distance", nn.PairwiseDistance(p=1, keepdim=True), draw(4, 3), draw(4, 3))
    case("cosine_similarity", nn.CosineSimilarity(dim=0), draw(4, 3), draw(4, 3))
    case("ctc", nn.CTCLoss(blank=2, reduction="sum"), draw(6, 2, 4).log_softmax(2).float().double(),
         torch.tensor([[0, 1, 3], [3, 3, 0]]), torch.tensor([6, 5]), torch.tensor([3, 2]))


def attention():
    blocked = torch.tensor([[False, True, True, False], [True, False, False, False], [False, False, False, True]])
    padding = torch.tensor([[False, False, False, True], [False, True, False, False]])
    qkv = lambda: (draw(2, 3, 8), draw(2, 4, 8), draw(2, 4, 8))
    options = dict(batch_first=True)
    case("mha_bias_kv", nn.MultiheadAttention(8, 2, add_bias_kv=True, **options), *qkv())
    case("mha_zero", nn.MultiheadAttention(8, 2, add_zero_attn=True, **options), *qkv(), blocked,
         call=lambda m, q, k, v, b: m(q, k, v, attn_mask=b))
    both = nn.MultiheadAttention(8, 2, add_bias_kv=True, add_zero_attn=True, bias=False)
    case("mha_both", both, draw(3, 2, 8), draw(4, 2, 8), draw(4, 2, 8), padding,
         call=lambda m, q, k, v, p: m(q, k, v, key_padding_mask=p, need_weights=False))
    case("mha_both_added", nn.MultiheadAttention(8, 2, kdim=5, vdim=3, add_bias_kv=True, add_zero_attn=True, **options),
         draw(2, 3, 8), draw(2, 4, 5), draw(2, 4, 3), draw(3, 4),
         call=lambda m, q, k, v, a: m(q, k, v, attn_mask=a, average_attn_weights=False))
    case("mha_self_causal", nn.MultiheadAttention(8, 2, add_bias_kv=True, **options), draw(2, 4, 8),
         call=lambda m, x: m(x, x, x, attn_mask=torch.triu(torch.ones(4, 4, dtype=torch.bool), 1), need_weights=False))


if __name__ == "__main__":
    errors()
    classes()
    distances()
    attention()
    store("losses.safetensors", "make_loss_module_golden.py")
