use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the identifier as it stands, without surrounding blanks.
            pub fn new(id: impl AsRef<str>) -> Self {
                Self(id.as_ref().trim().to_owned())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Identifies one image inside its release, for example INbreast's eight digits or mini-MIAS' `mdb001`.
    ImageId
}
id! {
    /// Identifies one person inside a release by its pseudonym; splits never separate images that share it.
    PatientId
}
