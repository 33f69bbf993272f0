//! Shapes: the types of a service and the constraints on their values.

use super::Pattern;

/// A type of a service's model.
#[derive(Debug)]
pub struct Shape {
    /// The name in the model.
    pub name: &'static str,
    /// What it is made of.
    pub kind: Kind,
    /// The least value of a number, or the least length of anything that has one.
    pub min: Option<f64>,
    /// The greatest value or length.
    pub max: Option<f64>,
    /// What the whole of a text must match.
    pub pattern: Option<&'static Pattern>,
    /// The values a text may have; empty for any.
    pub values: &'static [&'static str],
    /// Whether values must not be shown.
    pub sensitive: bool,
    /// How times of this type are written, where the protocol's way is not used.
    pub time_format: Option<TimeFormat>,
}

/// What a shape is made of.
#[derive(Debug)]
pub enum Kind {
    /// Named members.
    Structure {
        /// The members in the model's order.
        members: &'static [Member],
        /// The member that is the whole HTTP body.
        payload: Option<&'static str>,
    },
    /// A sequence of one shape.
    List(&'static Shape),
    /// Text keys and values.
    Map(&'static Shape, &'static Shape),
    /// Text.
    String,
    /// A 32-bit number.
    Integer,
    /// A 64-bit number.
    Long,
    /// A floating-point number.
    Double,
    /// `true` or `false`.
    Boolean,
    /// Bytes.
    Blob,
    /// A point in time.
    Timestamp,
}

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// `2026-01-01T00:00:00Z`
    Iso8601,
    /// `Thu, 01 Jan 2026 00:00:00 GMT`
    HttpDate,
    /// Seconds since the Unix epoch, with a fraction.
    UnixSeconds,
}

/// A text without constraints: members whose constraints the service checks by itself.
pub static UNCHECKED: Shape = Shape::string("String");

impl Shape {
    const fn of(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            min: None,
            max: None,
            pattern: None,
            values: &[],
            sensitive: false,
            time_format: None,
        }
    }

    /// A structure with these members.
    pub const fn structure(name: &'static str, members: &'static [Member]) -> Self {
        Self::of(
            name,
            Kind::Structure {
                members,
                payload: None,
            },
        )
    }

    /// A list of one shape.
    pub const fn list(name: &'static str, item: &'static Shape) -> Self {
        Self::of(name, Kind::List(item))
    }

    /// A map.
    pub const fn map(name: &'static str, key: &'static Shape, value: &'static Shape) -> Self {
        Self::of(name, Kind::Map(key, value))
    }

    /// A text.
    pub const fn string(name: &'static str) -> Self {
        Self::of(name, Kind::String)
    }

    /// A 32-bit number.
    pub const fn integer(name: &'static str) -> Self {
        Self::of(name, Kind::Integer)
    }

    /// A 64-bit number.
    pub const fn long(name: &'static str) -> Self {
        Self::of(name, Kind::Long)
    }

    /// A floating-point number.
    pub const fn double(name: &'static str) -> Self {
        Self::of(name, Kind::Double)
    }

    /// `true` or `false`.
    pub const fn boolean(name: &'static str) -> Self {
        Self::of(name, Kind::Boolean)
    }

    /// Bytes.
    pub const fn blob(name: &'static str) -> Self {
        Self::of(name, Kind::Blob)
    }

    /// A point in time.
    pub const fn timestamp(name: &'static str) -> Self {
        Self::of(name, Kind::Timestamp)
    }

    /// The same with a least value or length.
    pub const fn min(mut self, min: f64) -> Self {
        self.min = Some(min);
        self
    }

    /// The same with a greatest value or length.
    pub const fn max(mut self, max: f64) -> Self {
        self.max = Some(max);
        self
    }

    /// The same with a pattern.
    pub const fn pattern(mut self, pattern: &'static Pattern) -> Self {
        self.pattern = Some(pattern);
        self
    }

    /// The same with the only values it may have.
    pub const fn one_of(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }

    /// The same with values that must not be shown.
    pub const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// The same with a way to write times.
    pub const fn time_format(mut self, format: TimeFormat) -> Self {
        self.time_format = Some(format);
        self
    }

    /// The same structure with a member that is the whole HTTP body.
    pub const fn payload(mut self, member: &'static str) -> Self {
        if let Kind::Structure { members, .. } = self.kind {
            self.kind = Kind::Structure {
                members,
                payload: Some(member),
            };
        }
        self
    }

    /// The members of a structure; none for other shapes.
    pub fn members(&self) -> &'static [Member] {
        match self.kind {
            Kind::Structure { members, .. } => members,
            _ => &[],
        }
    }

    /// The member that is the whole HTTP body.
    pub fn payload_member(&self) -> Option<&'static Member> {
        let Kind::Structure {
            members,
            payload: Some(payload),
        } = self.kind
        else {
            return None;
        };
        members.iter().find(|member| member.name == payload)
    }
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// The name in the model.
    pub name: &'static str,
    /// The key in JSON and forms, and in the tree between the wire and the Rust structure.
    pub key: &'static str,
    /// Its type.
    pub shape: &'static Shape,
    /// Whether a request must have it.
    pub required: bool,
    /// Where in the HTTP message it travels.
    pub location: Location,
    /// How its times are written, where neither its shape nor the protocol decides.
    pub time_format: Option<TimeFormat>,
}

/// Where in an HTTP message a member travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// In the body.
    Body,
    /// In the path, as the label of this name.
    Label(&'static str),
    /// In the query, under this name.
    Query(&'static str),
    /// In the header of this name.
    Header(&'static str),
    /// In all headers that begin with this prefix.
    Headers(&'static str),
    /// As the status of the answer.
    StatusCode,
}

impl Member {
    /// A member of the body.
    pub const fn new(name: &'static str, shape: &'static Shape) -> Self {
        Self {
            name,
            key: name,
            shape,
            required: false,
            location: Location::Body,
            time_format: None,
        }
    }

    /// The same under another key.
    pub const fn key(mut self, key: &'static str) -> Self {
        self.key = key;
        self
    }

    /// The same as a label of the path.
    pub const fn label(mut self, name: &'static str) -> Self {
        self.location = Location::Label(name);
        self
    }

    /// The same as a parameter of the query.
    pub const fn query(mut self, name: &'static str) -> Self {
        self.location = Location::Query(name);
        self
    }

    /// The same as a header.
    pub const fn header(mut self, name: &'static str) -> Self {
        self.location = Location::Header(name);
        self
    }

    /// The same as all headers with a prefix.
    pub const fn headers(mut self, prefix: &'static str) -> Self {
        self.location = Location::Headers(prefix);
        self
    }

    /// The same as the status of the answer.
    pub const fn status_code(mut self) -> Self {
        self.location = Location::StatusCode;
        self
    }

    /// The same with a way to write times.
    pub const fn time_format(mut self, format: TimeFormat) -> Self {
        self.time_format = Some(format);
        self
    }

    /// The same, required.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}
