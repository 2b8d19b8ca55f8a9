"""The stages of training: pool, vae, latents, text, layout, unet, decoder. Each leaves files in the run's folder that the next ones read."""

import numpy
import torch
from torch import nn
from torch.nn import functional

import judge
import models
import pictures
import words
from clip_tokenizer import Tokenizer, learn_merges


def autocast(run):
    return torch.autocast(run.device.type, torch.bfloat16)


def tensor(run, array, dtype=torch.float32):
    return torch.tensor(numpy.ascontiguousarray(array), device=run.device).to(dtype)


def pool(run, emoji, per_emoji):
    """Renders the training pictures: pool.npy (what they are) and pixels.npy."""
    rows = pictures.plan(emoji, per_emoji)
    done = run.path("pool.npy")
    if done.exists() and numpy.array_equal(numpy.load(done), rows):
        return
    run.say(f"pool: {len(rows)} pictures of {len(emoji)} emoji")
    pictures.render_pool(emoji, rows, str(run.path("pixels.npy")))
    numpy.save(done, rows)


def to_picture(run, pixels):
    """uint8 [b, h, w, 3] -> float [b, 3, h, w] in [-1, 1]."""
    return tensor(run, pixels).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last) / 127.5 - 1


def edges(x):
    """Differences of neighbours, both ways: what makes a picture sharp."""
    return x[..., 1:, :] - x[..., :-1, :], x[..., :, 1:] - x[..., :, :-1]


def picture_loss(painted, wanted):
    flat = (painted - wanted).abs().mean() + 0.5 * functional.mse_loss(painted, wanted)
    return flat + 0.4 * sum((a - b).abs().mean() for a, b in zip(edges(painted), edges(wanted)))


