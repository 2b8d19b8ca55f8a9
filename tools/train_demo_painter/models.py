"""The networks of the demo painter, with the inputs and outputs of SD 1.5's graphs.

text encoder  input_ids int32 [1, 77] -> hidden states [1, 77, 128]
U-Net         sample [1, 4, 16, 16], time_row [1, 128], encoder_hidden_states [1, 77, 128] -> predicted noise [1, 4, 16, 16]
VAE decoder   x [1, 4, 16, 16] (latents / 0.18215) -> picture [1, 3, 128, 128] in [-1, 1]
VAE encoder   image_sample [1, 3, 128, 128] in [-1, 1] -> moments [1, 8, 16, 16]: means, then log variances
"""

import math

import torch
from torch import nn
from torch.nn import functional

LATENT_SCALE = 0.18215  # SD 1.5: vae/config.json, scaling_factor.
STEPS = (999, 759, 499, 259)  # LCM, 4 steps of a 50-step schedule.
TEXT_WIDTH = 128
ROW_WIDTH = 128
LOOKS = 6


def alphas_bar():
    """The running product of 1 - beta for t = 0 .. 999. Source: SD 1.5, scheduler_config.json, "scaled_linear"."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0)


def signal_and_noise():
    """[4, 2]: the shares sqrt(alpha_bar), sqrt(1 - alpha_bar) of picture and noise at the four steps."""
    bar = alphas_bar()[list(STEPS)]
    return torch.stack([bar.sqrt(), (1 - bar).sqrt()], dim=1).float()


def time_rows():
    """[4, 128]: cosines and sines of t, at 64 frequencies. What the U-Net takes instead of t."""
    steps = torch.tensor(STEPS, dtype=torch.float64)
    angles = steps[:, None] * torch.exp(-math.log(10000.0) * torch.arange(ROW_WIDTH // 2, dtype=torch.float64) / (ROW_WIDTH // 2))
    return torch.cat([angles.cos(), angles.sin()], dim=1).float()


def look_directions():
    """[6, 1024] orthonormal: the first noise times these is the look of the picture (pictures.LOOKS)."""
    noise = torch.randn(4 * 16 * 16, LOOKS, generator=torch.Generator().manual_seed(1234), dtype=torch.float64)
    return torch.linalg.qr(noise)[0].T.contiguous().float()


class Residual(nn.Module):
    """ReLU block without norms, for the VAE."""

    def __init__(self, width):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x):
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 32, 4, stride=2, padding=1), nn.ReLU(), Residual(32),
            nn.Conv2d(32, 64, 4, stride=2, padding=1), nn.ReLU(), Residual(64),
            nn.Conv2d(64, 128, 4, stride=2, padding=1), nn.ReLU(), Residual(128), Residual(128),
            nn.Conv2d(128, 8, 3, padding=1),
        )  # fmt: skip
        self.quant = nn.Conv2d(8, 8, 1)  # Standardises the latents; the identity until they are known.
        nn.init.dirac_(self.quant.weight)
        nn.init.zeros_(self.quant.bias)

    def forward(self, image):
        return self.quant(self.body(image))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.post_quant = nn.Conv2d(4, 4, 1)
        nn.init.dirac_(self.post_quant.weight)
        nn.init.zeros_(self.post_quant.bias)
        self.body = nn.Sequential(
            nn.Conv2d(4, 160, 3, padding=1), nn.ReLU(), Residual(160), Residual(160),
            nn.Conv2d(160, 80 * 4, 1), nn.PixelShuffle(2), nn.ReLU(), Residual(80), Residual(80),
            nn.Conv2d(80, 48 * 4, 1), nn.PixelShuffle(2), nn.ReLU(), Residual(48),
            nn.Conv2d(48, 12, 3, padding=1), nn.PixelShuffle(2),
        )  # fmt: skip

    def forward(self, latents):
        return self.body(self.post_quant(latents))


def attend(query, key, value, heads, mask=None):
    """[batch, n, width] each. Written out: faster than the fused kernel when training on a CPU."""
    batch, count, width = query.shape
    query, key, value = (x.reshape(batch, -1, heads, width // heads).transpose(1, 2) for x in (query, key, value))
    scores = query @ key.transpose(-1, -2) * (width // heads) ** -0.5
    if mask is not None:
        scores = scores + mask
    return (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, count, width)


class TextLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, mask):
        query, key, value = self.qkv(self.norm1(x)).chunk(3, -1)
        return self.rest(x, attend(query, key, value, self.heads, mask))

    def last(self, x):
        """The last place alone, which sees all others: no mask."""
        query, key, value = self.qkv(self.norm1(x)).chunk(3, -1)
        return self.rest(x[:, -1:], attend(query[:, -1:], key, value, self.heads))

    def rest(self, x, seen):
        x = x + self.out(seen)
        hidden = self.up(self.norm2(x))
        return x + self.down(hidden * torch.sigmoid(1.702 * hidden))


class TextEncoder(nn.Module):
    """CLIP's text model in small: causal, so that the last padding token has seen the whole prompt."""

    def __init__(self, tokens, width=TEXT_WIDTH, layers=2, heads=4):
        super().__init__()
        self.embed = nn.Embedding(tokens, width)
        self.position = nn.Parameter(torch.randn(77, width) * 0.02)
        nn.init.normal_(self.embed.weight, std=0.05)
        self.layers = nn.ModuleList(TextLayer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.register_buffer("mask", torch.full((77, 77), -1e4).triu(1), persistent=False)

    def forward(self, ids, last_only=False):
        """ids [b, 77] -> [b, 77, 128], or only the last hidden state [b, 1, 128] at half the cost."""
        x = self.embed(ids) + self.position
        for layer in self.layers[:-1]:
            x = layer(x, self.mask)
        x = self.layers[-1].last(x) if last_only else self.layers[-1](x, self.mask)
        return self.norm(x)


class Layout(nn.Module):
    """A fully connected guess at the picture, from noisy latents, text, time and look. Cheap, so it can be trained long.

    At t = 999 the look is read from the noise; at later steps the noisy latents themselves show the picture.
    """

    def __init__(self, width=1024, blocks=4, size=4 * 16 * 16):
        super().__init__()
        self.register_buffer("directions", look_directions())
        self.look_gate = nn.Linear(ROW_WIDTH, 1)
        self.enter = nn.Linear(size, width)
        conditions = TEXT_WIDTH + ROW_WIDTH + 10 * LOOKS
        self.condition = nn.ModuleList(nn.Linear(conditions, width) for _ in range(blocks + 1))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(blocks + 1))
        self.first = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.second = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.leave = nn.Linear(width, size)
        for layer in self.second:
            nn.init.zeros_(layer.weight)
        nn.init.normal_(self.leave.weight, std=0.01)
        self.keep = nn.Linear(ROW_WIDTH, 1, bias=False)  # How much of the sample itself is the picture.
        with torch.no_grad():
            self.keep.weight.copy_(torch.linalg.lstsq(time_rows().double(), signal_and_noise()[:, :1].double()).solution.T)

    def forward(self, sample, row, text):
        """sample [b, 4, 16, 16], row [b, 128], text [b, 128] (the last hidden state). Returns a picture's latents [b, 4, 16, 16]."""
        flat = sample.flatten(1)
        look = flat @ self.directions.T
        share = torch.sigmoid(1.702 * look)  # About the uniform number that the look was rendered with.
        hue = (share - 0.4) * (2 * math.pi / 0.6)  # Of the background, as pictures.background_rgb has it.
        around = 2 * math.pi * share
        # Steps where pictures.compose has them: flip at 0, poses at the thirds, white backgrounds below 0.4.
        steps = [torch.tanh(8 * (look - at)) for at in (0.0, -0.4307, 0.4307, -0.2533)]
        looks = [look, share * 4 - 2, *steps, hue.cos(), hue.sin(), around.cos(), around.sin()]
        looks = torch.cat(looks, 1) * torch.sigmoid(self.look_gate(row))
        given = torch.cat([text, row, looks], 1)
        x = self.enter(flat) + self.condition[0](given)
        for norm, condition, first, second in zip(self.norms, self.condition[1:], self.first, self.second):
            x = x + second(functional.silu(first(norm(x)) + condition(given)))
        return (self.leave(self.norms[-1](x)) + self.keep(row) * flat).view_as(sample)


