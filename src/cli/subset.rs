//! `whence subset`: some groups of a dataset, some images of each, at another size, as plain folders.

use super::arguments::SubsetArguments;
use super::{output, parse};
use whence_base::{Error, Result, Setting};
use whence_data::{Dataset, ImageShape, LoadOptions};
use whence_report::write_png;
use whence_store::folder_name;

pub(super) fn run(arguments: &SubsetArguments) -> Result<()> {
    let options = LoadOptions { group_column: arguments.group_column.clone(), ..LoadOptions::default() };
    let mut dataset = Dataset::load(&arguments.data, &options, &mut |_, _| Ok(()))?;
    if let Some(side) = arguments.size {
        let shape = ImageShape { height: side, width: side, ..dataset.shape() };
        check_memory(dataset.len(), shape, whence_engine::device::memory::available())?;
        let options = LoadOptions { shape: Some(shape), ..options };
        // The first reading is not needed beside the second.
        drop(dataset);
        dataset = Dataset::load(&arguments.data, &options, &mut |_, _| Ok(()))?;
    }
    for note in dataset.notes() {
        eprintln!("{note}");
    }
    let named = parse::all_names(arguments.groups.clone());
    let wanted = if named.is_empty() { dataset.groups().to_vec() } else { named };
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
        let group = dataset.groups().iter().position(|g| g == name).ok_or_else(|| {
            Error::setting(
                format!("the dataset has no group {name}"),
                [Setting::Groups],
                format!("its groups are {}", dataset.groups().join(", ")),
            )
        })?;
        let folder = arguments.out.join(folder_name(name));
        let most = arguments.per_group.unwrap_or(usize::MAX);
        for (position, index) in dataset.indices_of(group).iter().take(most).enumerate() {
            write_png(&folder.join(format!("{position:05}.png")), dataset.pixels(*index), dataset.shape())?;
            written += 1;
        }
    }
    output::note(&format!("{written} images of {} groups are in {}", wanted.len(), arguments.out.display()));
    Ok(())
}

/// Refuses images that would not fit in memory, all of which are held at once; `available` is in bytes, where known.
fn check_memory(images: usize, shape: ImageShape, available: Option<u64>) -> Result<()> {
    let bytes = (images as u64).saturating_mul(shape.numel() as u64);
    match available {
        Some(free) if bytes > free / 2 => Err(Error::input(
            format!(
                "{images} images of {} × {} pixels take {} MiB, and {} MiB are free",
                shape.width,
                shape.height,
                bytes >> 20,
                free >> 20
            ),
            "--size",
            "give a smaller size, or fewer images",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_in_memory_is_refused_before_it_is_read() {
        let shape = ImageShape { channels: 3, height: 16_384, width: 16_384 };
        let refused = check_memory(48, shape, Some(6 << 30)).unwrap_err().to_string();
        assert!(refused.contains("36864 MiB") && refused.contains("6144 MiB"), "{refused}");
        assert!(check_memory(48, ImageShape { height: 64, width: 64, ..shape }, Some(6 << 30)).is_ok());
        assert!(check_memory(48, shape, None).is_ok(), "where the system does not tell");
    }
}
