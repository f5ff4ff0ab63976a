//! The right to write into the open project. It is taken before the project is read and given up after its last state
//! was written, so that two windows never undo each other's changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use whence_store::{FolderLock, ProjectAccess, ReadOnly};

/// Locks of projects.
#[derive(Debug, Default)]
pub struct Access {
    /// The open project's. Shared with the writer of its state, which may be busy after the project was closed.
    held: Option<(PathBuf, Arc<FolderLock>)>,
    /// That of the project that is being opened.
    pending: Option<(PathBuf, ProjectAccess)>,
}

impl Access {
    /// Takes the lock of a project that is about to be opened, unless this window has it.
    pub fn prepare(&mut self, root: &Path) {
        let is_held = self.held.as_ref().is_some_and(|(held, _)| held == root);
        let is_pending = self.pending.as_ref().is_some_and(|(pending, _)| pending == root);
        if !is_held && !is_pending {
            self.pending = Some((root.to_owned(), FolderLock::of_project(root)));
        }
    }

    /// Takes the lock of a project that is read-only so far. False where somebody else still has it.
    pub fn try_again(&mut self, root: &Path) -> bool {
        match FolderLock::of_project(root) {
            ProjectAccess::ReadOnly(_) => false,
            access @ ProjectAccess::Write(_) => {
                self.pending = Some((root.to_owned(), access));
                true
            }
        }
    }

    /// The project is open: gives up the lock of the one before. Why it is only read, where it is.
    pub fn opened(&mut self, root: &Path) -> Option<ReadOnly> {
        if self.held.as_ref().is_some_and(|(held, _)| held == root) {
            return None;
        }
        let access = self.pending.take().filter(|(pending, _)| pending == root).map(|(_, access)| access);
        self.held = None;
        match access.unwrap_or_else(|| FolderLock::of_project(root)) {
            ProjectAccess::Write(lock) => {
                self.held = Some((root.to_owned(), Arc::new(lock)));
                None
            }
            // It was read a moment ago: writing will say what is wrong.
            ProjectAccess::ReadOnly(ReadOnly::Missing) => None,
            ProjectAccess::ReadOnly(why) => Some(why),
        }
    }

    /// No project is being opened any more: gives up the lock that was taken for it.
    pub fn give_up(&mut self) {
        self.pending = None;
    }

    /// The project was closed.
    pub fn closed(&mut self) {
        *self = Self::default();
    }

    /// The lock of the open project, which whoever writes into it keeps until the end.
    pub fn lock(&self) -> Option<Arc<FolderLock>> {
        self.held.as_ref().map(|(_, lock)| Arc::clone(lock))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_lives_from_opening_to_the_last_write() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let (mut one, mut two) = (Access::default(), Access::default());
        one.prepare(root);
        two.prepare(root);
        assert_eq!((one.opened(root), two.opened(root)), (None, Some(ReadOnly::OpenElsewhere)));
        one.prepare(root);
        assert_eq!(one.opened(root), None, "opened again in the same window");
        let writer = one.lock();
        assert!(writer.is_some() && two.lock().is_none());
        one.closed();
        assert!(!two.try_again(root), "its last state is still being written");
        drop(writer);
        assert!(two.try_again(root));
        two.prepare(root);
        assert_eq!(two.opened(root), None);
        one.prepare(root);
        one.give_up();
        assert!(matches!(FolderLock::of_project(root), ProjectAccess::ReadOnly(ReadOnly::OpenElsewhere)));
    }
}
