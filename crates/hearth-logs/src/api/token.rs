//! Tokens of the operations that page through events.

use std::fmt;
use std::str::FromStr;

use hearth_wire::AwsError;

use super::answers::invalid_token;
use crate::event::EventKey;
use crate::page::{Order, Query};

/// A gap between two events and the direction to read on from it: `f/` or `b/` and 56 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Events from this key on.
    Forward(EventKey),
    /// Events before this key.
    Backward(EventKey),
}

impl Token {
    /// Lets a query go on where the token says.
    pub(super) fn narrow(self, query: &mut Query) {
        match self {
            Self::Forward(key) => {
                query.order = Order::Forward;
                query.from = query.from.max(key);
            }
            Self::Backward(key) => {
                query.order = Order::Backward;
                query.to = query.to.min(key);
            }
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward(key) => write!(f, "f/{key}"),
            Self::Backward(key) => write!(f, "b/{key}"),
        }
    }
}

impl FromStr for Token {
    type Err = AwsError;

    fn from_str(text: &str) -> Result<Self, AwsError> {
        let (direction, key) = text.split_once('/').ok_or_else(invalid_token)?;
        let key = key.parse().map_err(|_| invalid_token())?;
        match direction {
            "f" => Ok(Self::Forward(key)),
            "b" => Ok(Self::Backward(key)),
            _ => Err(invalid_token()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_back() {
        let key = EventKey::at(1_767_225_600_007).next();
        for token in [Token::Forward(key), Token::Backward(key)] {
            assert_eq!(token.to_string().parse::<Token>().unwrap(), token);
        }
        for bad in [
            "",
            "f",
            "f/",
            "f/1",
            "x/00000000000000000000000000000000000000000000000000000000",
            "AAAA",
        ] {
            let error = bad.parse::<Token>().unwrap_err();
            assert_eq!(error.code, "InvalidParameterException");
            assert_eq!(error.message, "The specified nextToken is invalid.");
        }
    }
}
