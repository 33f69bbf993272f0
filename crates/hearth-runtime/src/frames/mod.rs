//! The frame protocol: how the server and the bootstrap inside an environment talk.
//!
//! Both directions of the control socket carry frames: a 16-byte [`Header`] and a payload. The
//! server begins with what an earlier bootstrap of the same interpreter has prepared; the bootstrap,
//! if that was nothing, with what it prepares itself. It says [`Hello`] once it has loaded, the
//! server claims the environment exactly once ([`Claim`]), and from then on sends one invocation
//! after the other ([`Invoke`], the event's chunks, an end). Bodies flow in chunks under credit, so that neither
//! side has to hold more of the other's data than it asked for. A response whose first frame is a
//! `Stream` goes to the client as it comes; it may end in an error after some of it has, or with
//! `End`, after which the function may run on until it is `Done`.
//!
//! What an environment sends is written by untrusted code. [`FrameBuffer`] and [`Message::decode`]
//! refuse everything that is not exactly the protocol; the environment is then closed.

mod body;
mod buffer;
mod frame;
mod from_environment;
mod to_environment;

pub use body::{BodyError, CreditWindow, IncomingBody, OutgoingBody};
pub use buffer::FrameBuffer;
pub use frame::{Frame, FrameError, HEADER_BYTES, Header, Kind, MAX_PAYLOAD};
pub use from_environment::{Hello, Message, MessageError, RuntimeError};
pub use to_environment::{Claim, CognitoIdentity, Invoke};

/// What a peer may send of a body before the receiver has granted anything, in bytes.
pub const INITIAL_CREDIT: u32 = 1024 * 1024;
