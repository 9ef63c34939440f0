"""Command line: python -m filigree_training finetune --teacher dense.onnx --photos DIR --recipe recipe.toml --out DIR --minutes 20"""

from __future__ import annotations

import argparse

from .photos import load
from .plot import plot
from .recipe import read_recipe


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="filigree_training", description="Sparse fine-tuning by distillation.")
    commands = parser.add_subparsers(required=True, dest="command")
    tune = commands.add_parser("finetune", help="train sparse students of a dense ONNX network until the clock says stop")
    tune.add_argument("--teacher", required=True, help="the dense network")
    tune.add_argument("--student", action="append", default=[], help="a pruned network to begin with; one for each recipe")
    tune.add_argument("--photos", action="append", required=True, help="a folder or a .tar of photographs; may be repeated")
    tune.add_argument("--recipe", action="append", required=True, help="a TOML file; several train side by side")
    tune.add_argument("--out", required=True, help="a folder")
    tune.add_argument("--minutes", type=float, default=20.0)
    tune.add_argument("--ends", type=float, default=0.0, help="seconds since 1970 at which training ends, instead of --minutes")
    tune.add_argument("--until", type=float, default=1.0, help="progress of the schedules at the end of this run")
    tune.add_argument("--side", type=int, help="of the input, where it is not the file's own")
    tune.add_argument("--stored", type=int, help="longer side of photographs as they are kept, where it is not the input's")
    tune.add_argument("--labelled", default="", help="labelled photographs to measure AP on")
    tune.add_argument("--instances", default="", help="their instances.json")
    tune.add_argument("--check-every", type=float, default=60.0, help="seconds")
    tune.add_argument("--cache", default="/tmp/filigree-photos", help="a folder for decoded photographs")
    tune.add_argument("--aside", type=int, default=256, help="photographs that no student trains on")
    tune.add_argument("--profile", action="store_true", help="say how long each part takes")
    decode = commands.add_parser("decode", help="decode photographs ahead of a run")
    decode.add_argument("--photos", action="append", required=True)
    decode.add_argument("--side", type=int, required=True)
    decode.add_argument("--cache", default="/tmp/filigree-photos")
    cut = commands.add_parser("prune", help="a pruned network to begin with, not trained")
    cut.add_argument("--teacher", required=True)
    cut.add_argument("--photos", action="append", required=True)
    cut.add_argument("--recipe", action="append", required=True)
    cut.add_argument("--share", action="append", type=float, required=True, help="zeros after each of several prunings")
    cut.add_argument("--out", required=True, help="a folder")
    cut.add_argument("--cache", default="/tmp/filigree-photos")
    draw = commands.add_parser("plot", help="draw a run's log")
    draw.add_argument("log")
    draw.add_argument("--out", required=True, help="an .svg")
    options = vars(parser.parse_args(arguments))
    command = options.pop("command")
    if command == "plot":
        plot(**options)
        return
    if command == "decode":
        load(options["photos"], options["side"], options["cache"])
        return

    from .train import Job, Training

    recipes = [read_recipe(path) for path in options.pop("recipe")]
    if command == "prune":
        shares = options.pop("share")
        Training(Job(recipes=recipes, **options)).prune_only(shares)
    else:
        starts = options.pop("student")
        Training(Job(recipes=recipes, starts=starts, **options)).go()


if __name__ == "__main__":
    main()
