//! An operation as a type: what ties its name, its table and its structures together.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::OperationModel;

/// An implemented operation. The generated markers, such as
/// [`lambda::operations::CreateFunction`](crate::lambda::operations::CreateFunction), implement it.
pub trait Operation: 'static {
    /// The structure of the request; `()` where the model has none.
    type Input: DeserializeOwned + Send;
    /// The structure of the answer; `()` where the model has none.
    type Output: Serialize + Send;
    /// The operation's name.
    const NAME: &'static str;

    /// The operation's table.
    fn model() -> &'static OperationModel;
}

/// Declares the marker type of an operation.
macro_rules! operation {
    ($name:ident: $input:ty => $output:ty, $model:expr) => {
        pub struct $name;

        impl crate::Operation for $name {
            type Input = $input;
            type Output = $output;
            const NAME: &'static str = stringify!($name);

            fn model() -> &'static OperationModel {
                $model
            }
        }
    };
}
pub(crate) use operation;