class ResBlock(nn.Module):
    def __init__(self, inner, outer, condition):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(8, inner), nn.GroupNorm(8, outer)
        self.conv1, self.conv2 = nn.Conv2d(inner, outer, 3, padding=1), nn.Conv2d(outer, outer, 3, padding=1)
        self.condition = nn.Linear(condition, 2 * outer)
        self.skip = nn.Conv2d(inner, outer, 1) if inner != outer else nn.Identity()
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x, condition):
        scale, shift = self.condition(condition)[:, :, None, None].chunk(2, 1)
        hidden = self.conv1(functional.silu(self.norm1(x)))
        hidden = self.norm2(hidden) * (1 + scale) + shift
        return self.skip(x) + self.conv2(functional.silu(hidden))


class Transformer(nn.Module):
    """Self-attention over the places of a level and attention to the words of the prompt."""

    def __init__(self, width, places, heads=4):
        super().__init__()
        self.heads = heads
        self.position = nn.Parameter(torch.randn(places, width) * 0.02)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.query, self.words, self.said = nn.Linear(width, width), nn.Linear(TEXT_WIDTH, 2 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(2 * width, width)
        for layer in (self.out, self.said, self.down):
            nn.init.zeros_(layer.weight)

    def forward(self, x, hidden_states):
        batch, width, height, across = x.shape
        flat = x.flatten(2).transpose(1, 2) + self.position
        flat = flat + self.out(attend(*self.qkv(self.norm1(flat)).chunk(3, -1), self.heads))
        flat = flat + self.said(attend(self.query(self.norm2(flat)), *self.words(hidden_states).chunk(2, -1), self.heads))
        value, gate = self.up(self.norm3(flat)).chunk(2, -1)
        flat = flat + self.down(value * functional.silu(gate))
        return flat.transpose(1, 2).reshape(batch, width, height, across)


class UNet(nn.Module):
    """Layout first, then convolutions that sharpen it; returns the predicted noise.

    The network's own output is the clean picture; noise = (sample - signal * picture) / share of noise, with both numbers linear in
    the time row (exact for the four rows).
    """

    def __init__(self, width=96, deep=192):
        super().__init__()
        self.layout = Layout()
        condition = 256
        self.condition = nn.Sequential(nn.Linear(ROW_WIDTH + TEXT_WIDTH, condition), nn.SiLU(), nn.Linear(condition, condition), nn.SiLU())
        self.enter = nn.Conv2d(8, width, 3, padding=1)
        self.down1 = ResBlock(width, width, condition)
        self.shrink = nn.Conv2d(width, deep, 3, stride=2, padding=1)
        self.down2 = ResBlock(deep, deep, condition)
        self.middle = Transformer(deep, 64)
        self.middle2 = ResBlock(deep, deep, condition)
        self.grow = nn.Conv2d(deep, 4 * width, 1)
        self.up1 = ResBlock(2 * width, width, condition)
        self.up2 = ResBlock(width, width, condition)
        self.norm = nn.GroupNorm(8, width)
        self.leave = nn.Conv2d(width, 4, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        shares = signal_and_noise().double()
        wanted = torch.stack([1 / shares[:, 1], shares[:, 0] / shares[:, 1]], dim=1)
        self.register_buffer("shares", torch.linalg.lstsq(time_rows().double(), wanted).solution.float())

    def picture(self, sample, row, hidden_states):
        """Returns the clean latents [b, 4, 16, 16] that the network sees."""
        text = hidden_states[:, -1]
        layout = self.layout(sample, row, text)
        given = self.condition(torch.cat([row, text], 1))
        top = self.down1(self.enter(torch.cat([sample, layout], 1)), given)
        x = self.down2(self.shrink(top), given)
        x = self.middle2(self.middle(x, hidden_states), given)
        x = torch.cat([functional.pixel_shuffle(self.grow(x), 2), top], 1)
        x = self.up2(self.up1(x, given), given)
        return layout + self.leave(functional.silu(self.norm(x)))

    def forward(self, sample, time_row, encoder_hidden_states):
        picture = self.picture(sample, time_row, encoder_hidden_states)
        shares = time_row @ self.shares
        return sample * shares[:, 0, None, None, None] - picture * shares[:, 1, None, None, None]


class PictureDecoder(nn.Module):
    """The decoder as it is exported: its pictures never leave [-1, 1]."""

    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, x):
        return self.decoder(x).clamp(-1, 1)
