#!/usr/bin/env python3
"""Networks, pictures and checkpoints of the demo painter. Needs requirements.txt."""

import os
import signal
import tempfile
import unittest

import numpy
import torch
from PIL import Image

import judge
import models
import pictures
import stages
from running import Run, Stopped


def square():
    """A red square as an emoji."""
    out = Image.new("RGBA", (160, 160))
    out.paste((220, 30, 30, 255), (40, 40, 120, 120))
    return out


class PicturesTest(unittest.TestCase):
    def test_a_look_decides_the_picture(self):
        bank = pictures.look_bank()
        first, again, other = (numpy.asarray(pictures.compose(square(), bank[i], pictures.Attributes(0))) for i in (0, 0, 1))
        self.assertTrue((first == again).all())
        self.assertFalse((first == other).all())

    def test_recolouring_turns_the_main_colour(self):
        blue = numpy.asarray(pictures.recolour(square(), pictures.words.COLOURS.index("blue")))[80, 80]
        self.assertGreater(int(blue[2]), int(blue[0]) + 80)

    def test_a_named_background_is_that_colour(self):
        index = pictures.words.BACKGROUNDS.index("green")
        corner = pictures.compose(square(), numpy.zeros(6), pictures.Attributes(0, background=index)).getpixel((0, 0))
        self.assertEqual(corner, pictures.BACKGROUND_RGB["green"])

    def test_blue_apples_and_an_eighth_of_the_pairs_are_held_out(self):
        self.assertTrue(pictures.held_out("red apple", pictures.words.COLOURS.index("blue")))
        share = numpy.mean([pictures.held_out(f"thing {i}", c) for i in range(200) for c in range(11)])
        self.assertAlmostEqual(share, 1 / 8, delta=0.02)


class ModelsTest(unittest.TestCase):
    def test_predicted_noise_gives_back_the_picture_at_each_of_the_four_steps(self):
        unet = models.UNet().eval()
        sample, hidden = torch.randn(4, 4, 16, 16), torch.randn(4, 77, models.TEXT_WIDTH)
        shares = models.signal_and_noise()[:, :, None, None, None]
        with torch.no_grad():
            noise = unet(sample, models.time_rows(), hidden)
            wanted = unet.picture(sample, models.time_rows(), hidden)
        picture = (sample - shares[:, 1] * noise) / shares[:, 0]
        self.assertLess((picture - wanted).abs().max().item(), 2e-3)

    def test_first_noise_holds_the_look_and_is_standard_otherwise(self):
        batches = stages.Batches.__new__(stages.Batches)
        batches.run, batches.directions = type("Here", (), {"device": "cpu"}), models.look_directions()
        looks = torch.randn(256, models.LOOKS)
        noise = batches.first_noise(looks).flatten(1)
        self.assertLess((noise @ batches.directions.T - looks).abs().max().item(), 1e-4)
        self.assertAlmostEqual(noise.std().item(), 1.0, delta=0.02)

    def test_last_hidden_state_alone_equals_the_last_of_all(self):
        text = models.TextEncoder(100).eval()
        ids = torch.randint(0, 100, (3, 77))
        self.assertLess((text(ids)[:, -1] - text(ids, last_only=True)[:, 0]).abs().max().item(), 1e-5)


class JudgeTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        self.judge = judge.Judge([(1, 8, 3, 1), (8, 1, 3, 1)])
        self.real, self.made = torch.rand(2, 1, 8, 8), torch.rand(2, 1, 8, 8, requires_grad=True)

    def test_each_loss_moves_its_own_player_alone(self):
        losses = judge.duel(self.judge, self.made, self.real)
        losses["judge"].backward(retain_graph=True)
        self.assertIsNone(self.made.grad)
        self.assertTrue(all(weight.grad.abs().sum() > 0 for weight in self.judge.parameters()))
        self.judge.zero_grad()
        (losses["fooled"] + losses["features"]).backward()
        self.assertGreater(self.made.grad.abs().sum().item(), 0)
        self.assertTrue(all(weight.grad is None for weight in self.judge.parameters()))

    def test_a_pair_without_weight_does_not_count(self):
        losses = judge.duel(self.judge, self.made, self.real, torch.tensor([0.0, 2.0]))
        sum(losses.values()).backward()
        self.assertEqual(self.made.grad[0].abs().sum().item(), 0)
        self.assertGreater(self.made.grad[1].abs().sum().item(), 0)
        alone = judge.duel(self.judge, self.made[1:], self.real[1:])
        for name, loss in losses.items():
            self.assertAlmostEqual(loss.item(), alone[name].item(), places=3)

    def test_learns_to_tell_soft_from_sharp(self):
        optimizer = torch.optim.Adam(self.judge.parameters(), 1e-2)
        for _ in range(150):
            sharp = torch.randn(16, 1, 8, 8)
            soft = torch.nn.functional.avg_pool2d(sharp, 3, 1, 1)
            loss = judge.duel(self.judge, soft, sharp)["judge"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        self.assertLess(loss.item(), 0.1)  # 0.25 by saying one half of everything.


class StagesTest(unittest.TestCase):
    def test_a_part_of_a_stage_loads_into_its_own_module(self):
        with tempfile.TemporaryDirectory() as folder:
            run = Run(folder, device="cpu")
            whole = torch.nn.ModuleDict({"unet": torch.nn.Linear(2, 2), "unetwork": torch.nn.Linear(3, 3)})
            run.save("unet", {"average": whole.state_dict()})
            part = torch.nn.Linear(2, 2)
            part.load_state_dict(run.part("unet", "unet"))
            self.assertTrue(torch.equal(part.weight, whole["unet"].weight))


class RunTest(unittest.TestCase):
    def train(self, folder, steps, stop_at=None):
        run = Run(folder, device="cpu")
        torch.manual_seed(0)
        model = torch.nn.Linear(4, 1)

        def loss_of(step):
            if step == stop_at:
                os.kill(os.getpid(), signal.SIGTERM)
            return (model(torch.randn(8, 4)) - 1).square().mean(), {}

        run.train("line", model, loss_of, steps, 1e-2)
        return model.weight.detach().clone()

    def test_a_stopped_training_goes_on_to_the_same_weights(self):
        with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as parts:
            wanted = self.train(whole, 40)
            with self.assertRaises(Stopped):
                self.train(parts, 40, stop_at=17)
            self.assertTrue(torch.equal(self.train(parts, 40), wanted))

    def test_a_weight_that_cannot_learn_ends_the_training(self):
        model = torch.nn.ModuleDict({"used": torch.nn.Linear(4, 1), "forgotten": torch.nn.Linear(4, 1)})
        with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(RuntimeError, "forgotten.weight"):
            Run(folder, device="cpu").train("line", model, lambda step: (model["used"](torch.randn(8, 4)).mean(), {}), 2, 1e-2)


if __name__ == "__main__":
    unittest.main()
