//! AWS wire protocols: generated shapes, validation, routing and the HTTP server.
#![forbid(unsafe_code)]
