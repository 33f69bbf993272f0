//! Watching folders for changes, with everything below them.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, Event, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use super::{FolderIndex, is_data_directory, is_in_data_directory};

/// Directories that change a lot and mean nothing, or are too many to watch. Functions see them all the same.
const UNWATCHED: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".idea",
    ".venv",
    ".vscode",
    "__pycache__",
    "node_modules",
];

/// What a change is: content, names and modes of files.
const WANTED: WatchFlags = WatchFlags::MODIFY
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR)
    .union(WatchFlags::DONT_FOLLOW);

/// What happened since the last look.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Folders in which something changed.
    pub(super) changed: BTreeSet<FolderIndex>,
    /// Folders that are not where they were any more.
    pub(super) moved: BTreeSet<FolderIndex>,
    /// Folders in which there is, or may be, a data directory now.
    pub(super) exposed: BTreeSet<FolderIndex>,
}

/// The watched directories.
pub(super) struct Watch {
    inotify: OwnedFd,
    /// What each watch is for: one directory may be in several folders.
    directories: HashMap<i32, Vec<Directory>>,
    /// The data directory, whose changes mean nothing.
    data: PathBuf,
    /// Something could not be watched, and the user knows.
    complained: bool,
}

struct Directory {
    folder: FolderIndex,
    path: PathBuf,
    is_root: bool,
}

impl Watch {
    pub(super) fn new(data: PathBuf) -> io::Result<Self> {
        Ok(Self {
            inotify: inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?,
            directories: HashMap::new(),
            data,
            complained: false,
        })
    }

    /// Watches a folder from now on.
    pub(super) fn add(&mut self, folder: FolderIndex, root: &Path) {
        self.forget(folder);
        self.add_below(folder, root, true);
    }

    /// The data directories of other servers in a folder, as deep as it would be watched, and right below what would
    /// not: that may be too many to look through.
    pub(super) fn others_data(&self, root: &Path) -> Vec<PathBuf> {
        let (mut found, mut ahead) = (Vec::new(), vec![root.to_owned()]);
        while let Some(next) = ahead.pop() {
            for path in directories(&next).filter(|path| *path != self.data) {
                if is_data_directory(&path) {
                    found.push(path);
                } else if self.is_watched(&path) {
                    ahead.push(path);
                } else {
                    let below = directories(&path).filter(|below| *below != self.data);
                    found.extend(below.filter(|below| is_data_directory(below)));
                }
            }
        }
        found
    }

    /// Watches it no more.
    pub(super) fn forget(&mut self, folder: FolderIndex) {
        let unwatched = self.directories.extract_if(|_, directories| {
            directories.retain(|directory| directory.folder != folder);
            directories.is_empty()
        });
        for (watch, _) in unwatched {
            // It is gone if the directory is.
            let _ = inotify::remove_watch(&self.inotify, watch);
        }
    }