def vae(run, steps, batch=16, crop=96):
    """Trains encoder and decoder on crops, then measures the latents and standardises them."""
    pixels = numpy.load(run.path("pixels.npy"), mmap_mode="r")
    model = nn.ModuleDict({"encoder": models.Encoder(), "decoder": models.Decoder()})
    model.to(memory_format=torch.channels_last)

    def loss_of(step):
        draw = numpy.random.default_rng((1, step))
        crops = []
        for index in draw.integers(len(pixels), size=batch):
            y, x = draw.integers((pictures.SIDE - crop) // 8 + 1, size=2) * 8
            cut = pixels[index, y : y + crop, x : x + crop]
            crops.append(cut[..., draw.permutation(3)] if draw.random() < 0.2 else cut)
        wanted = to_picture(run, numpy.stack(crops))
        with autocast(run):
            means, spread = model["encoder"](wanted).float().chunk(2, 1)
            spread = spread.clamp(-12, 6)
            painted = model["decoder"](means + torch.randn_like(means) * (0.5 * spread).exp()).float()
        divergence = 0.5 * (means.square() + spread.exp() - 1 - spread).mean()
        noise = functional.mse_loss(painted, wanted).detach()
        return picture_loss(painted, wanted) + 1e-3 * divergence, {"psnr": 10 * torch.log10(4 / noise), "kl": divergence.detach()}

    run.train("vae", model, loss_of, steps, 1.5e-3)
    ready = run.path("vae_ready.pt")
    if not ready.exists() or ready.stat().st_mtime < run.path("vae.pt").stat().st_mtime:
        standardise(run, model, pixels)


@torch.no_grad()
def standardise(run, model, pixels):
    """Folds mean and deviation of the latents into the 1x1 convolutions, so that latents * 0.18215 are standard; writes vae_ready.pt."""
    some = numpy.sort(numpy.random.default_rng(2).choice(len(pixels), min(1024, len(pixels)), replace=False))
    with autocast(run):
        parts = [model["encoder"](to_picture(run, pixels[some[at : at + 32]])) for at in range(0, len(some), 32)]
    means = torch.cat(parts).float().chunk(2, 1)[0]
    middle, deviation = means.mean((0, 2, 3)), means.std((0, 2, 3))
    factor = 1 / (deviation * models.LATENT_SCALE)
    quant, post = model["encoder"].quant, model["decoder"].post_quant
    quant.weight.copy_(torch.diag(torch.cat([factor, torch.ones_like(factor)]))[:, :, None, None])
    quant.bias.copy_(torch.cat([-middle * factor, 2 * factor.log()]))
    post.weight.copy_(torch.diag(1 / factor)[:, :, None, None])
    post.bias.copy_(middle)
    run.save("vae_ready", {"average": model.state_dict()})


def load_vae(run):
    return run.averaged("vae_ready", nn.ModuleDict({"encoder": models.Encoder(), "decoder": models.Decoder()}))


@torch.no_grad()
def latents(run, batch=64):
    """Encodes the whole pool: latents.npy, float16 [n, 4, 16, 16], standardised."""
    path = run.path("latents.npy")
    newest = max(run.path("vae_ready.pt").stat().st_mtime, run.path("pool.npy").stat().st_mtime)
    if path.exists() and path.stat().st_mtime > newest:
        return
    model = load_vae(run)
    pixels = numpy.load(run.path("pixels.npy"), mmap_mode="r")
    out = numpy.empty((len(pixels), 4, 16, 16), dtype=numpy.float16)
    errors = []
    for at in range(0, len(pixels), batch):
        wanted = to_picture(run, pixels[at : at + batch])
        with autocast(run):
            means = model["encoder"](wanted).float().chunk(2, 1)[0]
        out[at : at + batch] = (means * models.LATENT_SCALE).cpu().numpy()
        if at % (len(pixels) // 4) < batch:
            errors.append(functional.mse_loss(model["decoder"](means).clamp(-1, 1), wanted).item())
    numpy.save(path, out)
    run.say(f"latents: {len(out)}, decoded again at {10 * numpy.log10(4 / numpy.mean(errors)):.2f} dB")


class Batches:
    """Draws prompts with the pictures that they ask for."""

    def __init__(self, run, emoji, junk):
        self.run, self.emoji, self.junk = run, emoji, junk
        self.rows = numpy.load(run.path("pool.npy"))
        self.latents = torch.from_numpy(numpy.load(run.path("latents.npy"))).to(run.device)
        self.bank = pictures.look_bank()
        self.directions = models.look_directions().to(run.device)
        self.tokenizer = Tokenizer.load(run.folder)
        count = len(emoji)
        self.of_emoji = numpy.arange(len(self.rows)).reshape(count, -1)
        plain = (self.rows[:, 1:5] == (-1, -1, 0, 0)).all(1)
        self.plain = [own[plain[own]] if plain[own].any() else own for own in self.of_emoji]
        order = numpy.argsort(self.rows[:, 5], kind="stable")
        self.by_look = numpy.split(order, numpy.cumsum(numpy.bincount(self.rows[:, 5], minlength=pictures.LOOK_BANK))[:-1])

    def draw(self, count, seed):
        """Returns ids [count, 77], rows of the pool [count], looks [count, 9] and targets of the prompts' meaning."""
        draw = numpy.random.default_rng(seed)
        prompts = words.Prompts(self.emoji, self.junk, int(draw.integers(2**31)))
        ids, chosen, looks = [], [], []
        names = numpy.zeros((count, len(self.emoji)), dtype=numpy.float32)
        said = numpy.zeros((count, 4), dtype=numpy.int64)
        for number in range(count):
            kind = draw.random()
            index = int(draw.integers(len(self.emoji)))
            if kind < 0.1:  # Nothing said: any picture. What guidance starts from.
                row, text, meanings = int(draw.choice(self.of_emoji[index])), "", list(range(len(self.emoji)))
            elif kind < 0.13:
                index = int(draw.choice(prompts.popular))
                row = int(draw.choice(self.plain[index]))
                text, meanings = prompts.draw_unknown()
            else:
                row = int(draw.choice(self.of_emoji[index]))
                attributes = [int(v) for v in self.rows[row, 1:5]]
                text, meanings = prompts.draw(index, *attributes)
                said[number] = (attributes[0] + 1, attributes[1] + 1, attributes[2], attributes[3])
            look = self.bank[self.rows[row, 5]].copy()
            if 1 < len(meanings) < 16:  # The seed chooses among the meanings.
                share = (meanings.index(index) + draw.random()) / len(meanings)
                look[pictures.CHOICE] = torch.special.ndtri(torch.tensor(min(max(share, 1e-4), 1 - 1e-4))).item()
            else:
                look[pictures.CHOICE] = draw.standard_normal()
            names[number, meanings] = 1 / len(meanings)
            ids.append(self.tokenizer.encode(text))
            chosen.append(row)
            looks.append(look)
        targets = {"names": tensor(self.run, names), "said": tensor(self.run, said, torch.int64)}
        return tensor(self.run, ids, torch.int64), numpy.array(chosen), tensor(self.run, numpy.stack(looks)), targets

    def clean(self, chosen):
        return self.latents[torch.as_tensor(chosen, device=self.run.device)].float()

    def others_in_the_same_look(self, chosen, seed):
        """For each row another one, of any emoji, in the same pose: what img2img may start from."""
        draw = numpy.random.default_rng((5, seed))
        return numpy.array([int(draw.choice(self.by_look[self.rows[row, 5]])) for row in chosen])

    def first_noise(self, looks):
        """Standard normal noise [b, 4, 16, 16] from which models.Layout reads these looks."""
        noise = torch.randn(len(looks), 1024, device=self.run.device)
        noise = noise + (looks - noise @ self.directions.T) @ self.directions
        return noise.view(-1, 4, 16, 16)


def huber(difference, scale=0.2):
    """Pseudo-Huber: squares near zero, lines far away, so that edges stay; one number for each picture."""
    return ((difference.square() + scale**2).sqrt() - scale).flatten(1).mean(1)


class Meaning(nn.Module):
    """Reads name, colour, background, size and place from the last hidden state: a task beside, only for training."""

    def __init__(self, names):
        super().__init__()
        self.name = nn.Linear(models.TEXT_WIDTH, names)
        counts = (len(words.COLOURS) + 1, len(words.BACKGROUNDS) + 1, 3, 5)
        self.said = nn.ModuleList(nn.Linear(models.TEXT_WIDTH, count) for count in counts)

    def forward(self, text, targets):
        names = self.name(text)
        loss = functional.cross_entropy(names, targets["names"])
        for column, layer in enumerate(self.said):
            loss = loss + 0.5 * functional.cross_entropy(layer(text), targets["said"][:, column])
        right = targets["names"].gather(1, names.argmax(1, keepdim=True)) > 0
        return loss, right.float().mean()


def prepare_tokenizer(run, prompts):
    if not run.path("merges.txt").exists():
        Tokenizer(learn_merges(prompts.corpus())).save(run.folder)
    return Tokenizer.load(run.folder)


def text(run, emoji, junk, steps, batch=48):
    """Trains text encoder and layout together: what a prompt means, and roughly what it looks like. No convolutions yet."""
    batches = Batches(run, emoji, junk)
    model = nn.ModuleDict({
        "text": models.TextEncoder(len(batches.tokenizer.ids)), "layout": models.Layout(), "meaning": Meaning(len(emoji)),
    })  # fmt: skip
    rows, shares = models.time_rows().to(run.device), models.signal_and_noise().to(run.device)

    def loss_of(step):
        ids, chosen, looks, targets = batches.draw(batch, (3, step))
        clean = batches.clean(chosen)
        others = batches.clean(batches.others_in_the_same_look(chosen, step))
        with autocast(run):
            said = model["text"](ids, last_only=True)[:, 0].float()
            meaning, right = model["meaning"](said, targets)
            first = batches.first_noise(looks)
            first = torch.where(torch.rand(batch, 1, 1, 1, device=run.device) < 0.15, shares[0, 0] * clean + shares[0, 1] * first, first)
            guess = model["layout"](first, rows[:1].expand(batch, -1), said).float()
            samples, chance = [], torch.rand(3, batch, 1, 1, 1, device=run.device)
            for at, elsewhere in ((1, 0.1), (2, 0.04), (3, 0.0)):
                source = torch.where(chance[at - 1] < 0.5, guess.detach(), clean)
                source = torch.where(chance[at - 1] > 1 - elsewhere, others, source)
                samples.append(shares[at, 0] * source + shares[at, 1] * torch.randn_like(clean))
            later = model["layout"](torch.cat(samples), rows[1:].repeat_interleave(batch, 0), said.repeat(3, 1)).float()
        errors = huber(torch.cat([guess, later]) - clean.repeat(4, 1, 1, 1)).view(4, batch).mean(1)
        squares = (torch.cat([guess, later]) - clean.repeat(4, 1, 1, 1)).detach().square().view(4, -1).mean(1)
        numbers = {"meaning": meaning.detach(), "right": right, **{f"t{t}": squares[i] for i, t in enumerate(models.STEPS)}}
        return errors.sum() + 0.1 * meaning, numbers

    run.train("text", model, loss_of, steps, 1.2e-3)
    return model


def load_text_encoder(run, tokens):
    model = models.TextEncoder(tokens)
    model.load_state_dict(run.part("text", "text"))
    return model.to(run.device).eval()


@torch.no_grad()
def said_of_pool(run, batches, rounds, batch=96):
    """Encodes `rounds` prompts for about each picture of the pool, once. Returns rows, last hidden states and looks, shuffled."""
    encoder = load_text_encoder(run, len(batches.tokenizer.ids))
    rows, said, looks = [], [], []
    for number in range(rounds * len(batches.rows) // batch):
        ids, chosen, look, _ = batches.draw(batch, (8, number))
        with autocast(run):
            said.append(encoder(ids, last_only=True)[:, 0].float())
        rows.append(chosen)
        looks.append(look)
    return numpy.concatenate(rows), torch.cat(said), torch.cat(looks)


def layout(run, emoji, junk, steps, batch=256, rounds=2):
    """Trains the layout alone, on prompts encoded once: five times as many pictures a second as with the text encoder."""
    batches = Batches(run, emoji, junk)
    rows, said, looks = said_of_pool(run, batches, rounds)
    model = nn.ModuleDict({"layout": models.Layout()})
    model["layout"].load_state_dict(run.part("text", "layout"))
    times, shares = models.time_rows().to(run.device), models.signal_and_noise().to(run.device)

    def loss_of(step):
        some = numpy.random.default_rng((10, step)).integers(len(rows), size=batch)
        text, clean, first = said[some], batches.clean(rows[some]), batches.first_noise(looks[some])
        with autocast(run):
            guess = model["layout"](first, times[:1].expand(batch, -1), text).float()
            at = torch.randint(1, 4, (batch,), device=run.device)
            own = torch.rand(batch, 1, 1, 1, device=run.device) < 0.5
            source = torch.where(own, guess.detach(), clean)
            share = shares[at][:, :, None, None, None]
            noisy = share[:, 0] * source + share[:, 1] * torch.randn_like(clean)
            later = model["layout"](noisy, times[at], text).float()
        squares = (later - clean).detach().square().flatten(1).mean(1)
        numbers = {"t999": (guess - clean).detach().square().mean()}
        numbers.update({f"t{t}": squares[at == i].mean() for i, t in enumerate(models.STEPS) if i})
        return 2 * huber(guess - clean).mean() + 2 * huber(later - clean).mean(), numbers

    run.train("layout", model, loss_of, steps, 1.2e-3)


def load_painter(run, tokens):
    model = nn.ModuleDict({"text": load_text_encoder(run, tokens), "unet": models.UNet()})
    model["unet"].load_state_dict(run.part("unet", "unet"))
    return model.to(run.device).eval()


@torch.no_grad()
def first_pictures(run, batches, drawer, count=16000, batch=64):
    """What sampling goes on from after t = 999, for `count` prompts. Returns rows of the pool, hidden states, first noises and pictures."""
    encoder = load_text_encoder(run, len(batches.tokenizer.ids))
    time = models.time_rows()[:1].to(run.device).expand(batch, -1)
    rows, parts = [], []
    torch.manual_seed(1)
    for number in range(count // batch):
        ids, chosen, looks, _ = batches.draw(batch, (21, number))
        first = batches.first_noise(looks)
        with autocast(run):
            hidden = encoder(ids)
            picture = drawer(first, time, hidden[:, -1].float())
        rows.append(chosen)
        parts.append((hidden.half(), first.half(), picture.half()))
    return numpy.concatenate(rows), *(torch.cat(part) for part in zip(*parts))


def unet(run, emoji, junk, steps, batch=32):
    """Trains the convolutions to sharpen, the more the later the step: a judge compares what they make with real latents.

    Text encoder and layout come from the stages before and stay as they are. At the first step the picture remains the mean that the layout
    gives; 70 of 100 noisy inputs of the later ones are made of it, as sampling has it, the others of real latents.
    """
    batches = Batches(run, emoji, junk)
    model = nn.ModuleDict({"unet": models.UNet(), "judge": judge.of_latents()})
    model["unet"].layout.load_state_dict(run.part("layout", "layout"))
    model["unet"].layout.requires_grad_(False)
    model.to(run.device)
    rows, hidden, first, soft = first_pictures(run, batches, model["unet"].layout)
    times, shares = models.time_rows().to(run.device), models.signal_and_noise().to(run.device)
    often = torch.tensor([0.05, 0.2, 0.35, 0.4])
    sharpen = torch.tensor([0.0, 0.1, 0.6, 1.0], device=run.device)  # The judge's say at the four steps.

    def loss_of(step):
        some = numpy.random.default_rng((31, step)).integers(len(rows), size=batch)
        clean, own = batches.clean(rows[some]), soft[some].float()
        at = torch.multinomial(often, batch, replacement=True).to(run.device)
        source = torch.where(torch.rand(batch, 1, 1, 1, device=run.device) < 0.7, own, clean)
        share = shares[at][:, :, None, None, None]
        noisy = share[:, 0] * source + share[:, 1] * torch.randn_like(clean)
        sample = torch.where((at == 0)[:, None, None, None], first[some].float(), noisy)
        with autocast(run):
            painted = model["unet"].picture(sample, times[at], hidden[some].float())
        painted = painted.float()
        # Beside the soft picture, so that what counts is this picture's sharpness, not whether it is a picture.
        losses = judge.duel(model["judge"], torch.cat([painted, own], 1), torch.cat([clean, own], 1), sharpen[at])
        squares = (painted - clean).detach().square().flatten(1).mean(1)
        numbers = {f"t{t}": squares[at == i].mean() if (at == i).any() else squares.mean() for i, t in enumerate(models.STEPS)}
        numbers.update({name: loss.detach() for name, loss in losses.items()})
        return 2 * huber(painted - clean).mean() + 0.05 * losses["fooled"] + 0.2 * losses["features"] + losses["judge"], numbers

    run.train("unet", model, loss_of, steps, 3e-4, average=0.998)


def decoder(run, emoji, junk, steps, batch=8):
    """Trains the decoder further against a judge of pictures: what 48 times fewer numbers cannot tell of an edge, it learns to guess."""
    batches = Batches(run, emoji, junk)
    model = nn.ModuleDict({"decoder": load_vae(run)["decoder"], "judge": judge.of_pictures()}).to(memory_format=torch.channels_last)
    pixels = numpy.load(run.path("pixels.npy"), mmap_mode="r")

    def loss_of(step):
        rows = numpy.sort(numpy.random.default_rng((7, step)).integers(len(pixels), size=batch))
        wanted, given = to_picture(run, pixels[rows]), batches.clean(rows)
        given = given + 0.1 * torch.randn_like(given) * torch.rand(batch, 1, 1, 1, device=run.device)
        with autocast(run):
            out = model["decoder"](given / models.LATENT_SCALE).float()
        losses = judge.duel(model["judge"], out.clamp(-1.05, 1.05), wanted)
        picture = picture_loss(out, wanted)
        numbers = {"picture": picture.detach(), **{name: loss.detach() for name, loss in losses.items()}}
        return picture + 0.05 * losses["fooled"] + 0.5 * losses["features"] + losses["judge"], numbers

    run.train("decoder", model, loss_of, steps, 3e-4, average=0.998)


def load_decoder(run):
    """The VAE with the decoder of the stage `decoder`."""
    model = load_vae(run)
    model["decoder"].load_state_dict(run.part("decoder", "decoder"))
    return model.eval()
