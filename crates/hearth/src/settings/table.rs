//! The table of settings: one row each.

use super::Settings;
use super::value::Value;

/// The key of the setting that chooses the tier.
pub(crate) const ISOLATION: &str = "isolation";

/// Which processes a setting concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Server,
    Functions,
    Isolation,
    Logs,
    Metering,
    Client,
}

impl Group {
    /// In the order they are explained in.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 6] = [
        Self::Server,
        Self::Functions,
        Self::Isolation,
        Self::Logs,
        Self::Metering,
        Self::Client,
    ];

    /// The heading above its settings.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Functions => "Functions",
            Self::Isolation => "Isolation",
            Self::Logs => "Logs of functions",
            Self::Metering => "What functions use",
            Self::Client => "Commands that talk to a server",
        }
    }
}

/// One setting.
pub(crate) struct Setting {
    /// Its name in `hearth.toml`; `--<key>` as a flag.
    pub(crate) key: &'static str,
    pub(crate) group: Group,
    /// What it does, one sentence or two.
    pub(crate) help: &'static str,
    field: Box<dyn Field>,
}

impl Setting {
    /// Its name as a variable, `HEARTH_<KEY>`.
    pub(crate) fn variable(&self) -> String {
        format!("HEARTH_{}", self.key.replace('-', "_").to_uppercase())
    }

    /// What stands for its value in help texts.
    pub(crate) fn placeholder(&self) -> &'static str {
        self.field.placeholder()
    }

    /// What may be written.
    pub(crate) fn accepts(&self) -> &'static str {
        self.field.accepts()
    }

    /// All that may be written, where that is a choice of words.
    pub(crate) fn words(&self) -> &'static [&'static str] {
        self.field.words()
    }

    /// Reads `text` into `settings`; false if the text is not accepted.
    pub(crate) fn set(&self, settings: &mut Settings, text: &str) -> bool {
        self.field.set(settings, text)
    }

    /// Its default as it would be written; empty where there is none.
    pub(crate) fn default(&self) -> String {
        self.field.show(&mut Settings::default())
    }
}

/// Access to one field of [`Settings`], whatever its type.
trait Field: Send + Sync {
    fn placeholder(&self) -> &'static str;
    fn accepts(&self) -> &'static str;
    fn words(&self) -> &'static [&'static str];
    fn set(&self, settings: &mut Settings, text: &str) -> bool;
    fn show(&self, settings: &mut Settings) -> String;
}

impl<V: Value + 'static> Field for fn(&mut Settings) -> &mut V {
    fn placeholder(&self) -> &'static str {
        V::PLACEHOLDER
    }

    fn accepts(&self) -> &'static str {
        V::ACCEPTS
    }

    fn words(&self) -> &'static [&'static str] {
        V::WORDS
    }

    fn set(&self, settings: &mut Settings, text: &str) -> bool {
        match V::read(text) {
            Some(value) => {
                *self(settings) = value;
                true
            }
            None => false,
        }
    }

    fn show(&self, settings: &mut Settings) -> String {
        self(settings).show()
    }
}

fn setting<V: Value + 'static>(
    group: Group,
    key: &'static str,
    field: fn(&mut Settings) -> &mut V,
    help: &'static str,
) -> Setting {
    Setting {
        key,
        group,
        help,
        field: Box::new(field),
    }
}

/// Every setting, in the order of the documentation.
pub(crate) fn table() -> Vec<Setting> {
    [server(), functions(), isolation(), logs(), metering(), client()]
        .into_iter()
        .flatten()
        .collect()
}

fn server() -> Vec<Setting> {
    use Group::Server;
    vec![
        setting(
            Server,
            "listen",
            |s| &mut s.listen,
            "Where to listen; several are separated by commas. Port 0 takes a free one. `dev` listens on \
             loopback only.",
        ),
        setting(
            Server,
            "data-dir",
            |s| &mut s.data_dir,
            "Where functions, queues and logs are kept. Without it `serve` uses /var/lib/hearth, and `dev` a directory \
             of this folder's own below ~/.local/state/hearth ($XDG_STATE_HOME/hearth), or .hearth here if that is \
             there or the user has no home.",
        ),
        setting(
            Server,
            "ephemeral",
            |s| &mut s.ephemeral,
            "`dev` only: keep everything in a temporary directory that is removed at the end.",
        ),
        setting(
            Server,
            "grace-period",
            |s| &mut s.grace_period,
            "How long running invocations may take to finish after SIGTERM.",
        ),
        setting(
            Server,
            "log-level",
            |s| &mut s.log_level,
            "The least important messages that the server's own log (standard error) shows.",
        ),
    ]
}

fn functions() -> Vec<Setting> {
    use Group::Functions;
    vec![
        setting(
            Functions,
            "keep-alive",
            |s| &mut s.keep_alive,
            "How long an idle execution environment is kept for the next invocation.",
        ),
        setting(
            Functions,
            "ready-environments",
            |s| &mut s.ready_environments,
            "Interpreters kept started ahead per runtime and memory size of the deployed functions, at least; more for a while where more were needed at once. 0 keeps none.",
        ),
        setting(
            Functions,
            "account-concurrency",
            |s| &mut s.account_concurrency,
            "Invocations of one account and region that may run at the same time.",
        ),
        setting(
            Functions,
            "memory-reserve",
            |s| &mut s.memory_reserve,
            "Memory of the machine that stays free: new environments wait below it.",
        ),
        setting(
            Functions,
            "retry-delays",
            |s| &mut s.retry_delays,
            "How long an asynchronous event waits before its first and second retry.",
        ),
        setting(
            Functions,
            "stream-size",
            |s| &mut s.stream_size,
            "Largest response that is streamed.",
        ),
        setting(
            Functions,
            "stream-rate",
            |s| &mut s.stream_rate,
            "How much of a streamed response flows per second after its first 6 MiB, 2MiB on AWS; without it, as fast as the client reads.",
        ),
        setting(
            Functions,
            "runtimes",
            |s| &mut s.runtimes,
            "Interpreters that are not found by themselves; a table in hearth.toml, elsewhere separated by commas.",
        ),
        setting(
            Functions,
            "dns-servers",
            |s| &mut s.dns_servers,
            "Name servers that are asked for what functions look up; several are separated by commas. Without any, \
             those of the host's /etc/resolv.conf.",
        ),
    ]
}

