#!/usr/bin/env python3
"""Trains the demo painter from nothing, or goes on where it was stopped.

  python3 train.py --work FOLDER [--out FOLDER] [--steps vae=2400,text=1600,layout=24000,unet=5000,decoder=6000]

Needs the packages of requirements.txt and Debian's fonts-noto-color-emoji and unicode-cldr-core. Two hours or so on two idle CPU
cores that know bf16; uses a GPU where PyTorch finds one. SIGTERM writes a checkpoint (exit code 75); the same command goes on from
there. --out also exports ONNX graphs.
"""

import argparse
import pathlib
import sys

import torch

import stages
import words
from running import Run, Stopped

STOPPED = 75  # Exit code: asked to end before the end; from sysexits.h, EX_TEMPFAIL.
DEFAULT_STEPS = {"vae": 2400, "text": 1600, "layout": 24000, "unet": 5000, "decoder": 6000}


def read_steps(text):
    steps = dict(DEFAULT_STEPS)
    for part in filter(None, text.split(",")):
        name, _, count = part.partition("=")
        if name not in steps or not count.isdigit():
            raise argparse.ArgumentTypeError(f"wanted {'|'.join(steps)}=NUMBER, found {part!r}")
        steps[name] = int(count)
    return steps


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for checkpoints and pictures (3 GB)")
    parser.add_argument("--out", type=pathlib.Path, help="export the ONNX graphs here at the end")
    parser.add_argument("--steps", type=read_steps, default=dict(DEFAULT_STEPS), help="steps of the stages")
    parser.add_argument("--per-emoji", type=int, default=64, help="training pictures for each emoji")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads, 0: all cores; 1 is faster where other work shares the cores")
    parser.add_argument("--until", choices=["pool", "vae", "latents", "text", "layout", "unet", "decoder"], help="stop after this stage")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    run = Run(arguments.work)
    emoji, junk = words.load_emoji()
    tokenizer = stages.prepare_tokenizer(run, words.Prompts(emoji, junk, 0))
    steps = arguments.steps
    order = [
        ("pool", lambda: stages.pool(run, emoji, arguments.per_emoji)),
        ("vae", lambda: stages.vae(run, steps["vae"])),
        ("latents", lambda: stages.latents(run)),
        ("text", lambda: stages.text(run, emoji, junk, steps["text"])),
        ("layout", lambda: stages.layout(run, emoji, junk, steps["layout"])),
        ("unet", lambda: stages.unet(run, emoji, junk, steps["unet"])),
        ("decoder", lambda: stages.decoder(run, emoji, junk, steps["decoder"])),
    ]
    try:
        for name, stage in order:
            stage()
            if name == arguments.until:
                return 0
    except Stopped as stopped:
        run.say(str(stopped))
        return STOPPED
    if arguments.out:
        import export

        export.export(run, len(tokenizer.ids), arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
