//! Files of our own: written whole or not at all, stored results under the hash of what they were computed from, and
//! projects.

mod copy;
mod files;
mod folder_name;
mod kind;
mod lock;
mod object_file;
mod objects;
mod project;
mod upkeep;

pub use copy::{copy_folder, would_be_inside};
pub use files::{
    check_writable, create_folder, read_json, read_text_file, write_atomic, write_atomic_with, write_json,
};
pub use folder_name::{folder_name, folder_names};
pub use kind::Kind;
pub use lock::{FolderLock, ProjectAccess, ReadOnly};
pub use object_file::Content;
pub use objects::{Manifest, Store, key_of};
pub use project::{Project, ProjectFile, SESSION, relative_to, user_data_folder};
pub use upkeep::{Count, Damage, Health, Waste, leftovers_in};
