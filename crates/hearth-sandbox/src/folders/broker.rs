//! The launcher's part: who may see which folder, and what has changed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::net::{RecvFlags, SendFlags};

use super::records::{Ask, LONGEST, Tell};
use super::watch::Watch;
use super::{FolderIndex, FolderRules, Show, is_in_data_directory, send_show};
use crate::isolation::mounts::SEALED;
use crate::{Identity, Tier};

/// Answers the server until it is gone.
pub(crate) struct Broker {
    tier: Tier,
    rules: FolderRules,
    server: OwnedFd,
    warden: OwnedFd,
    watch: Watch,
    folders: BTreeMap<FolderIndex, Folder>,
}

struct Folder {
    path: PathBuf,
    /// The directory that is shown, unless it must be shown anew.
    shown: Option<Place>,
}

/// A directory, whatever it is called. No other one is the same as long as this one is shown, which keeps it alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    device: u64,
    inode: u64,
}

impl Place {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// Why a folder is not shown.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(
        "The folder {path} is not below one that this server may show: {roots}. Start `hearth dev` in a folder above \
         it, or name one with --allow-folder."
    )]
    NotAllowed { path: String, roots: String },
    #[error("The folder {0} belongs to Hearth itself.")]
    Data(String),
    #[error(
        "The folder {path} holds the data directory {data}, which functions could read there without root. Name \
         another with --data-dir."
    )]
    HoldsData { path: String, data: String },
    #[error(
        "The folder {path} holds the data directory {data} of another server, which functions could read there. Move \
         it elsewhere, or show a folder without it."
    )]
    HoldsOthers { path: String, data: String },
    #[error("The path of a folder must be absolute: {0}")]
    Relative(String),
    #[error("The folder {path} cannot be opened: {error}.")]
    Unreadable { path: String, error: io::Error },
    #[error("The folder {0} is not there any more.")]
    Gone(String),
    #[error(
        "The folder {path} cannot be shown to functions, because its file system cannot show its files as another \
         user's: {error}."
    )]
    Untranslatable { path: String, error: io::Error },
}

impl Refusal {
    /// The same of a folder that has been shown before.
    fn any_more(self) -> Self {
        match self {
            Self::Unreadable { path, error } if error.kind() == io::ErrorKind::NotFound => Self::Gone(path),
            other => other,
        }
    }
}

