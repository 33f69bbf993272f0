//! Durable state: documents, queues and blobs, with the SQLite implementation.
#![forbid(unsafe_code)]
