//! What is not read, refused by its own name, with the way to convert it.

use std::fs;
use std::path::{Path, PathBuf};

use super::source::{extension, file_name, forms};
use whence_base::Error;

/// Why the file `path` is not readable as a dataset, and what is (`forms`).
pub(super) fn refuse_file(path: &Path, forms: &str) -> Error {
    let (what, remedy) = match extension(path).as_str() {
        "zip" | "tar" | "gz" | "tgz" | "bz2" | "xz" | "zst" | "7z" | "rar" => {
            ("this is an archive, not a dataset", format!("Unpack it and give {forms}"))
        }
        "arrow" | "feather" => (
            "datasets are not read from Arrow files",
            format!(
                "Export it with `datasets`: Dataset.from_file(FILE).to_parquet(\"train.parquet\"). Or give {forms}"
            ),
        ),
        "csv" | "jsonl" | "json" | "tsv" | "txt" => (
            "this is a table without images",
            format!("Give the folder that it describes, as metadata.csv, or {forms}"),
        ),
        "pkl" | "pickle" | "p" | "npz" | "npy" | "pt" | "pth" | "ckpt" | "bin" | "mat" | "h5" | "hdf5" | "lmdb"
        | "mdb" | "tfrecord" | "tfrecords" => {
            ("datasets are not read from pickled, NumPy or binary files", format!("Export the images and give {forms}"))
        }
        "png" | "jpg" | "jpeg" | "jfif" | "webp" | "gif" | "bmp" | "tif" | "tiff" | "avif" | "heic" => {
            ("this is one image, not a dataset", format!("Give {forms}"))
        }
        _ => ("this is not a dataset that can be read", format!("Give {forms}")),
    };
    Error::file(what, path, remedy)
}

/// A format of datasets that is not read.
struct Foreign {
    /// What it is, with its article.
    what: &'static str,
    /// How to convert it, before the list of what is read.
    remedy: &'static str,
    recognises: fn(&Files) -> bool,
}

const TORCHVISION: &str = "Save its images as PNG files, one subfolder per class, for example with torchvision";

const FOREIGN: [Foreign; 9] = [
    Foreign {
        what: "a dataset that `datasets` saved with save_to_disk (Arrow)",
        remedy: "Convert it in Python: datasets.load_from_disk(FOLDER) and, for a split, .to_parquet(\"train.parquet\")",
        recognises: |files| files.any_extension("arrow") || files.has("dataset_dict.json"),
    },
    Foreign {
        what: "a WebDataset (.tar files)",
        remedy: "Convert it in Python: datasets.load_dataset(\"webdataset\", data_files=...) and .to_parquet(...), or unpack it",
        recognises: |files| files.any_extension("tar"),
    },
    Foreign {
        what: "CIFAR in its Python version (pickles)",
        remedy: TORCHVISION,
        recognises: |files| files.has("data_batch_1") || (files.has("meta") && files.has("train") && files.has("test")),
    },
    Foreign {
        what: "CIFAR or STL in its binary version",
        remedy: TORCHVISION,
        recognises: |files| ["data_batch_1.bin", "train.bin", "train_X.bin"].iter().any(|name| files.has(name)),
    },
    Foreign {
        what: "MNIST in its own format (idx)",
        remedy: TORCHVISION,
        recognises: |files| files.any(|name| name.contains("idx3-ubyte") || name.contains("idx1-ubyte")),
    },
    Foreign {
        what: "a dataset of NumPy arrays",
        remedy: "Save the images as PNG files, one subfolder per group",
        recognises: |files| files.any_extension("npz") || files.any_extension("npy"),
    },
    Foreign {
        what: "a dataset of TensorFlow records",
        remedy: "Save the images as PNG files, one subfolder per group",
        recognises: |files| files.any(|name| name.contains(".tfrecord")),
    },
    Foreign {
        what: "a database (LMDB, HDF5 or MATLAB)",
        remedy: "Save the images as PNG files, one subfolder per group",
        recognises: |files| ["mdb", "lmdb", "h5", "hdf5", "mat"].iter().any(|extension| files.any_extension(extension)),
    },
    Foreign {
        what: "a folder of archives",
        remedy: "Unpack them",
        recognises: |files| {
            ["zip", "gz", "tgz", "7z", "rar", "xz", "zst"].iter().any(|extension| files.any_extension(extension))
        },
    },
];

/// An error that names what a folder without images is, where it is known.
pub(super) fn refuse_folder(root: &Path) -> Option<Error> {
    let files = Files::below(root);
    let found = FOREIGN.iter().find(|foreign| (foreign.recognises)(&files))?;
    let (what, remedy) = (found.what, found.remedy);
    Some(Error::file(format!("this is {what}, which is not read"), root, format!("{remedy}. Then give {}", forms())))
}

/// The names of the files in a folder and its direct subfolders.
struct Files {
    names: Vec<String>,
}

impl Files {
    fn below(root: &Path) -> Self {
        let mut names = Vec::new();
        let mut folders: Vec<(PathBuf, usize)> = vec![(root.to_owned(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            // A folder that cannot be read was reported before: here it only lacks a name.
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let path = entry.path();
                if !path.is_dir() {
                    names.push(file_name(&path));
                } else if depth == 0 {
                    folders.push((path, 1));
                }
            }
        }
        Self { names }
    }

    fn any(&self, is: impl Fn(&str) -> bool) -> bool {
        self.names.iter().any(|name| is(name))
    }

    fn has(&self, wanted: &str) -> bool {
        self.any(|name| name == wanted)
    }

    fn any_extension(&self, wanted: &str) -> bool {
        self.any(|name| extension(Path::new(name)) == wanted)
    }
}