impl Broker {
    /// A broker between these two, for the folders that the rules allow.
    pub(crate) fn new(tier: Tier, rules: FolderRules, server: OwnedFd, warden: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            tier,
            watch: Watch::new(real_data(&rules))?,
            rules,
            server,
            warden,
            folders: BTreeMap::new(),
        })
    }

    /// Works until the server is gone.
    pub(crate) fn run(mut self) {
        while let Ok([asked, changed]) = self.wait() {
            if changed {
                self.tell_changes();
            }
            if asked && self.answer().is_err() {
                return;
            }
        }
    }

    fn wait(&self) -> io::Result<[bool; 2]> {
        let mut waited = [
            PollFd::new(&self.server, PollFlags::IN),
            PollFd::new(&self.watch, PollFlags::IN),
        ];
        loop {
            match rustix::event::poll(&mut waited, None) {
                Err(rustix::io::Errno::INTR) => {}
                other => {
                    other?;
                    return Ok(waited.map(|waited| !waited.revents().is_empty()));
                }
            }
        }
    }

    /// Answers one question. Fails when nobody asks any more.
    fn answer(&mut self) -> io::Result<()> {
        let mut record = [0; LONGEST];
        let (_, length) = rustix::net::recv(&self.server, &mut record, RecvFlags::empty())?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // What is no question gets no answer.
        let answer = match record.get(..length).and_then(Ask::decode) {
            None => return Ok(()),
            Some(Ask::Settle { tag, folder }) => {
                self.tell_changes();
                match self.follow(folder) {
                    Ok(()) => Tell::Settled { tag },
                    Err(refusal) => Tell::Refused {
                        tag,
                        why: refusal.to_string(),
                    },
                }
            }
            Some(Ask::Open { tag, path }) => match self.open(Path::new(&path)) {
                Ok(folder) => Tell::Opened {
                    tag,
                    folder,
                    has_lib: Path::new(&path).join("lib").is_dir(),
                },
                Err(refusal) => Tell::Refused {
                    tag,
                    why: refusal.to_string(),
                },
            },
        };
        self.tell(&answer)
    }

    fn tell(&self, tell: &Tell) -> io::Result<()> {
        rustix::net::send(&self.server, &tell.encode(), SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Tells the server what has changed.
    fn tell_changes(&mut self) {
        let changes = self.watch.changes();
        // What has a data directory in it now is looked at again before it is used again.
        for folder in changes.moved.into_iter().chain(changes.exposed) {
            if let Some(state) = self.folders.get_mut(&folder) {
                state.shown = None;
            }
        }
        for folder in changes.changed {
            self.tell_change(folder);
        }
    }

    fn tell_change(&self, folder: FolderIndex) {
        // The next question shows that the server is gone.
        let _ = self.tell(&Tell::Changed { folder });
    }

    /// Shows what is in a folder's place now, where that is another directory than the one that is shown. Nothing tells
    /// of that: a directory that is shown lives on when it is deleted, and what is above it is not watched.
    fn follow(&mut self, folder: FolderIndex) -> Result<(), Refusal> {
        let Some(state) = self.folders.get_mut(&folder) else {
            // Nothing can be claimed with it either.
            return Ok(());
        };
        let there = fs::metadata(&state.path).ok();
        if state.shown.is_some() && state.shown == there.as_ref().map(Place::of) {
            return Ok(());
        }
        // What happens to it from now on may be missed.
        state.shown = None;
        let path = state.path.clone();
        self.show(folder, &path).map_err(Refusal::any_more)?;
        self.tell_change(folder);
        Ok(())
    }

    fn open(&mut self, path: &Path) -> Result<FolderIndex, Refusal> {
        if !path.is_absolute() {
            return Err(Refusal::Relative(path.display().to_string()));
        }
        let known = self.folders.iter().find(|(_, folder)| folder.path == path);
        if let Some((&folder, _)) = known {
            self.follow(folder)?;
            return Ok(folder);
        }
        let folder = FolderIndex(self.folders.len() as u32 + 1);
        self.show(folder, path)?;
        Ok(folder)
    }

    /// Shows the warden a folder and watches it.
    fn show(&mut self, folder: FolderIndex, path: &Path) -> Result<(), Refusal> {
        let named = || path.display().to_string();
        let unreadable = |error| Refusal::Unreadable { path: named(), error };
        let real = path.canonicalize().map_err(unreadable)?;
        let directory = self.open_below(&real).ok_or_else(|| Refusal::NotAllowed {
            path: named(),
            roots: list(&self.rules.roots),
        })?;
        let directory = directory.map_err(unreadable)?;
        self.keep_data_secret(path, &real)?;
        let metadata = fs::File::from(directory.try_clone().map_err(unreadable)?)
            .metadata()
            .map_err(unreadable)?;
        let owner = Identity {
            uid: metadata.uid(),
            gid: metadata.gid(),
        };
        self.keep_others_secret(path, &real, owner)?;
        let untranslatable = |error| Refusal::Untranslatable { path: named(), error };
        let view = self.tier.view(&directory, SEALED).map_err(untranslatable)?;
        send_show(&self.warden, Show { folder, owner }, view.as_fd()).map_err(untranslatable)?;
        self.watch.add(folder, &real);
        let path = path.to_owned();
        let shown = Some(Place::of(&metadata));
        self.folders.insert(folder, Folder { path, shown });
        Ok(())
    }

    /// Refuses what would show functions the state and the keys of all others.
    fn keep_data_secret(&self, path: &Path, real: &Path) -> Result<(), Refusal> {
        let named = || path.display().to_string();
        let data = real_data(&self.rules);
        if real.starts_with(&data) || is_in_data_directory(real) {
            return Err(Refusal::Data(named()));
        }
        if data.starts_with(real) && !self.rules.data_is_guarded {
            let data = data.display().to_string();
            return Err(Refusal::HoldsData { path: named(), data });
        }
        Ok(())
    }

    /// Refuses a folder of this owner's with data directories of other servers that functions could read there.
    fn keep_others_secret(&self, path: &Path, real: &Path, owner: Identity) -> Result<(), Refusal> {
        // Without isolation nothing keeps functions from them, whatever they are shown.
        if self.tier == Tier::Process {
            return Ok(());
        }
        let is_open = |data: &PathBuf| self.tier == Tier::Rootless || !is_closed(data, owner);
        let open = self.watch.others_data(real).into_iter().find(is_open);
        open.map_or(Ok(()), |data| {
            Err(Refusal::HoldsOthers {
                path: path.display().to_string(),
                data: data.display().to_string(),
            })
        })
    }

    /// Opens a directory that lies below a root; `None` if it lies below none. Links that are put in its way meanwhile
    /// are not followed.
    fn open_below(&self, real: &Path) -> Option<io::Result<OwnedFd>> {
        let (root, below) = self.rules.roots.iter().find_map(|root| {
            let root = root.canonicalize().ok()?;
            let below = real.strip_prefix(&root).ok()?.to_owned();
            Some((root, below))
        })?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let below = if below.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &below
        };
        Some(
            rustix::fs::open(&root, flags | OFlags::NOFOLLOW, Mode::empty())
                .and_then(|root| rustix::fs::openat2(&root, below, flags, Mode::empty(), resolve))
                .map_err(io::Error::from),
        )
    }
}

/// Whether a data directory is another user's than the folder around it, and only that user's: what the folder's owner
/// has is shown as the functions' own.
fn is_closed(data: &Path, folder: Identity) -> bool {
    data.metadata()
        .is_ok_and(|data| data.uid() != folder.uid && data.mode() & 0o077 == 0)
}

/// The data directory, with no link in its path.
fn real_data(rules: &FolderRules) -> PathBuf {
    rules.data.canonicalize().unwrap_or_else(|_| rules.data.clone())
}

fn list(roots: &[PathBuf]) -> String {
    let roots: Vec<String> = roots.iter().map(|root| root.display().to_string()).collect();
    roots.join(", ")
}
