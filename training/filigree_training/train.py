"""The loop: several students of one dense network side by side until the clock says stop; every batch, and what the dense network
says of it, is shared.

At every check and at the end it writes to `out`, for each student, NAME.onnx, NAME.masks.safetensors, NAME.state.npz (what the
next run goes on from) and a line of log.jsonl.
"""

from __future__ import annotations

import dataclasses
import json
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from . import evaluate, patterns
from .arrays import Array
from .augment import Augmenter
from .checks import Checks
from .heads import recognise
from .masks import read_masks, write_masks
from .network import Network
from .photos import held_out, load
from .prune import prune
from .recipe import Augmentation, Recipe
from .recorded import Recorded
from .regrowth import regrow, regrown_share
from .report import profile, say
from .schedule import prunings
from .state import load_state, save_state
from .student import Student
from .teacher import Teacher


@dataclass
class Job:
    """What to train: one recipe and starting point for each student."""

    teacher: str
    photos: list[str]
    out: str
    recipes: list[Recipe]
    starts: list[str] = field(default_factory=list)  # ONNX each; the teacher where there are none
    minutes: float = 20.0  # of training
    ends: float = 0.0  # seconds since 1970 at which training ends instead, what comes before it counted in
    until: float = 1.0  # progress at the end of this run
    side: int | None = None
    labelled: str = ""  # a folder or tar of labelled photographs, and
    instances: str = ""  # their instances.json
    check_every: float = 60.0  # seconds
    stored: int | None = None  # longer side of photographs as they are kept, where it is not the input's
    cache: str = "/tmp/filigree-photos"  # a folder
    aside: int = 256
    resume: bool = True
    half: bool | None = None
    profile: bool = False  # say how long each part takes


Waiting = list[tuple[dict[str, Any], dict[str, Future[Any]]]]  # entries of the log, and what is still counted for them


