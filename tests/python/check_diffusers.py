"""Proves that a model folder saved by Whence opens in PyTorch's diffusers, and draws the same pictures there.

Run:  pip install torch diffusers safetensors numpy pillow
      python check_diffusers.py --whence PATH_TO_BINARY --model DIR [--seeds 0..2] [--steps 20] [--class-label N]
                                [--samplers ddim,ddim:0.5,dpm-solver++,ddpm] [--tolerance 0.002]

For each sampler, `whence sample --tensors` writes beside seed-N.png a seed-N.safetensors with x_T [C,H,W], x_0 [C,H,W]
and, where the sampler is stochastic, noise [S,C,H,W] (float32). The same start and the same noise go through diffusers'
own network and scheduler, both opened from the folder; x_0 must agree. Further checks: diffusers knows every setting
in the folder, all weights fit, and what diffusers writes back says the same. One line per check; exit code 1 on failure.
"""
import argparse, json, logging, os, re, subprocess, sys, tempfile
import numpy as np, torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, UNet2DModel
from diffusers.utils import logging as diffusers_logging
from PIL import Image
from safetensors.torch import load_file

CONFIG, WEIGHTS, SCHEDULER = "config.json", "diffusion_pytorch_model.safetensors", "scheduler_config.json"
SCHEDULERS = {"ddim": DDIMScheduler, "dpm-solver++": DPMSolverMultistepScheduler, "ddpm": DDPMScheduler}
# Old names of the attention's parameters, which diffusers reads and writes back under the new ones.
RENAMED = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
failures = 0


def tell(good, what):
    global failures
    failures += not good
    print(("ok    " if good else "FAILED") + "  " + what, flush=True)


class Warnings(logging.Handler):
    """Keeps what diffusers warns of; installing `accelerate` is not the model's business."""
    def __init__(self):
        super().__init__(logging.WARNING)
        self.said = []

    def emit(self, record):
        text = record.getMessage()
        if "accelerate" not in text: self.said.append(" ".join(text.split()))

    def take(self):
        said, self.said = self.said, []
        return said


def canonical(value):
    """1 and 1.0 are the same setting; so are lists and tuples."""
    if isinstance(value, (list, tuple)): return [canonical(v) for v in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool): return float(value)
    return value


def differences(before, after):
    """Settings of the file that came back otherwise, or not at all. Private ones (_class_name, ...) do not matter."""
    keys = [k for k in before if not k.startswith("_")]
    out = [f"{k}: {before[k]!r} -> {after.get(k, 'missing')!r}" for k in keys if canonical(before[k]) != canonical(after.get(k))]
    return len(keys), out


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f: return json.load(f)


def open_model(folder, warned):
    warned.take()
    net, about = UNet2DModel.from_pretrained(folder, torch_dtype=torch.float32, low_cpu_mem_usage=False, output_loading_info=True)
    wrong = {k: v for k, v in about.items() if v}
    tell(not wrong, f"UNet2DModel.from_pretrained: every weight has its place ({sum(p.numel() for p in net.parameters())} parameters)" + (f": {wrong}" if wrong else ""))
    said = warned.take()
    tell(not said, "UNet2DModel.from_pretrained: no warnings" + "".join(f"\n          {s}" for s in said))
    return net.eval()


def check_round_trip(folder, net, warned):
    with tempfile.TemporaryDirectory() as again:
        net.save_pretrained(again)
        count, wrong = differences(read(folder, CONFIG), read(again, CONFIG))
        tell(not wrong, f"{CONFIG}: {count} settings come back from diffusers unchanged" + "".join(f"\n          {w}" for w in wrong))
        ours, theirs = load_file(os.path.join(folder, WEIGHTS)), load_file(os.path.join(again, WEIGHTS))
        for old, new in RENAMED.items(): ours = {k.replace(old, new) if "attentions" in k else k: v for k, v in ours.items()}
        same = ours.keys() == theirs.keys() and all(torch.equal(v.float().flatten(), theirs[k].flatten()) for k, v in ours.items())
        tell(same, f"{WEIGHTS}: {len(ours)} tensors come back from diffusers unchanged")
    file = read(folder, SCHEDULER)
    for cls in SCHEDULERS.values():
        warned.take()
        scheduler = cls.from_pretrained(folder)
        said = warned.take()
        tell(not said, f"{cls.__name__}.from_pretrained: no warnings" + "".join(f"\n          {s}" for s in said))
        with tempfile.TemporaryDirectory() as again:
            scheduler.save_config(again)
            # Settings that this class does not know are kept too, so everything in the file must come back.
            count, wrong = differences(file, read(again, SCHEDULER))
            tell(not wrong, f"{SCHEDULER}: {count} settings come back from {cls.__name__} unchanged" + "".join(f"\n          {w}" for w in wrong))


