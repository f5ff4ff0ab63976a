//! `whence subset`: some groups of a dataset, some images of each, at another size, as plain folders.

use super::arguments::SubsetArguments;
use whence_base::{Error, Result};
use whence_data::{Dataset, LoadOptions};
use whence_report::write_png;
use whence_store::folder_name;

pub(super) fn run(arguments: &SubsetArguments) -> Result<()> {
    let options = LoadOptions { group_column: arguments.group_column.clone(), ..LoadOptions::default() };
    let mut dataset = Dataset::load(&arguments.data, &options, &mut |_, _| Ok(()))?;
    if let Some(side) = arguments.size {
        let mut shape = dataset.shape();
        (shape.height, shape.width) = (side, side);
        let options = LoadOptions { shape: Some(shape), ..options };
        dataset = Dataset::load(&arguments.data, &options, &mut |_, _| Ok(()))?;
    }
    let wanted: Vec<&String> =
        if arguments.groups.is_empty() { dataset.groups().iter().collect() } else { arguments.groups.iter().collect() };
    if std::fs::read_dir(&arguments.out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::file(
            "this folder is not empty",
            &arguments.out,
            "give a new one, so that no old images mix in",
        ));
    }
    whence_store::check_writable(&arguments.out)?;
    let mut written = 0;
    for name in &wanted {
        let group = dataset.groups().iter().position(|g| g == *name).ok_or_else(|| {
            Error::input(
                format!("the dataset has no group {name}"),
                "--groups",
                format!("its groups are {}", dataset.groups().join(", ")),
            )
        })?;
        let folder = arguments.out.join(folder_name(name));
        let most = arguments.per_group.unwrap_or(usize::MAX);
        for (place, index) in dataset.indices_of(group).iter().take(most).enumerate() {
            write_png(&folder.join(format!("{place:05}.png")), dataset.pixels(*index), dataset.shape())?;
            written += 1;
        }
    }
    super::output::note(&format!("{written} images of {} groups are in {}", wanted.len(), arguments.out.display()));
    Ok(())
}
