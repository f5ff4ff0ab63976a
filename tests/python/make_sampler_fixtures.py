"""Sampler traces from PyTorch's diffusers, for parity tests of the Rust code: what make_fixtures.py's samplers() leaves out.

Run:  pip install torch==2.15.0 diffusers==0.42.1 safetensors numpy scipy && python make_sampler_fixtures.py OUT_DIR
Writes samplers_more.safetensors:
  x_T [2,3,8,8], noise [50,2,3,8,8]    shared by all cases; step i of a stochastic sampler adds noise[i]
  <key>, <key>.timesteps               the result and the timesteps (int64) in the order visited
  <key>.trajectory [steps,2,3,8,8]     x after each step, some cases only
and samplers_more.json: for each key the sampler, steps, eta, the scheduler's config as save_config writes it, and
  max_abs (size of the result), float64_difference (largest difference of the same steps done in 64-bit numbers by
  reference_step() below: how far two right implementations may be apart).
The network is a closed form: its raw output, whatever the prediction type, is 0.3*x + 0.1*sin(t/100).
`-Infinity` in a config is written as the text "-Infinity", because JSON has no such number; save_config itself
writes it bare (see dpm_scheduler_config.json, an unchanged file of save_config).
"""
import json, math, os, sys
import numpy as np, torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler
from safetensors.torch import save_file

torch.set_num_threads(1)
T = 1000
BETAS = {"cosine": dict(beta_schedule="squaredcos_cap_v2"), "linear": dict(beta_schedule="linear"),
         "scaled_linear": dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)}


def network(x, t):
    return 0.3 * x + 0.1 * math.sin(float(t) / 100)


def config_of(scheduler):
    """What save_config writes, as JSON that every reader accepts."""
    text = scheduler.to_json_string()
    return json.loads(text, parse_constant=lambda name: name)


def draw(scheduler, steps, x, eta=0.0, noise=None, model=network):
    """diffusers' own steps, with the stored noise in place of fresh noise. Returns x after every step."""
    scheduler.set_timesteps(steps)
    out = []
    for i, t in enumerate(scheduler.timesteps):
        e = model(x, t)
        if isinstance(scheduler, DDIMScheduler):
            x = scheduler.step(e, t, x, eta=eta, variance_noise=noise[i] if eta > 0 else None).prev_sample
        elif isinstance(scheduler, DDPMScheduler):
            a = scheduler.step(e, t, x, generator=torch.Generator().manual_seed(0)).prev_sample
            if t > 0:
                v = scheduler._get_variance(t, predicted_variance=None) ** 0.5
                a = a - v * torch.randn(x.shape, generator=torch.Generator().manual_seed(0)) + v * noise[i]
            x = a
        else:
            x = scheduler.step(e, t, x).prev_sample
        out.append(x)
    return torch.stack(out)


def reference_draw(scheduler, steps, x, eta=0.0, noise=None, model=network):
    """The same in 64-bit numbers, written independently of diffusers' step(). Returns the last x (numpy)."""
    c = scheduler.config
    scheduler.set_timesteps(steps)
    ts = [int(t) for t in scheduler.timesteps]
    bar = scheduler.alphas_cumprod.double().numpy()     # 32-bit values, as every implementation starts from them
    x = np.asarray(x, np.float64); before = None; stride = c.num_train_timesteps // steps
    for i, t in enumerate(ts):
        a, s = math.sqrt(bar[t]), math.sqrt(1 - bar[t])
        o = model(x, t)
        if c.prediction_type == "epsilon": x0, e = (x - s * o) / a, o
        elif c.prediction_type == "sample": x0, e = o, (x - a * o) / s
        else: x0, e = a * x - s * o, a * o + s * x
        if isinstance(scheduler, DPMSolverMultistepScheduler):
            last = i == len(ts) - 1
            if last and c.final_sigmas_type == "zero":
                x, before = x0, x0
                continue
            b = bar[0] if last else bar[ts[i + 1]]
            a_, s_ = math.sqrt(b), math.sqrt(1 - b)
            lam = lambda u: 0.5 * (math.log(bar[u]) - math.log(1 - bar[u]))
            h = math.log(a_) - math.log(s_) - lam(t)
            first = before is None or (last and (c.euler_at_final or (c.lower_order_final and len(ts) < 15)))
            d1 = 0.0 if first or h == 0 else (x0 - before) * h / (lam(t) - lam(ts[i - 1]))
            x, before = s_ / s * x - a_ * math.expm1(-h) * (x0 + 0.5 * d1), x0
            continue
        if c.clip_sample: x0 = np.clip(x0, -c.clip_sample_range, c.clip_sample_range)
        z = 0.0 if noise is None else np.asarray(noise[i], np.float64)
        if isinstance(scheduler, DDIMScheduler):
            p = bar[t - stride] if t >= stride else float(scheduler.final_alpha_cumprod)
            v = eta**2 * (1 - p) / (1 - bar[t]) * (1 - bar[t] / p)
            x = math.sqrt(p) * x0 + math.sqrt(max(1 - p - v, 0)) * e + (math.sqrt(v) * z if eta else 0)
        else:
            p = bar[ts[i + 1]] if i + 1 < len(ts) else 1.0
            beta = 1 - bar[t] / p
            v = beta if c.variance_type == "fixed_large" else max((1 - p) / (1 - bar[t]) * beta, 1e-20)
            x = math.sqrt(p) * beta / (1 - bar[t]) * x0 + math.sqrt(bar[t] / p) * (1 - p) / (1 - bar[t]) * x
            if t > 0: x = x + math.sqrt(v) * z
    return x


