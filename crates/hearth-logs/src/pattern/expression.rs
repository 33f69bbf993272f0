//! Conditions joined by `&&` and `||`. `&&` binds closer; parentheses bind closest.

use super::InvalidPattern;
use super::cursor::Cursor;

/// How deep parentheses may stand in each other.
const MAX_DEPTH: usize = 50;

/// A condition, or several joined.
#[derive(Clone, Debug)]
pub(super) enum Expression<C> {
    Condition(C),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl<C> Expression<C> {
    /// Reads an expression; `condition` reads one condition.
    pub(super) fn parse(
        cursor: &mut Cursor<'_>,
        condition: &mut dyn FnMut(&mut Cursor<'_>) -> Result<C, InvalidPattern>,
    ) -> Result<Self, InvalidPattern> {
        Self::any(cursor, condition, MAX_DEPTH)
    }

    pub(super) fn holds(&self, condition: &impl Fn(&C) -> bool) -> bool {
        match self {
            Self::Condition(one) => condition(one),
            Self::All(parts) => parts.iter().all(|part| part.holds(condition)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(condition)),
        }
    }

    fn any(
        cursor: &mut Cursor<'_>,
        condition: &mut dyn FnMut(&mut Cursor<'_>) -> Result<C, InvalidPattern>,
        depth: usize,
    ) -> Result<Self, InvalidPattern> {
        let mut parts = vec![Self::all(cursor, condition, depth)?];
        while cursor.eat_token("||") {
            parts.push(Self::all(cursor, condition, depth)?);
        }
        Ok(Self::Any(parts))
    }

    fn all(
        cursor: &mut Cursor<'_>,
        condition: &mut dyn FnMut(&mut Cursor<'_>) -> Result<C, InvalidPattern>,
        depth: usize,
    ) -> Result<Self, InvalidPattern> {
        let mut parts = vec![Self::one(cursor, condition, depth)?];
        while cursor.eat_token("&&") {
            parts.push(Self::one(cursor, condition, depth)?);
        }
        Ok(Self::All(parts))
    }

    fn one(
        cursor: &mut Cursor<'_>,
        condition: &mut dyn FnMut(&mut Cursor<'_>) -> Result<C, InvalidPattern>,
        depth: usize,
    ) -> Result<Self, InvalidPattern> {
        if !cursor.eat_token("(") {
            return Ok(Self::Condition(condition(cursor)?));
        }
        let deeper = depth
            .checked_sub(1)
            .ok_or_else(|| InvalidPattern::new("its parentheses stand too deep in each other"))?;
        let inner = Self::any(cursor, condition, deeper)?;
        cursor.expect(")")?;
        Ok(inner)
    }
}
