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

use crate::environment::Environment;
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
                "a_folder_may_be_deleted_and_made_anew",
                a_folder_may_be_deleted_and_made_anew,
            ),
            (
                "what_is_above_a_folder_may_be_replaced",
                what_is_above_a_folder_may_be_replaced,
            ),
            (
                "a_folder_that_is_gone_is_named_until_it_is_back",
                a_folder_that_is_gone_is_named_until_it_is_back,
            ),
            (
                "what_takes_a_folders_place_is_shown_by_the_same_rules",
                what_takes_a_folders_place_is_shown_by_the_same_rules,
            ),
            (
                "only_what_is_below_a_root_is_shown",
                only_what_is_below_a_root_is_shown,
            ),
            ("the_data_directory_stays_secret", the_data_directory_stays_secret),
            (
                "data_directories_of_others_stay_secret",
                data_directories_of_others_stay_secret,
            ),
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
    let environment = claim(server, folder).await?;
    finish(server, environment).await
}

/// Claims an environment for a folder.
async fn claim(server: &Server, folder: FolderIndex) -> Result<Environment, Failed> {
    let environment = server.boot().await?;
    let request = ClaimRequest {
        code: Code::Folder(folder),
        layers: None,
        memory_mb: 128,
        ephemeral_mb: 512,
    };
    server.warden.claim(environment.id, request).await?;
    Ok(environment)
}

/// Runs `main.py` in an environment and ends it; what that printed.
async fn finish(server: &Server, mut environment: Environment) -> Result<String, Failed> {
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
        let told = told(folders);
        let mine = root.join("mine");
        private_folder(&mine, &[("main.py", PRINT), ("text", "old")])?;
        let folder = folders.open(&mine.display().to_string()).await?.folder;
        folders.settle(folder).await?;
        if !told.lock().expect("nobody panics").is_empty() {
            return Err("nothing has changed yet".into());
        }
        is(&run(server, folder).await?, "old True\n")?;
        // As editors do it.
        save(&mine.join("text~"), "new")?;
        fs::rename(mine.join("text~"), mine.join("text"))?;
        folders.settle(folder).await?;
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
        refused(folders.settle(folder).await, "is not there any more")?;
        fs::rename(root.join("next"), &mine)?;
        folders.settle(folder).await?;
        is(&run(server, folder).await?, "new True\n")
    })
}

fn a_folder_may_be_deleted_and_made_anew() -> Outcome {
    play(async |server, folders, root| {
        let told = told(folders);
        let mine = root.join("mine");
        private_folder(&mine, &[("main.py", PRINT), ("text", "0")])?;
        let folder = folders.open(&mine.display().to_string()).await?.folder;
        is(&run(server, folder).await?, "0 True\n")?;
        for word in ["1", "2"] {
            fs::remove_dir_all(&mine)?;
            private_folder(&mine, &[("main.py", PRINT), ("text", word)])?;
            folders.settle(folder).await?;
            if !std::mem::take(&mut *told.lock().expect("nobody panics")).contains(&folder) {
                return Err(format!("nobody was told of {word}").into());
            }
            is(&run(server, folder).await?, &format!("{word} True\n"))?;
        }
        // The new one is watched, and nothing more is told of it.
        folders.settle(folder).await?;
        if !told.lock().expect("nobody panics").is_empty() {
            return Err("it has not changed".into());
        }
        save(&mine.join("text"), "saved")?;
        folders.settle(folder).await?;
        if told.lock().expect("nobody panics").first() != Some(&folder) {
            return Err("nobody was told".into());
        }
        is(&run(server, folder).await?, "saved True\n")
    })
}

fn what_is_above_a_folder_may_be_replaced() -> Outcome {
    play(async |server, folders, root| {
        let told = told(folders);
        let (above, mine) = (root.join("above"), root.join("above/mine"));
        private_folder(&mine, &[("main.py", PRINT), ("text", "old")])?;
        let folder = folders.open(&mine.display().to_string()).await?.folder;
        let running = claim(server, folder).await?;
        fs::rename(&above, root.join("before"))?;
        private_folder(&mine, &[("main.py", PRINT), ("text", "new")])?;
        folders.settle(folder).await?;
        if told.lock().expect("nobody panics").as_slice() != [folder] {
            return Err("nobody was told".into());
        }
        is(&run(server, folder).await?, "new True\n")?;
        // What has begun stays with what it began with. Without walls a folder is a path.
        match tier() {
            Tier::Sandbox | Tier::Rootless => is(&finish(server, running).await?, "old True\n"),
            Tier::Process => is(&finish(server, running).await?, "new True\n"),
        }
    })
}