    fn add_below(&mut self, folder: FolderIndex, path: &Path, is_root: bool) {
        match inotify::add_watch(&self.inotify, path, WANTED) {
            Ok(watch) => {
                let directories = self.directories.entry(watch).or_default();
                // It may have had another name in this folder.
                directories.retain(|directory| directory.folder != folder);
                directories.push(Directory {
                    folder,
                    path: path.to_owned(),
                    is_root,
                });
            }
            Err(error) => return self.complain(path, error),
        }
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && self.is_watched(&entry.path()) {
                self.add_below(folder, &entry.path(), false);
            }
        }
    }

    fn is_watched(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default();
        path != self.data && !UNWATCHED.iter().any(|unwatched| name == *unwatched) && !is_data_directory(path)
    }

    fn complain(&mut self, path: &Path, error: Errno) {
        // A directory that is gone again needs no watching.
        if !self.complained && error != Errno::NOENT && error != Errno::NOTDIR {
            self.complained = true;
            let advice = match error {
                Errno::NOSPC => "; raise fs.inotify.max_user_watches",
                _ => "",
            };
            eprintln!(
                "warning: changes in {} may go unnoticed: {error}{advice}",
                path.display()
            );
        }
    }

    /// Everything that has happened until now.
    pub(super) fn changes(&mut self) -> Changes {
        let mut changes = Changes::default();
        let mut made = Vec::new();
        let mut space = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = Reader::new(&self.inotify, &mut space);
        while let Ok(event) = reader.next() {
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                let all = self
                    .directories
                    .values()
                    .flatten()
                    .map(|directory| directory.folder);
                changes.changed.extend(all.clone());
                changes.exposed.extend(all);
                continue;
            }
            for directory in self.directories.get(&event.wd()).into_iter().flatten() {
                if let Some(path) = self.note(directory, &event, &mut changes) {
                    made.push((directory.folder, path));
                }
            }
        }
        // What was written into them before they were watched belongs to the change that is told now.
        for (folder, directory) in made {
            self.add_below(folder, &directory, false);
            if is_in_others_data(&directory, &self.data) || !self.others_data(&directory).is_empty() {
                changes.exposed.insert(folder);
            }
        }
        changes
    }

    /// Notes what an event means to a folder. Gives a directory that is to be watched from now on.
    fn note(&self, directory: &Directory, event: &Event<'_>, changes: &mut Changes) -> Option<PathBuf> {
        let Directory {
            folder,
            path,
            is_root,
        } = directory;
        let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
        let subject = name.map_or_else(|| path.clone(), |name| path.join(name));
        let is_directory = event.events().contains(ReadFlags::ISDIR);
        let gone = ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF;
        if event.events().intersects(gone) {
            if *is_root {
                changes.moved.insert(*folder);
            }
            return None;
        }
        let is_new = event.events().intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
        if is_new && is_in_others_data(&subject, &self.data) {
            changes.exposed.insert(*folder);
            changes.changed.insert(*folder);
        }
        // That the data directory or a cache is written to means nothing, nor that it is there.
        if event.events().contains(ReadFlags::IGNORED) || (is_directory && !self.is_watched(&subject)) {
            return None;
        }
        changes.changed.insert(*folder);
        (is_directory && is_new).then_some(subject)
    }
}

/// Whether something is in a data directory other than `own`, or is one.
fn is_in_others_data(path: &Path, own: &Path) -> bool {
    !path.starts_with(own) && is_in_data_directory(path)
}

