"""Training steps from PyTorch and diffusers, for parity tests of the Rust code.

Run:  pip install torch==2.15.0 diffusers==0.42.1 safetensors numpy && python make_training_fixtures.py OUT_DIR
Writes training.safetensors and training.json (what each tensor is: see main() and the json itself), and for part (b) the
model folders training/start and training/end, as diffusers saves them.
"""
import json, math, os, sys
import torch
from diffusers import DDPMScheduler, UNet2DModel
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel
from safetensors.torch import load_file, save_file

torch.set_num_threads(1)
STEPS, WARMUP, PEAK, DECAY, CAPPED = 30, 5, 0.01, 0.9, 0.5
ADAMW = dict(betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-4)
KEEP = (1, 5, 6, 30)


def shifted_rate(step):
    """Warm-up that ends one step earlier and never stands at 0: (step+1)/warmup; the cosine is the same."""
    if step < WARMUP: return PEAK * (step + 1) / WARMUP
    return PEAK * 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP)))


def optimizer():
    """(a) AdamW on three tensors with given gradients."""
    g = torch.Generator().manual_seed(21)
    shapes = {"matrix": (4, 5), "vector": (7,), "kernel": (2, 3, 3, 3)}
    start = {k: torch.randn(s, generator=g) for k, s in shapes.items()}
    # gradients of very different sizes: some steps are clipped, some are not; one element has a tiny gradient always
    size = torch.tensor([3.0, 0.01, 1.0, 0.1, 10.0, 0.05] * 5)
    grads = {k: torch.randn(STEPS, *s, generator=g) * size.view(-1, *[1] * len(s)) * 0.5 for k, s in shapes.items()}
    grads["vector"][:, 3] *= 1e-6
    r = {f"start.{k}": v for k, v in start.items()} | {f"grads.{k}": v for k, v in grads.items()}
    about = {}
    for name in ("diffusers", "shifted"):
        p = {k: torch.nn.Parameter(v.clone()) for k, v in start.items()}
        opt = torch.optim.AdamW(list(p.values()), lr=PEAK, **ADAMW)
        schedule = get_cosine_schedule_with_warmup(opt, WARMUP, STEPS)
        ema, capped = EMAModel(p.values(), decay=DECAY), EMAModel(p.values(), decay=CAPPED)
        constant = [v.detach().clone() for v in p.values()]
        one_on = [v.detach().clone() for v in p.values()]
        rates, norms, decays, one_on_decays = [], [], [], []
        for step in range(STEPS):
            if name == "shifted":
                for group in opt.param_groups: group["lr"] = shifted_rate(step)
            rates.append(opt.param_groups[0]["lr"])
            for k, v in p.items(): v.grad = grads[k][step].clone()
            norms.append(torch.nn.utils.clip_grad_norm_(p.values(), 1.0))
            opt.step()
            schedule.step()                     # after the optimizer's: step n uses lambda(n), counted from 0
            ema.step(p.values()); decays.append(ema.cur_decay_value)
            capped.step(p.values())
            d = min(DECAY, (1 + step + 1) / (10 + step + 1)); one_on_decays.append(d)
            with torch.no_grad():
                for c, o, v in zip(constant, one_on, p.values()):
                    c.mul_(DECAY).add_(v, alpha=1 - DECAY); o.mul_(d).add_(v, alpha=1 - d)
            if step + 1 in KEEP:
                r |= {f"{name}.after{step + 1}.{k}": v.detach().clone() for k, v in p.items()}
            if step + 1 in (1, 2, 3):           # the first steps are where the averages differ
                r |= {f"{name}.ema_after{step + 1}.{k}": v.clone() for k, v in zip(p, ema.shadow_params)}
        r |= {f"{name}.ema.{k}": v.clone() for k, v in zip(p, ema.shadow_params)}
        r |= {f"{name}.ema_capped.{k}": v.clone() for k, v in zip(p, capped.shadow_params)}
        r |= {f"{name}.ema_constant.{k}": v for k, v in zip(p, constant)}
        r |= {f"{name}.ema_one_on.{k}": v for k, v in zip(p, one_on)}
        r[f"{name}.grad_norms"] = torch.stack(norms)
        about[name] = {"rates": rates, "grad_norms": [float(n) for n in norms], "ema_decays": decays}
    about["shifted"]["what"] = "rate (step+1)/warmup while step < warmup, then the same half cosine"
    about["diffusers"]["what"] = "get_cosine_schedule_with_warmup: rate step/warmup while step < warmup (0 at step 0), then 0.5*(1+cos(pi*(step-warmup)/(steps-warmup)))"
    about["ema"] = {
        "ema": "diffusers' EMAModel(decay=0.9): update n (from 1) has decay 0 where n = 1, else min(0.9, n/(9+n))",
        "ema_capped": "the same with decay 0.5, which the rule reaches within the 30 steps (0.9 it does not: n/(9+n) ends at 30/39)",
        "ema_constant": "decay 0.9 from the first update on, started at the start weights",
        "ema_one_on": "update n (from 1) has decay min(0.9, (1+n)/(10+n)), started at the start weights: diffusers' rule one update on, without its copy at n = 1",
        "one_on_decays": one_on_decays}
    about |= {"steps": STEPS, "warmup": WARMUP, "peak": PEAK, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 1e-4,
              "clip_norm": 1.0, "ema_decay": DECAY, "parameters": {k: list(s) for k, s in shapes.items()}, "kept_after": list(KEEP)}
    return r, about


