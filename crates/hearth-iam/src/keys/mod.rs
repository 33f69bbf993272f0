//! Access keys: what a client signs its requests with.

mod access_key;

pub use access_key::AccessKey;