fn isolation() -> Vec<Setting> {
    use Group::Isolation;
    vec![
        setting(
            Isolation,
            ISOLATION,
            |s| &mut s.isolation,
            "How functions are isolated: sandbox needs root, rootless an ordinary user who may make user \
             namespaces; auto is sandbox for root and rootless for others. With process, which `hearth dev` alone \
             accepts, they are not isolated at all: they run as you. Only the flag and the variable can say \
             process, a file cannot.",
        ),
        setting(
            Isolation,
            "cpu-policy",
            |s| &mut s.cpu_policy,
            "Whether a function's share of the CPU, which follows its memory, counts only when the CPU is \
             scarce (weight) or always (quota).",
        ),
        setting(
            Isolation,
            "base-dir",
            |s| &mut s.base_dir,
            "The root file system that functions see read-only; without it the machine's own.",
        ),
        setting(
            Isolation,
            "uid-range",
            |s| &mut s.uid_range,
            "User ids for execution environments, one each; nothing else on the machine may use them.",
        ),
        setting(
            Isolation,
            "server-uid",
            |s| &mut s.server_uid,
            "The user id the server runs with, outside uid-range; it owns the data directory.",
        ),
    ]
}

fn logs() -> Vec<Setting> {
    use Group::Logs;
    vec![
        setting(
            Logs,
            "log-retention",
            |s| &mut s.log_retention,
            "How long log events are kept.",
        ),
        setting(
            Logs,
            "log-size",
            |s| &mut s.log_size,
            "How much disk the logs of all functions may take; the oldest of the largest log go first.",
        ),
        setting(
            Logs,
            "log-group-size",
            |s| &mut s.log_group_size,
            "How much of it the log of one function may take; its oldest events go first.",
        ),
    ]
}

fn metering() -> Vec<Setting> {
    use Group::Metering;
    vec![
        setting(
            Metering,
            "metrics",
            |s| &mut s.metrics,
            "Who may read `/metrics`, which names functions: nobody, everybody who reaches the port, or who sends this \
             token as a bearer's or as a password. Unset, everybody in `dev` and nobody in `serve`.",
        ),
        setting(
            Metering,
            "metering-size",
            |s| &mut s.metering_size,
            "How much disk the counts of all functions may take; what is oldest goes first, minutes before hours.",
        ),
        setting(
            Metering,
            "price-gb-second",
            |s| &mut s.price_gb_second,
            "What `hearth usage` reckons for a GB of memory in a second, in any currency. The default is AWS's for \
             x86 in us-east-1.",
        ),
        setting(
            Metering,
            "price-request",
            |s| &mut s.price_request,
            "What it reckons for an invocation.",
        ),
    ]
}

fn client() -> Vec<Setting> {
    use Group::Client;
    vec![
        setting(Client, "endpoint", |s| &mut s.endpoint, "The server's URL."),
        setting(
            Client,
            "region",
            |s| &mut s.region,
            "The region that requests are signed for.",
        ),
        setting(
            Client,
            "profile-file",
            |s| &mut s.profile_file,
            "An AWS credentials file, such as `serve` writes, to sign with. Without it AWS_ACCESS_KEY_ID and \
             its companions count, then the profile that `serve` wrote, then keys that `dev` accepts.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_setting_has_its_row() {
        let fields = serde_json::to_value(Settings::default()).unwrap();
        let fields: BTreeSet<_> = fields.as_object().unwrap().keys().cloned().collect();
        let rows: BTreeSet<_> = table().iter().map(|setting| setting.key.to_owned()).collect();
        assert_eq!(fields, rows);
    }

    #[test]
    fn every_default_can_be_written() {
        for setting in table().iter().filter(|setting| !setting.default().is_empty()) {
            let mut settings = Settings::default();
            assert!(setting.set(&mut settings, &setting.default()), "{}", setting.key);
            assert_eq!(settings, Settings::default(), "{}", setting.key);
        }
    }

    /// Fails when the page is not what the table says; `UPDATE_DOCS=1` writes it.
    #[test]
    fn the_documentation_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md");
        let page = documentation();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == page,
            "write docs/settings.md anew: UPDATE_DOCS=1 cargo test -p hearth settings"
        );
    }

    fn documentation() -> String {
        let mut page = include_str!("intro.md").to_owned();
        for group in Group::ALL {
            write!(
                page,
                "\n## {}\n\n| Setting | Default | Written as | What it does |\n|---|---|---|---|\n",
                group.heading()
            )
            .unwrap();
            for setting in table().iter().filter(|setting| setting.group == group) {
                let default = setting.default();
                let default = if default.is_empty() {
                    "–".to_owned()
                } else {
                    format!("`{default}`")
                };
                let (key, accepts, help) = (setting.key, setting.accepts(), setting.help);
                writeln!(page, "| `{key}` | {default} | {accepts} | {help} |").unwrap();
            }
        }
        page
    }
}