NET = dict(sample_size=8, in_channels=1, out_channels=1, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
           down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"), attention_head_dim=8)


def open_model(folder):
    net = UNet2DModel(**NET)                    # not from_pretrained, which would note the folder's path in the config
    net.load_state_dict({k: v.float() for k, v in load_file(os.path.join(folder, "diffusion_pytorch_model.safetensors")).items()})
    return net


def unet_run(net, scheduler, x0, noise, t, dtype=torch.float32):
    net = torch.nn.Module.to(net, dtype).train()
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3, **ADAMW)
    losses, norms, first = [], [], {}
    for i in range(len(x0)):
        a = scheduler.alphas_cumprod[t[i]].to(dtype).view(-1, 1, 1, 1)
        noisy = a**0.5 * x0[i].to(dtype) + (1 - a) ** 0.5 * noise[i].to(dtype)
        if dtype == torch.float32:
            assert torch.equal(noisy, scheduler.add_noise(x0[i], noise[i], t[i]))
        loss = torch.nn.functional.mse_loss(net(noisy, t[i]).sample, noise[i].to(dtype))
        opt.zero_grad(); loss.backward()
        if i == 0: first = {k: p.grad.detach().clone() for k, p in net.named_parameters()}
        norms.append(torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0).detach())
        opt.step(); losses.append(loss.detach())
    return torch.stack(losses), torch.stack(norms), first


def unet(out):
    """(b) six steps of a real training run."""
    torch.manual_seed(5)
    scheduler = DDPMScheduler(num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2", prediction_type="epsilon",
                              clip_sample=True, timestep_spacing="leading", variance_type="fixed_small")
    net = UNet2DModel(**NET).half()             # start weights that 16 bits hold exactly, to keep the folder small
    start = os.path.join(out, "training", "start"); end = os.path.join(out, "training", "end")
    net.save_pretrained(start); scheduler.save_config(start)
    net = open_model(start)
    n, steps = 4, 6
    x0 = torch.rand(steps, n, 1, 8, 8) * 2 - 1; noise = torch.randn(steps, n, 1, 8, 8)
    t = torch.randint(0, 1000, (steps, n)); t[0, 0], t[0, 1] = 0, 999
    wide = open_model(start)
    losses64, norms64, _ = unet_run(wide, scheduler, x0, noise, t, torch.float64)
    losses, norms, _ = unet_run(net, scheduler, x0, noise, t)
    net.eval().save_pretrained(end); scheduler.save_config(end)
    gaps = {k: float((p.double() - q).detach().abs().max()) for (k, p), (_, q) in zip(net.named_parameters(), wide.named_parameters())}
    moved = open_model(start)
    moves = {k: float((p - q).detach().abs().max()) for (k, p), (_, q) in zip(net.named_parameters(), moved.named_parameters())}
    r = {"unet.x0": x0, "unet.noise": noise, "unet.t": t, "unet.losses": losses, "unet.grad_norms": norms}
    about = {"network": json.loads(net.to_json_string()), "rate": 1e-3, "weight_decay": 1e-4, "clip_norm": 1.0, "steps": steps, "batch": n,
             "loss": "mean of (output - noise)^2 over everything; x_t = sqrt(abar) x0 + sqrt(1-abar) noise",
             "losses": losses.tolist(), "grad_norms": norms.tolist(), "losses_float64": losses64.tolist(), "grad_norms_float64": norms64.tolist(),
             "start": "16-bit floats, to be widened to 32 bits; end: 32-bit floats",
             "end_float64_difference": dict(sorted(gaps.items(), key=lambda kv: -kv[1])[:12]),
             "end_float64_difference_rest": sorted(gaps.values())[-13],
             "moved_at_most": max(moves.values()), "parameters": sum(p.numel() for p in net.parameters()),
             "note": "a key's bias (attentions.*.to_k.bias) does not change the output, so its gradient is rounding noise only, which AdamW "
                     "scales up to whole steps: leave it out of comparisons of end weights"}
    return r, about


def main(out):
    os.makedirs(out, exist_ok=True)
    a, about_a = optimizer()
    b, about_b = unet(out)
    save_file({k: v.contiguous() for k, v in (a | b).items()}, os.path.join(out, "training.safetensors"))
    json.dump({"optimizer": about_a, "unet": about_b}, open(os.path.join(out, "training.json"), "w"), indent=1, allow_nan=False)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else ".")
