"""A network that learns to tell real pictures from made ones, and what it teaches: details where a mean of all answers would be soft.

Least squares for the verdict and the distance of the judge's own features, both of picture and answer in pairs. Sources: Mao et al.,
"Least Squares Generative Adversarial Networks", 2017; Wang et al., "High-Resolution Image Synthesis ... with Conditional GANs", 2018.
"""

import torch
from torch import nn
from torch.nn import functional


class Judge(nn.Module):
    """Convolutions over patches. layers: (channels in, channels out, kernel, stride); the last gives the verdict, 1 for real."""

    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(inner, outer, kernel, stride=stride, padding=(kernel - 1) // 2) for inner, outer, kernel, stride in layers
        )

    def forward(self, x):
        """[b, channels, h, w] -> the outputs of all layers, the verdict last."""
        seen = []
        for number, layer in enumerate(self.layers, 1):
            x = layer(x)
            if number < len(self.layers):
                x = functional.leaky_relu(x, 0.2)
            seen.append(x)
        return seen


def of_latents():
    """For latents beside the soft picture that they are to sharpen: [b, 8, 16, 16]."""
    return Judge([(8, 96, 3, 1), (96, 128, 4, 2), (128, 192, 3, 1), (192, 1, 3, 1)])


def of_pictures():
    """For pictures: [b, 3, h, w] in [-1, 1]."""
    return Judge([(3, 32, 4, 2), (32, 64, 4, 2), (64, 128, 4, 2), (128, 128, 3, 1), (128, 1, 3, 1)])


def duel(judge, made, real, weights=None):
    """Losses of judge and maker for pairs [b, ...], each pair counted with its share of weights [b].

    Returns {"judge": the judge's loss, which moves the judge alone; "fooled", "features": what moves the maker of `made` alone}.
    """
    weights = torch.ones(len(made), device=made.device) if weights is None else weights
    weights = weights / weights.sum().clamp_min(1e-6)

    def mean(numbers):
        return (numbers.flatten(1).mean(1) * weights).sum()

    fixed = {name: weight.detach() for name, weight in judge.named_parameters()}
    with torch.autocast(made.device.type, torch.bfloat16):
        of_real, of_made = [x.float() for x in judge(real)], [x.float() for x in judge(made.detach())]
        felt = [x.float() for x in torch.func.functional_call(judge, fixed, (made,))]
    return {
        "judge": 0.5 * (mean((of_real[-1] - 1).square()) + mean(of_made[-1].square())),
        "fooled": mean((felt[-1] - 1).square()),
        "features": sum(mean((a - b.detach()).abs()) for a, b in zip(felt[:-1], of_real[:-1])),
    }
