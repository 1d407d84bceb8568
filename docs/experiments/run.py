#!/usr/bin/env python3
"""Runs the experiments of this folder and writes their tables: Python 3.9 or later, nothing else. See README.md."""
import argparse
import csv
import json
import os
import pathlib
import queue
import re
import signal
import statistics
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999", "#8c564b", "#17becf"]


class Experiment:
    """A JSON file: settings of all runs, and of each run its own."""

    def __init__(self, path, out):
        self.__dict__.update(json.loads(pathlib.Path(path).read_text()))
        self.name = pathlib.Path(path).stem
        self.folder = out / self.name

    def run(self, name, seed):
        slug = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")
        return Run(self, name, seed, self.folder / f"{slug}-seed{seed}")


class Run:
    def __init__(self, experiment, name, seed, path):
        self.experiment, self.name, self.seed, self.path = experiment, name, seed, path

    def done(self):
        return (self.path / "done.json").exists()

    def jobs(self, strongest):
        """The jobs of a run, each as its arguments; settings of the command line are strongest."""
        settings = {**self.experiment.settings, **self.experiment.runs[self.name], "seed": self.seed}
        train = ["train", "--resume"]
        for key, value in settings.items():
            train += ["--set", f"{key}={str(value).lower() if isinstance(value, bool) else value}"]
        train += strongest
        # The decoder scores the causal rules in single precision: top-k beside them must be scored so too.
        evaluate = ["evaluate", *strongest, "--set", "engine.name=cpu", "--set", "engine.precision=float32"]
        return [train, evaluate] if self.experiment.evaluate else [train]


# --- running ---------------------------------------------------------------------------------------------------------


class Lanes:
    """Processes side by side, each on cores of its own and, where there are GPUs, each told one of them."""

    def __init__(self, options):
        self.options = options
        self.deadline = time.time() + 60 * options.minutes
        self.stopping = False
        self.free = queue.SimpleQueue()
        self.running = {}
        cores = sorted(os.sched_getaffinity(0))
        if options.cores:
            first, last = map(int, options.cores.split("-"))
            cores = cores[first : last + 1]
        share = len(cores) // options.parallel
        if share < 1:
            sys.exit(f"run.py: --parallel {options.parallel} on {len(cores)} cores: each run needs one")
        for lane in range(options.parallel):
            self.free.put((lane, cores[lane * share : (lane + 1) * share]))

    def environment(self, lane):
        if not self.options.gpus:
            return dict(os.environ)
        # Runs share a GPU here on purpose. The lock that keeps processes from doing so lies in the folder for temporary
        # files, so each lane has its own.
        scratch = self.options.out / "tmp" / str(lane)
        scratch.mkdir(parents=True, exist_ok=True)
        java = f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} -Djava.io.tmpdir={scratch}".strip()
        return {**os.environ, "CUDA_VISIBLE_DEVICES": str(lane % self.options.gpus), "JAVA_TOOL_OPTIONS": java}

    def call(self, lane, arguments, log):
        number, cores = lane
        command = [self.options.launcher, *arguments, "--master", f"local[{len(cores)}]", "--driver-memory", "2g"]
        with open(log, "a") as out:
            print("$", " ".join(command), file=out, flush=True)
            process = subprocess.Popen(
                command,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self.environment(number),
                preexec_fn=lambda: os.sched_setaffinity(0, cores),
            )
            self.running[number] = process
            code = process.wait()
            del self.running[number]
            return code

    def make(self, lane, run):
        run.path.mkdir(parents=True, exist_ok=True)
        begun = time.time()
        common = ["--run", str(run.path), "--set", f"corpus.path={self.options.corpus}"]
        for setting in self.options.set:
            common += ["--set", setting]
        for job in run.jobs(common):
            code = self.call(lane, job, run.path / "log.txt")
            if code:
                return f"{job[0]} ended with {code}: see {run.path / 'log.txt'}"
        (run.path / "done.json").write_text(json.dumps({"seconds": time.time() - begun}))
        return None

    def stop(self, *_):
        """Training ends its round, saves it and can be gone on with."""
        self.stopping = True
        for process in list(self.running.values()):
            process.send_signal(signal.SIGTERM)

    def all(self, runs):
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        timer = threading.Timer(60 * self.options.minutes, self.stop)
        timer.daemon = True
        timer.start()
        failed, threads = [], []

        def work(lane, run):
            begun = time.time()
            problem = self.make(lane, run)
            self.free.put(lane)
            if problem and not self.stopping:
                failed.append(run)
            print(
                f"{run.experiment.name}, {run.name}, seed {run.seed}: {problem or 'done'} ({time.time() - begun:.0f} s)",
                flush=True,
            )

        for run in runs:
            lane = self.free.get()
            if self.stopping:
                break
            thread = threading.Thread(target=work, args=(lane, run))
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()
        return failed