def draw(net, scheduler, steps, x, eta, noise, label):
    """diffusers' steps from x, with the noise that is given."""
    scheduler.set_timesteps(steps)
    labels = None if label is None else torch.full((len(x),), label, dtype=torch.long)
    ones = lambda: torch.Generator().manual_seed(0)
    for i, t in enumerate(scheduler.timesteps):
        with torch.no_grad(): output = net(x, t, class_labels=labels).sample
        if isinstance(scheduler, DDIMScheduler):
            x = scheduler.step(output, t, x, eta=eta, variance_noise=noise[:, i] if eta > 0 else None).prev_sample
        elif isinstance(scheduler, DDPMScheduler):
            after = scheduler.step(output, t, x, generator=ones()).prev_sample
            if t > 0:   # the step's own noise is taken out again, and the given one put in
                spread = scheduler._get_variance(t) ** 0.5
                after = after - spread * torch.randn(x.shape, generator=ones()) + spread * noise[:, i]
            x = after
        else:
            x = scheduler.step(output, t, x).prev_sample
    return x


def check_sampler(args, net, name, eta):
    title = name + (f" --eta {eta}" if eta else "")
    with tempfile.TemporaryDirectory() as out:
        command = [args.whence, "sample", "--model", args.model, "--seeds", args.seeds, "--steps", str(args.steps), "--sampler", name,
                   "--out", out, "--tensors", "--device", "cpu"]
        if eta: command += ["--eta", str(eta)]
        if args.class_label is not None: command += ["--class-label", str(args.class_label)]
        ran = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace")
        if ran.returncode:
            return tell(False, f"{title}: whence sample ended with {ran.returncode}: {ran.stderr.strip()[-600:]}")
        names = sorted((f for f in os.listdir(out) if re.fullmatch(r"seed-\d+\.safetensors", f)), key=lambda f: int(re.findall(r"\d+", f)[0]))
        if not names:
            return tell(False, f"{title}: whence sample --tensors wrote no seed-N.safetensors (it wrote {sorted(os.listdir(out))})")
        files = [load_file(os.path.join(out, f)) for f in names]
        pictures = [os.path.join(out, f.replace(".safetensors", ".png")) for f in names]
        pictures = [np.asarray(Image.open(p)) if os.path.exists(p) else None for p in pictures]
    stochastic = name == "ddpm" or eta > 0
    wanted = {"x_T", "x_0"} | ({"noise"} if stochastic else set())
    lacks = {n: sorted(wanted - f.keys()) for n, f in zip(names, files) if wanted - f.keys()}
    if lacks: return tell(False, f"{title}: tensors are missing: {lacks}")
    size = (net.config.in_channels, *files[0]["x_T"].shape[1:])
    odd = [f"{n}: {k} is {v.dtype} {tuple(v.shape)}" for n, f in zip(names, files) for k, v in f.items() if k in wanted
           and (v.dtype != torch.float32 or tuple(v.shape) != ((args.steps,) if k == "noise" else ()) + size)]
    if odd: return tell(False, f"{title}: {odd}")
    stack = lambda k: torch.stack([f[k] for f in files])
    scheduler = SCHEDULERS[name].from_pretrained(args.model)
    theirs = draw(net, scheduler, args.steps, stack("x_T"), eta, stack("noise") if stochastic else None, args.class_label)
    ours = stack("x_0")
    finite = bool(torch.isfinite(theirs).all() and torch.isfinite(ours).all())
    gap = float((ours - theirs).abs().max()) if finite else float("nan")
    tell(finite and gap < args.tolerance, f"{title}: {len(files)} pictures in {len(scheduler.timesteps)} steps, largest difference from {type(scheduler).__name__} {gap:.2e} (values {float(theirs.min()):.2f} to {float(theirs.max()):.2f})")
    # The files people look at: the same pictures in bytes, to one grey level.
    bytes_ = ((theirs * 0.5 + 0.5) * 255).round().clamp(0, 255).permute(0, 2, 3, 1).numpy()
    found = [(p.reshape(*p.shape[:2], -1).astype(float), b) for p, b in zip(pictures, bytes_) if p is not None]
    fits = len(found) == len(files) and all(p.shape == b.shape for p, b in found)
    off = max((float(np.abs(p - b).max()) for p, b in found), default=0) if fits else float("nan")
    tell(fits and off <= 1, f"{title}: PNG files agree to {off:.0f} grey levels" if fits else
         f"{title}: PNG files are {[None if p is None else p.shape for p in pictures]}, expected {bytes_.shape[1:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whence", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--seeds", default="0..2")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--class-label", type=int)
    parser.add_argument("--samplers", default="ddim,ddim:0.5,dpm-solver++,ddpm", help="name, or name:eta")
    parser.add_argument("--tolerance", type=float, default=2e-3)
    args = parser.parse_args()
    if args.class_label is None and read(args.model, CONFIG).get("num_class_embeds"): args.class_label = 0
    warned = Warnings()
    diffusers_logging.disable_default_handler()
    diffusers_logging.add_handler(warned)
    torch.set_num_threads(1)
    net = open_model(args.model, warned)
    check_round_trip(args.model, net, warned)
    for sampler in args.samplers.split(","):
        name, _, eta = sampler.partition(":")
        check_sampler(args, net, name, float(eta or 0))
    print(f"{failures} checks failed" if failures else "all checks passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
