//! Folders of the user's, shown as they are.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hearth_sandbox::launcher::start_warden_and_broker;
use hearth_sandbox::{
    ClaimRequest, Code, FolderClient, FolderError, FolderIndex, FolderRules, Sandbox, SandboxError, Tier,
};
use hearth_types::CodeHash;
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use crate::leftovers::Before;
use crate::node::{Directory, Node, Server};
use crate::programs;
use crate::tier::tier;
use crate::{Outcome, suite};

pub(crate) fn trials() -> Vec<Trial> {
    suite(
        "folders",
        &[
            ("what_its_owner_can_read_is_read", what_its_owner_can_read_is_read),
            ("a_saved_file_is_there_and_told", a_saved_file_is_there_and_told),
            ("a_folder_may_be_replaced", a_folder_may_be_replaced),
            (
                "only_what_is_below_a_root_is_shown",
                only_what_is_below_a_root_is_shown,
            ),
            ("the_data_directory_stays_secret", the_data_directory_stays_secret),
            ("unknown_numbers_are_no_code", unknown_numbers_are_no_code),
        ],
    )
}

/// An ordinary user's number.
const OWNER: u32 = 1000;
const PRINT: &str = "import os; print(open(ROOT + '/var/task/text').read(), os.stat(ROOT + '/var/task/text').st_uid == os.getuid())";

/// A folder of an ordinary user's whose files nobody else may read.
fn private_folder(path: &Path, files: &[(&str, &str)]) -> Outcome {
    fs::create_dir_all(path)?;
    for (name, content) in files {
        save(&path.join(name), content)?;
    }
    give_to_owner(path)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o700))?)
}

fn save(path: &Path, content: &str) -> Outcome {
    fs::write(path, content)?;
    give_to_owner(path)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}

/// In the tier rootless everything is the one user's anyway.
fn give_to_owner(path: &Path) -> Outcome {
    if tier() == Tier::Sandbox {
        chown(path, Some(OWNER), Some(OWNER))?;
    }
    Ok(())
}

/// Runs a test on a node that may show what is below the folder `root` in its directory.
fn play(test: impl AsyncFnOnce(&Server, &FolderClient, PathBuf) -> Outcome) -> Outcome {
    play_with_data(None, test)
}

/// The same, with the data directory at a place of its own below the root.
fn play_with_data(
    data: Option<&str>,
    test: impl AsyncFnOnce(&Server, &FolderClient, PathBuf) -> Outcome,
) -> Outcome {
    let before = Before::look()?;
    let directory = Directory::new()?;
    let root = directory.path().join("root");
    fs::create_dir(&root)?;
    let mut launch = directory.launch(vec![programs::pythons()[0].obedient()]);
    launch.folders = Some(FolderRules {
        roots: vec![root.clone()],
        data: data.map_or_else(|| launch.data.clone(), |data| root.join(data)),
        data_is_guarded: tier() != Tier::Rootless,
    });
    let (warden, socket, folders) = start_warden_and_broker(&launch)?;
    let folders: OwnedFd = folders.ok_or("there is no broker")?;
    let node = Node {
        directory,
        warden,
        socket,
        before,
    };
    node.serve(async |server| {
        let folders = FolderClient::new(folders)?;
        test(server, &folders, root).await
    })
}

/// Claims an environment for a folder and runs its `main.py`; what that printed.
async fn run(server: &Server, folder: FolderIndex) -> Result<String, Failed> {
    let mut environment = server.boot().await?;
    let request = ClaimRequest {
        code: Code::Folder(folder),
        layers: None,
        memory_mb: 128,
        ephemeral_mb: 512,
    };
    server.warden.claim(environment.id, request).await?;
    let answer = environment.order(&json!({"run": "/var/task/main.py"})).await?;
    server.warden.kill(environment.id);
    let (_, output) = environment.end().await?;
    match answer.unwrap_or_default().get("error") {
        None => Ok(output),
        Some(error) => Err(format!("{error}\n{output}").into()),
    }
}

fn is(output: &str, expected: &str) -> Outcome {
    match output == expected {
        true => Ok(()),
        false => Err(format!("{output:?} instead of {expected:?}").into()),
    }
}

fn what_its_owner_can_read_is_read() -> Outcome {
    const TRY: &str = "
import os
for path in ['/var/task/main.py', '/var/task/new', '/var/task/text']:
    try:
        open(path, 'w')
        print('ESCAPED', path)
    except OSError as error:
        print(error.strerror)
try:
    os.chmod('/var/task/text', 0o777)
    print('ESCAPED chmod')
except OSError as error:
    print(error.strerror)
";
    play(async |server, folders, root| {
        let mine = root.join("mine");
        private_folder(&mine, &[("main.py", PRINT), ("text", "private")])?;
        let opened = folders.open(&mine.display().to_string()).await?;
        is(&run(server, opened.folder).await?, "private True\n")?;
        // The same again is the same folder, for another environment with another user.
        let again = folders.open(&mine.display().to_string()).await?;
        if again != opened || opened.has_lib {
            return Err(format!("{again:?} is not {opened:?}").into());
        }
        is(&run(server, opened.folder).await?, "private True\n")?;
        if tier() != Tier::Process {
            save(&mine.join("main.py"), TRY)?;
            is(
                &run(server, opened.folder).await?,
                &"Read-only file system\n".repeat(4),
            )?;
        }
        // Files of root's too.
        let of_root = root.join("root");
        fs::create_dir_all(of_root.join("lib"))?;
        fs::write(of_root.join("main.py"), PRINT)?;
        fs::write(of_root.join("text"), "root's")?;
        fs::set_permissions(of_root.join("text"), fs::Permissions::from_mode(0o600))?;
        let opened = folders.open(&of_root.display().to_string()).await?;
        if !opened.has_lib {
            return Err("it has a lib".into());
        }
        is(&run(server, opened.folder).await?, "root's True\n")
    })
}