def cases():
    """(key, sampler, scheduler, steps, eta, keep the trajectory)"""
    for b, kw in [(b, BETAS[b]) for b in ("cosine", "linear")]:
        for eta in (0.5, 1.0):
            yield f"ddim50.{b}.eta{eta}", "ddim", DDIMScheduler(T, clip_sample=True, **kw), 50, eta, False
        for p in ("v_prediction", "sample"):
            yield f"ddim50.{b}.{p}", "ddim", DDIMScheduler(T, clip_sample=True, prediction_type=p, **kw), 50, 0.0, False
            yield f"ddpm20.{b}.{p}", "ddpm", DDPMScheduler(T, clip_sample=True, prediction_type=p, **kw), 20, 0.0, False
        yield f"ddim50.{b}.eta1.0.v_prediction", "ddim", DDIMScheduler(T, clip_sample=True, prediction_type="v_prediction", **kw), 50, 1.0, False
        yield f"ddim50.{b}.unclipped", "ddim", DDIMScheduler(T, clip_sample=False, **kw), 50, 0.0, False
        yield f"ddpm20.{b}.unclipped", "ddpm", DDPMScheduler(T, clip_sample=False, **kw), 20, 0.0, False
        yield f"ddpm20.{b}.fixed_large", "ddpm", DDPMScheduler(T, clip_sample=True, variance_type="fixed_large", **kw), 20, 0.0, False
    lin = BETAS["linear"]
    yield "ddim50.linear.clip0.5", "ddim", DDIMScheduler(T, clip_sample=True, clip_sample_range=0.5, **lin), 50, 0.0, False
    for sp in ("trailing", "linspace"):
        yield f"ddim50.linear.{sp}", "ddim", DDIMScheduler(T, timestep_spacing=sp, **lin), 50, 0.0, False
        yield f"ddim50.linear.{sp}.eta1.0", "ddim", DDIMScheduler(T, timestep_spacing=sp, **lin), 50, 1.0, False
        yield f"ddpm20.linear.{sp}", "ddpm", DDPMScheduler(T, timestep_spacing=sp, **lin), 20, 0.0, False
        n = {"trailing": 48, "linspace": 47}[sp]    # where the order of the multiplications decides the rounding of a half
        yield f"ddim{n}.linear.{sp}", "ddim", DDIMScheduler(T, timestep_spacing=sp, **lin), n, 0.0, False
    yield "ddim50.linear.offset1", "ddim", DDIMScheduler(T, steps_offset=1, **lin), 50, 0.0, False
    yield "ddim50.linear.offset1.alpha0", "ddim", DDIMScheduler(T, steps_offset=1, set_alpha_to_one=False, **lin), 50, 0.0, False
    yield "ddpm20.linear.trailing.fixed_large", "ddpm", DDPMScheduler(T, timestep_spacing="trailing", variance_type="fixed_large", **lin), 20, 0.0, False
    dpm = lambda **kw: DPMSolverMultistepScheduler(T, algorithm_type="dpmsolver++", solver_order=2, solver_type="midpoint", **kw)
    for b, kw in BETAS.items():
        for n in (10, 20, 50):
            for p, short in (("epsilon", ""), ("v_prediction", ".v_prediction")):
                yield f"dpm{n}.{b}{short}", "dpm-solver++", dpm(prediction_type=p, **kw), n, 0.0, n == 10 and p == "epsilon"
        for sp in ("leading", "trailing"):
            yield f"dpm20.{b}.{sp}", "dpm-solver++", dpm(timestep_spacing=sp, **kw), 20, 0.0, False
    yield "dpm20.linear.sample", "dpm-solver++", dpm(prediction_type="sample", **lin), 20, 0.0, False
    yield "dpm20.linear.leading.offset1", "dpm-solver++", dpm(timestep_spacing="leading", steps_offset=1, **lin), 20, 0.0, False
    # again: numbers of steps where a half is rounded
    yield "dpm26.linear", "dpm-solver++", dpm(**lin), 26, 0.0, False
    yield "dpm48.linear.trailing", "dpm-solver++", dpm(timestep_spacing="trailing", **lin), 48, 0.0, False
    yield "dpm1.linear", "dpm-solver++", dpm(**lin), 1, 0.0, False
    yield "dpm2.linear", "dpm-solver++", dpm(**lin), 2, 0.0, False
    for n in (10, 20):      # the only place where the rule of 15 steps and euler_at_final show
        yield f"dpm{n}.linear.sigma_min", "dpm-solver++", dpm(final_sigmas_type="sigma_min", **lin), n, 0.0, False
    yield "dpm20.linear.sigma_min.euler", "dpm-solver++", dpm(final_sigmas_type="sigma_min", euler_at_final=True, **lin), 20, 0.0, False
    # As users do it. Defaults that DDPMScheduler filled in by itself are not handed on: spacing becomes linspace.
    yield "dpm20.cosine.from_ddpm", "dpm-solver++", DPMSolverMultistepScheduler.from_config(DDPMScheduler(T, **BETAS["cosine"]).config), 20, 0.0, False
    # A setting that was given, or read from a scheduler_config.json, is: spacing stays leading.
    yield "dpm20.cosine.from_ddpm_given", "dpm-solver++", DPMSolverMultistepScheduler.from_config(
        DDPMScheduler(T, timestep_spacing="leading", clip_sample=True, **BETAS["cosine"]).config), 20, 0.0, False


