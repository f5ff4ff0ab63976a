//! The program killed at random moments, as by a power cut: nothing is damaged, what was finished stays, and going on
//! ends with the same bytes.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use whence_store::{Kind, Store};

use super::fixture;

/// Kills asked for by the project's own rules.
const KILLS: usize = 200;

fn start(out: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whence"));
    command.args(["attribute", "--device", "cpu", "--groups", "four,seven", "--timesteps", "24"]);
    command.args(["--unlearning-steps", "2"]).env("RAYON_NUM_THREADS", "1");
    command.arg("--model").arg(fixture("digits/model")).arg("--data").arg(fixture("digits/images"));
    command.arg("--query").arg(fixture("digits/queries/q000.png")).arg(fixture("digits/queries/q004.png"));
    command.arg("--out").arg(out).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Every whole result and its content; panics where one is damaged.
fn stored(out: &Path) -> Vec<(Kind, String, usize)> {
    let root = out.join("store");
    if !root.join("store.json").exists() {
        return Vec::new();
    }
    let store = Store::read_only(&root).unwrap();
    let health = store.verify(&mut |_, _| Ok(())).unwrap();
    assert!(health.damaged.is_empty(), "{:?}", health.damaged);
    let mut all = Vec::new();
    for kind in Kind::ALL {
        for key in store.keys(kind) {
            let length = store.read(kind, &key).unwrap().1.len();
            all.push((kind, key, length));
        }
    }
    all
}

#[test]
fn two_hundred_kills_damage_nothing_and_lose_nothing_that_was_finished() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let begun = Instant::now();
    assert!(start(&whole).wait().unwrap().success());
    let length = begun.elapsed();
    let expected = std::fs::read(whole.join("scores.csv")).unwrap();

    // A simple generator: the moments differ between kills and repeat between runs.
    let mut state = 20_261_122u64;
    let mut share = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 31)
    };
    let (mut kills, mut runs, mut furthest) = (0, 0, 0);
    while kills < KILLS {
        let out = folder.path().join(format!("run-{runs}"));
        runs += 1;
        let mut before = Vec::new();
        loop {
            let mut child = start(&out);
            // Long enough to reach the end now and then, early moments as often as late ones.
            let deadline = Instant::now() + length.mul_f64(share() * 1.1);
            let ended = loop {
                if let Some(status) = child.try_wait().unwrap() {
                    assert!(status.success(), "an undisturbed run after kills fails: {status}");
                    break true;
                }
                if Instant::now() >= deadline {
                    break false;
                }
                std::thread::sleep(Duration::from_millis(2));
            };
            if !ended {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
            }
            let after = stored(&out);
            for (kind, key, length) in &before {
                // An unlearning that was finished since is no longer unfinished; everything else stays or grows.
                let still = after.iter().any(|(k, name, now)| k == kind && name == key && now >= length);
                assert!(still || *kind == Kind::Unfinished, "{kind:?} {key} was lost");
            }
            furthest = furthest.max(after.len());
            before = after;
            if ended {
                break;
            }
        }
        assert_eq!(std::fs::read(out.join("scores.csv")).unwrap(), expected, "going on ends with the same bytes");
        std::fs::remove_dir_all(&out).unwrap();
    }
    assert!(furthest >= 6, "two models and four tables of terms are kept: {furthest}");
    assert!(kills >= KILLS && runs > 5, "{kills} kills in {runs} runs");
}