def run(options):
    experiments = [Experiment(path, options.out) for path in options.experiments]
    prepare(options, experiments)
    # One experiment after the other and seed by seed, so that whatever time allows is whole.
    runs = [e.run(name, seed) for e in experiments for seed in e.seeds for name in e.runs]
    left = [r for r in runs if not r.done()]
    print(f"{len(runs)} runs, {len(runs) - len(left)} of them done before", flush=True)
    failed = Lanes(options).all(left)
    for experiment in experiments:
        collect(experiment, options)
    missing = sum(not r.done() for r in runs)
    if missing:
        print(f"{missing} runs are not done; the same command goes on with them", flush=True)
    return 1 if failed else 0


def prepare(options, experiments):
    """Text to tokens, once for all runs."""
    if (pathlib.Path(options.corpus) / "manifest.json").exists():
        return
    if not options.text:
        sys.exit(f"run.py: {options.corpus} is no corpus: --text names the folder of the text to prepare it from")
    arguments = ["prepare", "--run", str(options.out), "--set", f"corpus.path={options.corpus}"]
    for key, name in experiments[0].text.items():
        arguments += ["--set", f"corpus.{key}={pathlib.Path(options.text).resolve() / name}"]
    subprocess.run([options.launcher, *arguments], check=True)


# --- tables ----------------------------------------------------------------------------------------------------------


def result(run):
    """What a finished run came to, as a row of the CSV."""
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    last = lines[-1]
    scored = [line["validationLoss"] for line in lines if "validationLoss" in line]
    row = {
        "run": run.name,
        "seed": run.seed,
        "rounds": last["round"],
        "steps": last["step"],
        "tokens": last["tokens"],
        "flops": last["flops"],
        "bytes_up": sum(line.get("bytesUp", 0) for line in lines),
        "training": last["ce"],
        "validation": last["validationLoss"],
        "best": min(scored),
        "train_seconds": sum(line["seconds"] for line in lines),
        "seconds": json.loads((run.path / "done.json").read_text())["seconds"],
    }
    table = run.path / "evaluation" / "modes.csv"
    if table.exists():
        with table.open() as lines:
            modes = list(csv.DictReader(lines))
        # The first is routing as in training, whatever the model's router.
        row["top-k"] = float(modes[0]["loss"])
        row.update({mode["mode"]: float(mode["loss"]) for mode in modes if mode["mode"] in ("predictor", "router")})
    return row


COLUMNS = {
    "steps": ("steps", "{:,.0f}", 1),
    "tokens": ("M tokens", "{:.2f}", 1e-6),
    "flops": ("training TFLOPs", "{:.1f}", 1e-12),
    "bytes_up": ("MB sent", "{:,.1f}", 1e-6),
    "training": ("training", "{:.3f}", 1),
    "validation": ("validation", "{:.4f}", 1),
    "best": ("lowest on the way", "{:.4f}", 1),
    "top-k": ("top-k", "{:.4f}", 1),
    "predictor": ("predictor", "{:.4f}", 1),
    "router": ("router", "{:.4f}", 1),
    "train_seconds": ("seconds", "{:.0f}", 1),
}


def cell(rows, column, spread):
    title, form, scale = COLUMNS[column]
    values = [row[column] * scale for row in rows if column in row]
    if not values:
        return ""
    text = form.format(statistics.mean(values))
    return f"{text} ± {form.format(statistics.stdev(values))}" if spread and len(values) > 1 else text