def main(out):
    os.makedirs(out, exist_ok=True)
    g = torch.Generator().manual_seed(11)
    x_T, noise = torch.randn(2, 3, 8, 8, generator=g), torch.randn(50, 2, 3, 8, 8, generator=g)
    tensors, about = {"x_T": x_T, "noise": noise}, {}
    for key, sampler, s, steps, eta, keep in cases():
        assert key not in about, key
        stochastic = sampler == "ddpm" or eta > 0
        z = noise if stochastic else None
        way = draw(s, steps, x_T.clone(), eta, z)
        ref = reference_draw(s, steps, x_T.numpy(), eta, None if z is None else z.numpy())
        result = way[-1].clone()
        gap = float(np.abs(result.double().numpy() - ref).max())
        assert torch.isfinite(result).all() and gap < 1e-4 * max(1.0, float(result.abs().max())), (key, gap)
        tensors |= {key: result, f"{key}.timesteps": s.timesteps.clone()}
        if keep: tensors[f"{key}.trajectory"] = way
        about[key] = {"sampler": sampler, "steps": steps, "eta": eta, "noise": "noise" if stochastic else None,
                      "trajectory": keep, "config": config_of(s), "max_abs": float(result.abs().max()), "float64_difference": gap}
    save_file({k: v.contiguous() for k, v in tensors.items()}, os.path.join(out, "samplers_more.safetensors"))
    json.dump(about, open(os.path.join(out, "samplers_more.json"), "w"), indent=1, allow_nan=False)
    DPMSolverMultistepScheduler().save_config(out)
    os.replace(os.path.join(out, "scheduler_config.json"), os.path.join(out, "dpm_scheduler_config.json"))
    for k, v in about.items():
        print(f"{k:40} max {v['max_abs']:12.4f}   float64 difference {v['float64_difference']:.1e}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else ".")
