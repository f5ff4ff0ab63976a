//! How the command line words the settings that errors are about: as its options.

use whence_base::{Error, Setting};

/// The option behind a setting.
fn option(setting: Setting) -> &'static str {
    match setting {
        Setting::Batch => "--batch",
        Setting::Budget => "--budget",
        Setting::Ceiling => "--ceiling",
        Setting::ClassLabel => "--class-label",
        Setting::CommonQueries => "--common-queries",
        Setting::Confirm => "--confirm",
        Setting::Counterfactuals => "--counterfactuals",
        Setting::Device => "--device",
        Setting::Draws => "--draws",
        Setting::Eta => "--eta",
        Setting::ExcludeGroup => "--exclude-group",
        Setting::GroupColumn => "--group-column",
        Setting::GroupOrder => "--groups-in-order",
        Setting::Groups => "--groups",
        Setting::Level => "--level",
        Setting::LooksLike => "--looks-like",
        Setting::Method => "--method",
        Setting::Null => "--null",
        Setting::Out => "--out",
        Setting::Query => "--query",
        Setting::Recipe => "--recipe",
        Setting::ReferenceMethod => "--reference-method",
        Setting::RemoveGroups => "--remove-groups",
        Setting::RemoveImages => "--remove-images",
        Setting::Resamples => "--resamples",
        Setting::Sampler => "--sampler",
        Setting::Scores => "--scores",
        Setting::Seeds => "--seeds",
        Setting::Steps => "--steps",
        Setting::Timesteps => "--timesteps",
        Setting::Top => "--top",
        Setting::Training => "--config",
        Setting::Versus => "--versus",
        Setting::VersusMethod => "--versus-method",
    }
}

/// An error in the words of the command line.
pub(super) fn worded(error: &Error) -> String {
    error.worded(&|setting| option(setting).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_options() {
        let error = Error::setting("there are no noise draws", [Setting::Draws, Setting::Timesteps], "give 1 or more");
        assert_eq!(worded(&error), "there are no noise draws. Give 1 or more. (--draws, --timesteps)");
        let memory = worded(&Error::Memory { device: "CPU".into(), what: "64 GiB".into() });
        assert!(memory.ends_with("(--batch, --device)"), "{memory}");
        assert_eq!(
            worded(&Error::input("it is cut short", "a.png", "copy it again")),
            "it is cut short. Copy it again. (a.png)"
        );
    }
}
