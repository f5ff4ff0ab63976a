//! Commands as a shell takes them: what reproduces a result.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use whence_jobs::AttributeJob;

/// A call of this program with these arguments, quoted for a POSIX shell.
pub fn command_line(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> String {
    let mut words = vec!["whence".to_owned()];
    words.extend(arguments.into_iter().map(|argument| argument.into().to_string_lossy().into_owned()));
    shell_words::join(words)
}

/// Where the images and the recipe of a job come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobSources {
    /// File names of the project's own images.
    pub names: Vec<String>,
    /// Other image files.
    pub files: Vec<PathBuf>,
    /// Seeds.
    pub seeds: Vec<u64>,
    /// The file that holds the job's recipe.
    pub recipe: String,
}

/// The command that repeats a job: the `whence report` of a project, or `whence attribute` where there is none.
pub fn job_command(project: Option<&Path>, out: &Path, job: &AttributeJob, sources: &JobSources) -> String {
    let mut words: Vec<OsString> = match project {
        Some(project) => vec!["report".into(), project.into()],
        None => vec!["attribute".into(), "--model".into(), (&job.model).into(), "--data".into(), (&job.data).into()],
    };
    words.extend(["--out".into(), out.into()]);
    for (option, values) in [
        ("--queries", sources.names.iter().map(OsString::from).collect::<Vec<_>>()),
        ("--query", sources.files.iter().map(OsString::from).collect()),
    ] {
        if !values.is_empty() {
            words.push(option.into());
            words.extend(values);
        }
    }
    if job.confirm {
        words.push("--confirm".into());
    }
    let mut add = |name: &str, value: String| words.extend([OsString::from(name), value.into()]);
    if !sources.seeds.is_empty() {
        let seeds: Vec<String> = sources.seeds.iter().map(u64::to_string).collect();
        add("--seeds", seeds.join(","));
        add("--sampler", job.sampling.sampler.name().into());
        add("--steps", job.sampling.steps.to_string());
        add("--eta", job.sampling.eta.to_string());
    }
    if let Some(class) = job.settings.class {
        add("--class-label", class.to_string());
    }
    if !job.groups.is_empty() {
        let names: Vec<String> = job.groups.iter().map(|name| crate::cli::quoted_name(name)).collect();
        add("--groups", names.join(","));
    }
    add("--method", job.method.clone());
    add("--recipe", sources.recipe.clone());
    if let Some(stop) = job.settings.stop {
        add("--budget", stop.budget.to_string());
        add("--level", stop.level.to_string());
        add("--top", stop.top.to_string());
    } else {
        add("--timesteps", job.settings.timesteps.to_string());
    }
    add("--draws", job.settings.draws.to_string());
    add("--seed", job.settings.seed.to_string());
    if job.null > 0 {
        add("--null", job.null.to_string());
    }
    command_line(words)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_arguments_that_were_given() {
        let words = ["a b", "", "it's", "$(rm -rf)", "a;b", "plain-1.0/x", "ünï", "a\nb", "-x"];
        let line = format!("printf '%s\\0' {}", command_line(words));
        let output = std::process::Command::new("sh").arg("-c").arg(line).output().unwrap();
        let read: Vec<&str> = std::str::from_utf8(&output.stdout).unwrap().split_terminator('\0').collect();
        assert_eq!(read[0], "whence");
        assert_eq!(read[1..], words);
    }
}