fn a_saved_file_is_there_and_told() -> Outcome {
    play(async |server, folders, root| {
        let told: Arc<Mutex<Vec<FolderIndex>>> = Arc::default();
        let heard = Arc::clone(&told);
        folders.on_change(move |folder| heard.lock().expect("nobody panics").push(folder));
        let mine = root.join("mine");
        private_folder(&mine, &[("main.py", PRINT), ("text", "old")])?;
        let folder = folders.open(&mine.display().to_string()).await?.folder;
        folders.settle().await?;
        if !told.lock().expect("nobody panics").is_empty() {
            return Err("nothing has changed yet".into());
        }
        is(&run(server, folder).await?, "old True\n")?;
        // As editors do it.
        save(&mine.join("text~"), "new")?;
        fs::rename(mine.join("text~"), mine.join("text"))?;
        folders.settle().await?;
        if told.lock().expect("nobody panics").first() != Some(&folder) {
            return Err("nobody was told".into());
        }
        is(&run(server, folder).await?, "new True\n")
    })
}

fn a_folder_may_be_replaced() -> Outcome {
    play(async |server, folders, root| {
        let mine = root.join("mine");
        private_folder(&mine, &[("main.py", PRINT), ("text", "old")])?;
        let folder = folders.open(&mine.display().to_string()).await?.folder;
        is(&run(server, folder).await?, "old True\n")?;
        private_folder(&root.join("next"), &[("main.py", PRINT), ("text", "new")])?;
        fs::rename(&mine, root.join("before"))?;
        folders.settle().await?;
        fs::rename(root.join("next"), &mine)?;
        folders.settle().await?;
        is(&run(server, folder).await?, "new True\n")
    })
}

fn only_what_is_below_a_root_is_shown() -> Outcome {
    play(async |_, folders, root| {
        let outside = root.with_file_name("outside");
        fs::create_dir(&outside)?;
        symlink(&outside, root.join("link"))?;
        symlink("/", root.join("top"))?;
        fs::write(root.join("file"), "")?;
        let allowed = "is not below one that this server may show";
        for (path, why) in [
            (outside.clone(), allowed),
            (root.join("link"), allowed),
            (root.join("top/etc"), allowed),
            (root.join("../outside"), allowed),
            (PathBuf::from("/"), allowed),
            (PathBuf::from("root"), "must be absolute"),
            (root.join("nowhere"), "cannot be opened"),
            (root.join("file"), "cannot be opened"),
            (PathBuf::from("/".repeat(5000)), "too long"),
        ] {
            match folders.open(&path.display().to_string()).await {
                Err(FolderError::Refused(text)) if text.contains(why) => {}
                other => return Err(format!("{}: {other:?}", path.display()).into()),
            }
        }
        folders.open(&root.display().to_string()).await?;
        Ok(())
    })
}

fn the_data_directory_stays_secret() -> Outcome {
    play_with_data(Some("mine/.hearth"), async |server, folders, root| {
        let mine = root.join("mine");
        private_folder(&mine, &[("main.py", PRINT), ("text", "private")])?;
        fs::create_dir_all(mine.join(".hearth/keys"))?;
        let beside = root.join("beside");
        private_folder(&beside, &[("main.py", PRINT), ("text", "beside")])?;
        symlink(mine.join(".hearth/keys"), root.join("keys"))?;
        for secret in [mine.join(".hearth"), mine.join(".hearth/keys"), root.join("keys")] {
            match folders.open(&secret.display().to_string()).await {
                Err(FolderError::Refused(why)) if why.contains("belongs to Hearth itself") => {}
                other => return Err(format!("{}: {other:?}", secret.display()).into()),
            }
        }
        // What is beside it is shown, and what holds it only where another user's files are another's.
        let shown = folders.open(&beside.display().to_string()).await?;
        is(&run(server, shown.folder).await?, "beside True\n")?;
        match (tier(), folders.open(&mine.display().to_string()).await) {
            (Tier::Sandbox | Tier::Process, Ok(shown)) => {
                is(&run(server, shown.folder).await?, "private True\n")
            }
            (Tier::Rootless, Err(FolderError::Refused(why))) if why.contains("holds the data directory") => {
                Ok(())
            }
            (_, other) => Err(format!("{other:?}").into()),
        }
    })
}

fn unknown_numbers_are_no_code() -> Outcome {
    play(async |server, folders, root| {
        let shown = folders.open(&root.display().to_string()).await?.folder;
        let environment = server.boot().await?;
        for number in [0, shown.0 + 1, u32::MAX] {
            let request = ClaimRequest {
                code: Code::Folder(FolderIndex(number)),
                layers: None,
                memory_mb: 128,
                ephemeral_mb: 512,
            };
            let refused = server.warden.claim(environment.id, request).await;
            if !matches!(refused, Err(SandboxError::NoSuchCode(_))) {
                return Err(format!("{number}: {refused:?}").into());
            }
        }
        // A package's hash is no number, and none of this used up the claim.
        let code = server.directory.unpack("code", &[])?;
        assert_eq!(code, CodeHash::of(b"code"));
        Ok(server.claim(&environment, code).await?)
    })
}
