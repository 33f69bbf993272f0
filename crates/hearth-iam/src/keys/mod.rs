//! Access keys: what a client signs its requests with.

mod access_key;
pub mod profile;
mod record;
mod ring;
mod root;

pub use access_key::AccessKey;
pub(crate) use access_key::identifier;
pub use record::KeyError;
pub use ring::KeyRing;
pub use root::{RootKey, ensure_root};
