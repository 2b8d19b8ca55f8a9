"""A training loop that can be stopped at any moment and taken up again.

Checkpoints hold weights, their moving average, the optimizer and the step; the learning rate follows from the step and the number of
steps wanted, so a finished stage can be extended by asking for more.
"""

import copy
import math
import os
import pathlib
import signal
import sys
import time

import torch


class Stopped(Exception):
    """The process was asked to end; the checkpoint is written."""


class Run:
    """The folder of one training, and its clock. Not for threads."""

    def __init__(self, folder, save_every_s=300, device=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.save_every_s = save_every_s
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, *_):
        self.stopping = True

    def path(self, name):
        return self.folder / name

    def say(self, text):
        print(time.strftime("%H:%M:%S"), text, flush=True)

    def load(self, name):
        """The checkpoint of stage `name`, or None."""
        path = self.path(f"{name}.pt")
        return torch.load(path, map_location=self.device, weights_only=True) if path.exists() else None

    def save(self, name, state):
        part = self.path(f"{name}.pt.part")
        torch.save(state, part)
        os.replace(part, self.path(f"{name}.pt"))

    def averaged(self, name, model):
        """Loads the averaged weights of stage `name` into `model` and returns it in evaluation mode."""
        model.load_state_dict(self._finished(name))
        return model.to(self.device).eval()

    def part(self, name, part):
        """The averaged weights of one part of stage `name`, as load_state_dict takes them."""
        state = self._finished(name)
        return {key.removeprefix(f"{part}."): weight for key, weight in state.items() if key.startswith(f"{part}.")}

    def _finished(self, name):
        state = self.load(name)
        if state is None:
            sys.exit(f"{name}.pt is missing in {self.folder}: run the stage {name} first")
        return state["average"]

    @staticmethod
    def optimizer(model, rate):
        groups = {}
        for parameter in model.parameters():
            if parameter.requires_grad:
                groups.setdefault(0.01 if parameter.ndim > 1 else 0.0, []).append(parameter)
        return torch.optim.AdamW(
            [{"params": group, "weight_decay": decay} for decay, group in groups.items()],
            lr=rate, betas=(0.9, 0.98), eps=1e-8, fused=True,
        )  # fmt: skip

    def train(self, name, model, loss_of, steps, rate, average=0.999):
        """Trains `model` until `steps` are done, from its checkpoint if there is one. Leaves the averaged weights in `model`.

        loss_of(step) returns the loss and a dict of numbers for the log. Raises Stopped after SIGTERM, with the checkpoint written.
        """
        model.to(self.device).train()
        optimizer = self.optimizer(model, rate)
        mean = copy.deepcopy(model).eval()
        step, state = 0, self.load(name)
        if state is not None:
            model.load_state_dict(state["model"])
            mean.load_state_dict(state["average"])
            optimizer.load_state_dict(state["optimizer"])
            step = state["step"]
        self.say(f"{name}: from step {step} to {steps}")
        saved = logged = time.monotonic()
        sums, count = {}, 0
        while step < steps:
            now = min(1, (step + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
            for group in optimizer.param_groups:
                group["lr"] = rate * now
            torch.manual_seed(1000003 * len(name) + step)
            loss, numbers = loss_of(step)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._check_all_learn(name, model)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            self._move_average(mean, model, min(average, step / (step + 10)))
            for key, value in numbers.items():
                sums[key] = sums.get(key, 0.0) + float(value)
            count += 1
            if step % 50 == 0 or step == steps:
                each = (time.monotonic() - logged) / count
                told = " ".join(f"{key} {value / count:.4f}" for key, value in sums.items())
                self.say(f"{name} {step}/{steps} {each:.3f} s/step {told}")
                sums, count, logged = {}, 0, time.monotonic()
            if step == steps or self.stopping or time.monotonic() - saved > self.save_every_s:
                self.save(
                    name,
                    {"step": step, "model": model.state_dict(), "average": mean.state_dict(), "optimizer": optimizer.state_dict()},
                )
                saved = time.monotonic()
            if self.stopping:
                raise Stopped(f"{name} stopped at step {step}")
        model.load_state_dict(mean.state_dict())
        model.eval()

    @staticmethod
    def _check_all_learn(name, model):
        """A weight without a gradient stays as it is, and a loss that falls all the same hides it."""
        dead = [key for key, parameter in model.named_parameters() if parameter.requires_grad and parameter.grad is None]
        if dead:
            raise RuntimeError(f"{name}: {len(dead)} weights have no gradient: {', '.join(dead[:3])}")

    @staticmethod
    @torch.no_grad()
    def _move_average(mean, model, keep):
        pairs = [(a, b) for a, b in zip(mean.parameters(), model.parameters())]
        torch._foreach_lerp_([a for a, _ in pairs], [b.detach() for _, b in pairs], 1 - keep)
