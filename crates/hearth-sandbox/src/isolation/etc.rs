//! The /etc of an environment: a few generated files, and those of the base that programs need to run.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::base::Base;
use super::mounts;
use crate::launcher::Passed;

/// The name of Lambda's user.
const USER: &str = "sbx_user1051";

const GENERATED: &[(&str, &str)] = &[
    (
        "hosts",
        "127.0.0.1 localhost sandbox sandbox.localdomain\n::1 localhost\n",
    ),
    ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    // The address of Hearth's services, `hearth_types::inside::ADDRESS`.
    ("resolv.conf", "nameserver 169.254.100.1\n"),
    ("hostname", "sandbox\n"),
];

const LINKS: &[(&str, &str)] = &[
    ("localtime", "../usr/share/zoneinfo/UTC"),
    ("os-release", "../usr/lib/os-release"),
    ("mtab", "../proc/self/mounts"),
    // What differs between environments is mounted there.
    ("passwd", "../run/identity/passwd"),
    ("group", "../run/identity/group"),
];

/// Files copied from the base, where it has them.
const COPIED: &[&str] = &[
    "ld.so.cache",
    "mime.types",
    "protocols",
    "services",
    "ssl/openssl.cnf",
];

/// What the server needs of the host's names, in place of the generated files.
const COPIED_FOR_SERVER: &[&str] = &["hosts", "resolv.conf"];

/// Directories shown from the base, where it has them: certificates, and what links in /usr/bin point to.
const SHOWN: &[&str] = &["alternatives", "pki", "ssl/certs"];

/// How the names of further ones begin: Debian keeps a part of each Java there, which does not start without.
const SHOWN_TOO: &str = "java-";

/// No copied file is larger, in bytes.
const LARGEST: u64 = 4 << 20;

/// The directories of a base's /etc that are shown.
pub(crate) fn shown(etc: &Path) -> Vec<String> {
    let entries = fs::read_dir(etc).into_iter().flatten().flatten();
    let further = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(SHOWN_TOO));
    SHOWN
        .iter()
        .map(|name| (*name).to_owned())
        .chain(further)
        .collect()
}

/// Fills `etc`.
pub(crate) fn fill(etc: &Path, base: &Base) -> io::Result<()> {
    fs::create_dir_all(etc.join("ssl"))?;
    for (name, text) in GENERATED {
        fs::write(etc.join(name), text)?;
    }
    for (name, target) in LINKS {
        symlink(target, etc.join(name))?;
    }
    copy(base, etc, COPIED)?;
    for (name, shown) in &base.in_etc {
        fs::create_dir_all(etc.join(name))?;
        mounts::attach(&shown.0, path(&etc.join(name))?)?;
    }
    Ok(())
}

/// The same for the server, which uses the host's network.
pub(crate) fn fill_for_server(etc: &Path, base: &Base) -> io::Result<()> {
    fill(etc, base)?;
    copy(base, etc, COPIED_FOR_SERVER)
}

fn copy(base: &Base, etc: &Path, names: &[&str]) -> io::Result<()> {
    let Some(Passed(base)) = &base.etc else {
        return Ok(());
    };
    for name in names {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        if let Ok(source) = rustix::fs::openat(base.as_fd(), *name, flags, Mode::empty()) {
            let mut content = Vec::new();
            File::from(source).take(LARGEST).read_to_end(&mut content)?;
            fs::write(etc.join(name), content)?;
        }
    }
    Ok(())
}

/// Writes the files that name an environment's user.
pub(crate) fn write_identity(directory: &Path, uid: u32) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let passwd = format!(
        "root:x:0:0:root:/root:/sbin/nologin\n{USER}:x:{uid}:{uid}::/home/{USER}:/sbin/nologin\n\
         nobody:x:65534:65534:nobody:/:/sbin/nologin\n"
    );
    fs::write(directory.join("passwd"), passwd)?;
    fs::write(
        directory.join("group"),
        format!("root:x:0:\n{USER}:x:{uid}:\nnogroup:x:65534:\n"),
    )
}

/// The text of a path of our own, which is always UTF-8.
pub(crate) fn path(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or_else(|| io::ErrorKind::InvalidInput.into())
}