/// The directories right below one, as far as it can be read.
fn directories(path: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: FolderIndex = FolderIndex(7);

    fn watched() -> (tempfile::TempDir, Watch) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("src/deep")).unwrap();
        fs::create_dir_all(root.path().join("node_modules/x")).unwrap();
        fs::write(root.path().join("app.py"), "1").unwrap();
        let mut watch = Watch::new(root.path().join("data")).unwrap();
        watch.add(FOLDER, root.path());
        assert!(watch.changes().changed.is_empty());
        (root, watch)
    }

    fn has_changed(watch: &mut Watch) -> bool {
        watch.changes().changed.contains(&FOLDER)
    }

    #[test]
    fn every_kind_of_change_is_noticed() {
        let (root, mut watch) = watched();
        let path = |name: &str| root.path().join(name);
        let changes: &[(&str, &dyn Fn())] = &[
            ("written", &|| fs::write(path("app.py"), "2").unwrap()),
            ("made", &|| fs::write(path("src/deep/new.py"), "").unwrap()),
            ("saved by renaming", &|| {
                fs::write(path("src/.tmp"), "3").unwrap();
                fs::rename(path("src/.tmp"), path("src/app.py")).unwrap();
            }),
            ("removed", &|| fs::remove_file(path("app.py")).unwrap()),
            ("in a new folder", &|| {
                fs::create_dir_all(path("new/deep")).unwrap();
                fs::write(path("new/deep/file"), "").unwrap();
            }),
            ("linked", &|| {
                std::os::unix::fs::symlink("src", path("link")).unwrap();
            }),
        ];
        for (what, change) in changes {
            change();
            assert!(has_changed(&mut watch), "{what}");
            assert!(!has_changed(&mut watch), "{what}, told twice");
        }
        fs::write(path("new/deep/file"), "later").unwrap();
        assert!(has_changed(&mut watch), "a new folder is watched too");
    }

    #[test]
    fn a_directory_may_be_in_several_folders() {
        const INNER: FolderIndex = FolderIndex(8);
        const AGAIN: FolderIndex = FolderIndex(9);
        let (root, mut watch) = watched();
        std::os::unix::fs::symlink(".", root.path().join("again")).unwrap();
        watch.add(INNER, &root.path().join("src"));
        watch.add(AGAIN, &root.path().join("again/."));
        watch.changes();
        fs::write(root.path().join("src/deep/file"), "1").unwrap();
        assert_eq!(watch.changes().changed, [FOLDER, INNER, AGAIN].into());
        fs::write(root.path().join("app.py"), "2").unwrap();
        assert_eq!(watch.changes().changed, [FOLDER, AGAIN].into());
        watch.forget(INNER);
        watch.forget(AGAIN);
        fs::rename(root.path().join("src"), root.path().join("new")).unwrap();
        assert_eq!(watch.changes().changed, [FOLDER].into());
        fs::write(root.path().join("new/deep/file"), "2").unwrap();
        assert_eq!(watch.changes().changed, [FOLDER].into());
    }

    #[test]
    fn noise_is_ignored() {
        let (root, mut watch) = watched();
        fs::write(root.path().join("node_modules/x/index.js"), "").unwrap();
        fs::create_dir(root.path().join("__pycache__")).unwrap();
        fs::write(root.path().join("__pycache__/app.pyc"), "").unwrap();
        fs::create_dir(root.path().join("data")).unwrap();
        fs::write(root.path().join("data/state.db"), "").unwrap();
        fs::read(root.path().join("app.py")).unwrap();
        assert!(!has_changed(&mut watch));
    }

    #[test]
    fn data_directories_of_others_are_found_and_not_watched() {
        let root = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let data = root.path().join(name);
            fs::create_dir_all(data.join("keys")).unwrap();
            fs::write(data.join("keys/seal.key"), "").unwrap();
            data
        };
        let own = make("own");
        let mut others = [make("a/b/any name"), make(".hearth/data"), make("a/node_modules")];
        fs::create_dir_all(root.path().join("a/keys")).unwrap();
        let mut watch = Watch::new(own.clone()).unwrap();
        let mut found = watch.others_data(root.path());
        others.sort();
        found.sort();
        assert_eq!(found, others);
        watch.add(FOLDER, root.path());
        for data in others.iter().chain([&own]) {
            fs::write(data.join("state.db"), "").unwrap();
        }
        assert!(!has_changed(&mut watch));
    }

    #[test]
    fn a_data_directory_that_comes_later_is_told() {
        let (root, mut watch) = watched();
        let elsewhere = tempfile::tempdir_in(root.path().parent().unwrap()).unwrap();
        let data = |at: &Path, name: &str| {
            fs::create_dir_all(at.join(name).join("keys")).unwrap();
            fs::write(at.join(name).join("keys/seal.key"), "").unwrap();
        };
        let path = |name: &str| root.path().join(name);
        let is_exposed = |watch: &mut Watch| watch.changes().exposed.contains(&FOLDER);
        data(root.path(), "src/new/state");
        assert!(is_exposed(&mut watch), "made at once");
        data(elsewhere.path(), "moved");
        fs::rename(elsewhere.path().join("moved"), path("moved")).unwrap();
        assert!(is_exposed(&mut watch), "moved in");
        for step in [".hearth", ".hearth/keys"] {
            fs::create_dir(path(step)).unwrap();
            assert!(!is_exposed(&mut watch), "{step}");
        }
        fs::write(path(".hearth/keys/seal.key"), "").unwrap();
        assert!(is_exposed(&mut watch), "made step by step");
        data(root.path(), "data");
        assert!(!is_exposed(&mut watch), "its own is known");
    }

    #[test]
    fn a_folder_that_is_replaced_is_told_apart() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("root");
        fs::create_dir(&root).unwrap();
        let mut watch = Watch::new(PathBuf::new()).unwrap();
        watch.add(FOLDER, &root);
        fs::rename(&root, parent.path().join("other")).unwrap();
        assert!(watch.changes().moved.contains(&FOLDER));
    }
}
