"""Makes losses.safetensors: what PyTorch's losses as modules compute, for tests/nn/test_losses.cpp.

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


if __name__ == "__main__":
    errors()
    classes()
    distances()
    store("losses.safetensors", "make_loss_module_golden.py")