fn a_folder_that_is_gone_is_named_until_it_is_back() -> Outcome {
    play(async |server, folders, root| {
        let (mine, away) = (root.join("mine"), root.join("away"));
        private_folder(&mine, &[("main.py", PRINT), ("text", "here")])?;
        let path = mine.display().to_string();
        let folder = folders.open(&path).await?.folder;
        let told = told(folders);
        let gone = format!("The folder {path} is not there any more.");
        for back in 0..2 {
            fs::rename(&mine, &away)?;
            refused(folders.settle(folder).await, &gone)?;
            refused(folders.settle(folder).await, &gone)?;
            refused(folders.open(&path).await, &gone)?;
            // Of what is made meanwhile nothing is missed.
            let deep = format!("deep{back}");
            fs::create_dir(away.join(&deep))?;
            fs::rename(&away, &mine)?;
            folders.settle(folder).await?;
            is(&run(server, folder).await?, "here True\n")?;
            told.lock().expect("nobody panics").clear();
            fs::write(mine.join(&deep).join("file"), "")?;
            folders.settle(folder).await?;
            if told.lock().expect("nobody panics").first() != Some(&folder) {
                return Err("nobody was told".into());
            }
        }
        Ok(())
    })
}

fn what_takes_a_folders_place_is_shown_by_the_same_rules() -> Outcome {
    play_with_data(Some("data"), async |server, folders, root| {
        let mine = root.join("mine");
        private_folder(&mine, &[("main.py", PRINT), ("text", "mine")])?;
        fs::create_dir(root.join("data"))?;
        fs::create_dir(root.with_file_name("outside"))?;
        let folder = folders.open(&mine.display().to_string()).await?.folder;
        let away = root.join("away");
        fs::rename(&mine, &away)?;
        for (instead, why) in [
            ("data", "belongs to Hearth itself"),
            ("../outside", "is not below one that this server may show"),
        ] {
            symlink(root.join(instead), &mine)?;
            refused(folders.settle(folder).await, why)?;
            fs::remove_file(&mine)?;
        }
        fs::write(&mine, "")?;
        refused(folders.settle(folder).await, "cannot be opened")?;
        fs::remove_file(&mine)?;
        // A link to what may be shown is as good as a directory.
        symlink(&away, &mine)?;
        folders.settle(folder).await?;
        is(&run(server, folder).await?, "mine True\n")
    })
}

/// The folders that changes are told of from now on.
fn told(folders: &FolderClient) -> Arc<Mutex<Vec<FolderIndex>>> {
    let told: Arc<Mutex<Vec<FolderIndex>>> = Arc::default();
    let heard = Arc::clone(&told);
    folders.on_change(move |folder| heard.lock().expect("nobody panics").push(folder));
    told
}

/// It was refused, and in the reason given stands `why`.
fn refused<T: std::fmt::Debug>(result: Result<T, FolderError>, why: &str) -> Outcome {
    match result {
        Err(FolderError::Refused(text)) if text.contains(why) => Ok(()),
        other => Err(format!("{other:?} instead of {why:?}").into()),
    }
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

fn data_directories_of_others_stay_secret() -> Outcome {
    play(async |server, folders, root| {
        let mine = root.join("mine");
        private_folder(&mine, &[("main.py", PRINT), ("text", "private")])?;
        let data = mine.join("deep/any name");
        private_folder(&data, &[])?;
        private_folder(&data.join("keys"), &[("seal.key", "secret")])?;
        for secret in [data.clone(), data.join("keys")] {
            match folders.open(&secret.display().to_string()).await {
                Err(FolderError::Refused(why)) if why.contains("belongs to Hearth itself") => {}
                other => return Err(format!("{}: {other:?}", secret.display()).into()),
            }
        }
        let open = async || folders.open(&mine.display().to_string()).await;
        let is_refused = |answer| match answer {
            Err(FolderError::Refused(why)) if why.contains("holds the data directory") => Ok(()),
            other => Err(Failed::from(format!("{other:?}"))),
        };
        match tier() {
            Tier::Process => return is(&run(server, open().await?.folder).await?, "private True\n"),
            Tier::Rootless => is_refused(open().await)?,
            Tier::Sandbox => {
                is_refused(open().await)?;
                // Another user's that only that user may read is nothing to the functions; one that all may read is.
                chown(&data, Some(OWNER + 1), Some(OWNER + 1))?;
                fs::set_permissions(&data, fs::Permissions::from_mode(0o755))?;
                is_refused(open().await)?;
                fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
                is(&run(server, open().await?.folder).await?, "private True\n")?;
                const TRY: &str = "
try:
    print(open(ROOT + '/var/task/deep/any name/keys/seal.key').read())
except OSError as error:
    print(error.strerror)
";
                save(&mine.join("main.py"), TRY)?;
                return is(&run(server, open().await?.folder).await?, "Permission denied\n");
            }
        }
        // Without it the folder is shown, and no more when it comes back.
        fs::rename(&data, root.join("elsewhere"))?;
        let folder = open().await?.folder;
        is(&run(server, folder).await?, "private True\n")?;
        fs::rename(root.join("elsewhere"), &data)?;
        is_refused(open().await)?;
        match folders.settle(folder).await {
            Err(FolderError::Refused(why)) if why.contains("holds the data directory") => Ok(()),
            other => Err(format!("{other:?}").into()),
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