class Training:
    """Everything that the loop needs, ready to `go`."""

    def __init__(self, job: Job) -> None:
        self.job, first = job, job.recipes[0]
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.cuda = self.device.type == "cuda"
        torch.backends.cudnn.benchmark = self.cuda
        torch.backends.cudnn.benchmark_limit = 3
        torch.manual_seed(first.seed)
        self.out = Path(job.out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.network = Network(job.teacher, job.side)
        self.head = recognise(self.network)
        self.train, self.aside = self._photographs(first)
        self.teacher = Teacher(self.network, self.head, self.device, torch.float16 if self.cuda else torch.float32)
        size, count = (64, 8) if self.cuda else (8, 2)
        use = dataclasses.replace(first.augmentation, mosaic=0.0, scale=(0.85, 1.2), colour=0.2, stretch=0.05, mixup=0.0)
        self.use = use  # photographs as they are in use
        self.calm = [self.train.batch(size, use) for _ in range(count)]
        self.teacher.calibrate(self.calm[:4])
        say(f"{type(self.head).__name__}, {len(self.network.convs)} convolutions, {len(self.teacher.hints)} cut points")
        self.students = [self._student(r, k) for k, r in enumerate(job.recipes)]
        self.checks = self._checks()

    def _photographs(self, recipe: Recipe) -> tuple[Augmenter, Augmenter]:
        job = self.job
        photos = load(job.photos, job.stored or self.network.side, job.cache)
        aside = held_out(photos.names)
        chosen = np.zeros(len(aside), bool)
        chosen[np.flatnonzero(aside)[: job.aside]] = True
        every = Augmenter(photos, recipe.input, self.network.side, self.device)
        train, others = every.of(~aside), every.of(chosen)
        say(f"{train.count} photographs to train on, {others.count} put aside")
        return train, others

    def _student(self, recipe: Recipe, index: int) -> Student:
        teacher, starts = self.teacher, self.job.starts
        initial, kept = (teacher.weights.clone(), teacher.biases.clone()), torch.ones(self.network.weights)
        if index < len(starts) and starts[index]:
            pruned = Network(starts[index], self.network.side)
            initial = (pruned.flat_weights(), pruned.flat_biases())
            kept = self._kept(pruned, initial[0])
        dtype = torch.bfloat16 if self.cuda or self.job.half else torch.float32
        swaps = recipe.activations
        network = Network(self.job.teacher, self.network.side, swaps) if swaps else None
        student = Student(recipe, teacher, dtype, self.calm[:4], initial, network)
        student.mask[: self.network.weights] = kept.to(self.device)
        student.forget()
        s = recipe.sparsity
        scheduled = s.share and s.prunings and not s.masks and s.method != "sr-ste"
        student.due = prunings(s.first, s.share, s.until, s.prunings) if scheduled else []
        if s.masks:
            student.mask[: self.network.weights] = read_masks(s.masks, self.network).to(self.device)
        return student

    @staticmethod
    def _kept(pruned: Network, weights: torch.Tensor) -> torch.Tensor:
        """A flat mask: the zeros of layers that may be pruned."""
        kept = torch.ones_like(weights)
        for c in pruned.convs.values():
            if c.prunable:
                kept[c.weights_place] = (weights[c.weights_place] != 0).float()
        return kept

    def _checks(self) -> Checks:
        every = torch.arange(self.aside.count, device=self.device)
        sets: dict[str, tuple[torch.Tensor, list[Array] | None]] = {"aside": (self.aside.plain(every), None)}
        if self.job.labelled:
            photos = load([self.job.labelled], self.network.side, self.job.cache)
            recipe = self.job.recipes[0]
            truth = evaluate.coco_truth(self.job.instances, photos.names, self.network.side, recipe.input.fit)
            labelled = Augmenter(photos, recipe.input, self.network.side, self.device)
            sets["labelled"] = (labelled.plain(torch.arange(labelled.count, device=self.device)), truth)
        checks = Checks(self.teacher, sets, self.calm)
        say("checks are ready")
        return checks

    # ---- the loop ----

    def _draw(self, a: Augmentation) -> None:
        self.images.copy_(self.train.batch(len(self.images), a))

    def _see(self) -> None:
        self.view = self.teacher(self.images)

    def _learn(self, student: Student) -> None:
        student.step(self.images, *self.view)

    def go(self) -> None:
        job, recipe = self.job, self.job.recipes[0]
        side = self.network.side
        self.images = torch.zeros(recipe.batch, 3, side, side, device=self.device).contiguous(memory_format=torch.channels_last)
        early = Recorded(lambda: self._draw(recipe.augmentation), self.device)
        late = Recorded(lambda: self._draw(self.use), self.device)
        look = Recorded(self._see, self.device)
        steps = []
        for student in self.students:  # trial steps at rate 0: nothing is learnt
            steps.append(Recorded(partial(self._learn, student), self.device))
            say(f"{student.recipe.name}: ready, losses {student.losses()}")
            student.forget()
            self._resume(student)
        if job.profile:
            profile({"photographs": early, "teacher": look} | {s.recipe.name: r for s, r in zip(self.students, steps)})
            for student in self.students:
                student.forget()
        first = self.students[0].progress
        begun = time.time()
        seconds = job.ends - begun if job.ends else job.minutes * 60
        due, step = job.check_every, 0
        waiting: Waiting = []
        while True:
            if step % 4 == 0 and self.cuda:
                torch.cuda.synchronize()
            elapsed = time.time() - begun
            if elapsed >= seconds:
                break
            progress = first + (job.until - first) * elapsed / seconds
            self._prune(progress)
            for k, student in enumerate(self.students):
                if student.imitate(progress, self.calm[:2]):
                    steps[k] = Recorded(partial(self._learn, student), self.device)
            if elapsed >= due:
                self._report(waiting)
                waiting = self._check(progress, begun)
                due = elapsed + job.check_every
                if seconds - due < job.check_every * 0.4:
                    due = 2 * seconds
            draw = late if progress > recipe.augmentation.calm else early
            draw(after=steps if step and self.cuda else ())
            look(after=[draw])
            for student, run in zip(self.students, steps):
                run(before=partial(student.prepare, progress), after=[look])
            step += 1
        if self.cuda:
            torch.cuda.synchronize()
        took = time.time() - begun
        say(f"{step} steps of {recipe.batch} in {took:.1f} s: {step * recipe.batch / took:.0f} views a second for each of {len(steps)}")
        self._report(waiting)
        self._report(self._check(job.until, begun))
        say("teacher:", {k: [round(n, 2) for n in v.result()] for k, v in self.checks.dense.items()})
        self.checks.close()

    def prune_only(self, shares: list[float]) -> None:
        """Prunes every student to one share after the other, without training, and writes NAME-SHARE.onnx each time."""
        for student in self.students:
            for share in shares:
                began = time.time()
                batches = [self.train.batch(len(self.calm[0]), self.use) for _ in range(8)]
                prune(student, share, batches, self.calm)
                zeros, saved = self._zeros(student)
                weights, biases = student.folded()
                name = f"{student.recipe.name}-{round(100 * share)}"
                student.network.save(str(self.out / f"{name}.onnx"), weights, biases)
                more, waiting = self.checks.begin(student.network, weights, biases)
                say(f"{name}: {time.time() - began:.1f} s: {zeros:.4f} zeros, {saved:.4f} of MACs, {more}")
                say({k: v.result() for k, v in waiting.items()})
        self.checks.close()

    def _prune(self, progress: float) -> None:
        """Removes what each schedule has due; looks at ranges from time to time."""
        for student in self.students:
            q, s = student.recipe.quantisation, student.recipe.sparsity
            if s.method == "regrow" and progress < s.until and student.steps % s.every == s.every - 1:
                if self.cuda:
                    torch.cuda.synchronize()
                regrow(student, regrown_share(progress, s.regrown, s.until))
            pending = student.due and student.due[0][0] <= progress
            looks = student.eight and student.steps % q.every == q.every - 1
            if not pending and not looks:
                continue
            if self.cuda:
                torch.cuda.synchronize()
            if pending:
                while student.due and student.due[0][0] <= progress:
                    _, share = student.due.pop(0)
                began = time.time()
                batches = [self.train.batch(len(self.calm[0]), self.use) for _ in range(4)]
                prune(student, share, batches, self.calm)
                zeros, saved = self._zeros(student)
                say(f"{student.recipe.name}: pruned to {share:.3f} in {time.time() - began:.1f} s: {zeros:.4f} zeros, {saved:.4f} of MACs")
            student.look(self.calm[:2])
            if self.cuda:
                torch.cuda.synchronize()

    def _zeros(self, student: Student) -> tuple[float, float]:
        mask = student.flat_mask()
        return patterns.sparsity(mask, self.network), patterns.macs_removed(mask, self.network)

    def _check(self, progress: float, begun: float) -> Waiting:
        if self.cuda:
            torch.cuda.synchronize()
        waiting: Waiting = []
        for student in self.students:
            student.progress = progress
            weights, biases = student.folded(averaged=student.settled)
            zeros, saved = self._zeros(student)
            entry: dict[str, Any] = {"name": student.recipe.name, "seconds": round(time.time() - begun, 1), "progress": round(progress, 4)}
            entry |= {"steps": student.steps, "zeros": round(zeros, 4), "macs": round(saved, 4), "losses": student.losses()}
            self._write(student, weights, biases)  # at every check, so that a run that is killed leaves something
            more, futures = self.checks.begin(student.network, weights, biases)
            waiting.append((entry | more, futures))
        return waiting

    def _write(self, student: Student, weights: torch.Tensor, biases: torch.Tensor) -> None:
        name, s = student.recipe.name, student.recipe.sparsity
        student.network.save(str(self.out / f"{name}.onnx"), weights, biases)
        facts = {"pattern": s.pattern, "criterion": s.criterion, "seed": str(student.recipe.seed)}
        write_masks(str(self.out / f"{name}.masks.safetensors"), self.network, student.flat_mask(), facts)
        save_state(self.out / f"{name}.state.npz", student)

    def _resume(self, student: Student) -> None:
        path = self.out / f"{student.recipe.name}.state.npz"
        if self.job.resume and path.exists():
            load_state(path, student)
            progress = student.progress
            student.due = [d for d in student.due if d[0] > progress]
            say(f"{student.recipe.name}: goes on at step {student.steps}, progress {progress:.3f}")

    def _report(self, waiting: Waiting) -> None:
        for entry, futures in waiting:
            for name, future in futures.items():
                entry[name] = [round(float(v), 2) for v in future.result()]
            with (self.out / "log.jsonl").open("a") as log:
                log.write(json.dumps(entry) + "\n")
            say(json.dumps(entry))
