//! rest-json: members in path, query, headers and a JSON body.

mod header_list;
mod read;
mod write;

pub(super) use read::read;
pub(super) use write::{write, write_error};