def collect(experiment, options):
    """NAME.csv with all runs, NAME.md with means and standard deviations over the seeds, NAME.svg with the curves."""
    runs = [experiment.run(name, seed) for name in experiment.runs for seed in experiment.seeds]
    rows = [result(r) for r in runs if r.done()]
    if not rows:
        print(f"{experiment.name}: no run is done", flush=True)
        return
    base = options.out / experiment.name
    fields = list(dict.fromkeys(key for row in rows for key in row))
    with open(f"{base}.csv", "w", newline="") as out:
        writer = csv.DictWriter(out, fields)
        writer.writeheader()
        writer.writerows(rows)
    lossy = ("training", "validation", "best", "top-k", "predictor", "router")
    columns = [c for c in experiment.columns if any(c in row for row in rows)]
    lines = [
        f"| run | seeds | {' | '.join(COLUMNS[c][0] for c in columns)} |",
        "|---|---|" + "---|" * len(columns),
    ]
    for name in experiment.runs:
        of_run = [row for row in rows if row["run"] == name]
        if of_run:
            cells = " | ".join(cell(of_run, c, c in lossy) for c in columns)
            lines.append(f"| {name} | {len(of_run)} | {cells} |")
    provenance = json.loads((next(r for r in runs if r.done()).path / "provenance.json").read_text())
    about = "\n".join(experiment.about)
    when = time.strftime("%Y-%m-%d", time.localtime(runs[0].path.stat().st_mtime))
    facts = f"Commit {str(provenance.get('commit', 'unknown'))[:7]}, {when}, {options.hardware}."
    pathlib.Path(f"{base}.md").write_text(
        f"# {experiment.title}\n\n{about}\n\n{facts}\n\n" + "\n".join(lines) + f"\n\n![Curves]({experiment.name}.svg)\n"
    )
    pathlib.Path(f"{base}.svg").write_text(chart(experiment, [r for r in runs if r.done()]))
    print(f"{base}.md", flush=True)


def curve(run, key):
    total, points = 0, []
    for line in map(json.loads, (run.path / "metrics.jsonl").read_text().splitlines()):
        total += line.get("bytesUp", 0)
        if "validationLoss" in line:
            points.append((total if key == "bytesUp" else line[key], line["validationLoss"]))
    return points


def chart(experiment, runs):
    """Validation loss over what was spent: a line for the mean of the seeds of each run."""
    series = {}
    for name in experiment.runs:
        curves = [curve(r, experiment.axis) for r in runs if r.name == name]
        if curves:
            shortest = min(map(len, curves))
            series[name] = [
                tuple(statistics.mean(c[i][k] for c in curves) for k in (0, 1)) for i in range(shortest)
            ]
    points = [p for line in series.values() for p in line]
    right = max(x for x, _ in points)
    # Where everything is learnt in the first steps they would flatten the rest.
    low = min(y for _, y in points)
    high = min(max(y for _, y in points), low + 3 * (max(line[-1][1] for line in series.values()) - low) + 0.2)
    width, height, left, top = 720, 400, 60, 20
    legend = 60 + 7 * max(map(len, series))

    def place(x, y):
        return left + x / right * width, top + (high - min(y, high)) / (high - low) * height

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + legend} {top + height + 50}"'
        ' font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for i in range(6):
        y = low + (high - low) * i / 5
        _, at = place(0, y)
        parts.append(f'<path d="M{left} {at:.1f}h{width}" stroke="#dddddd"/>')
        parts.append(f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{y:.2f}</text>')
        x = right * i / 5
        at, _ = place(x, low)
        parts.append(f'<text x="{at:.1f}" y="{top + height + 18}" text-anchor="middle">{x:.3g}</text>')
    axis = {"flops": "training FLOPs", "bytesUp": "bytes sent by the workers", "step": "steps of a worker"}
    parts.append(
        f'<text x="{left + width / 2}" y="{top + height + 40}" text-anchor="middle">{axis[experiment.axis]}; '
        "upwards: validation loss, nats a token</text>"
    )
    for i, (name, line) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        dash = ' stroke-dasharray="5 3"' if i >= len(COLOURS) else ""
        path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>')
        at = top + 12 + 18 * i
        parts.append(
            f'<path d="M{left + width + 12} {at - 4}h22" stroke="{colour}" stroke-width="2"{dash}/>'
            f'<text x="{left + width + 40}" y="{at}">{name}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["run", "collect"])
    parser.add_argument("experiments", nargs="+", help="JSON files of this folder")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for runs and tables")
    parser.add_argument("--corpus", help="prepared corpus; OUT/corpus if not given")
    parser.add_argument("--text", help="folder of the text, to prepare the corpus from where there is none")
    parser.add_argument("--launcher", default=str(HERE.parent.parent / "submit.sh"), help="submit.sh")
    parser.add_argument("--parallel", type=int, default=1, help="runs at a time; the cores are shared out among them")
    parser.add_argument("--cores", help="cores to use of those there are, as 0-19")
    parser.add_argument("--gpus", type=int, default=0, help="GPUs to hand out, run by run; add --set engine.name=cuda")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of every run")
    parser.add_argument("--minutes", type=float, default=1e4, help="time after which runs are stopped, to go on later")
    parser.add_argument("--hardware", default="hardware not told", help="what the page says it ran on")
    options = parser.parse_args()
    options.out = options.out.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    options.corpus = str(pathlib.Path(options.corpus).resolve() if options.corpus else options.out / "corpus")
    if options.command == "run":
        return run(options)
    for path in options.experiments:
        collect(Experiment(path, options.out), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
