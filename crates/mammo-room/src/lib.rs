//! The reading room: a reader study that people complete in a browser, served from one program without a network beyond
//! the reader's own machine or hospital.
//!
//! A study is a folder. [`draw`] chooses the images from a [`Plan`], [`StudyFolder::create`] writes pictures under
//! random names and seals the truth in a file of its own; [`store::add_account`] gives a reader an order of reading and a
//! code; [`server::Bound`] serves the room without ever opening the truth; [`export::join`] brings answers and truth
//! together afterwards. Every answer is one transaction with its entry in an append-only log whose entries hold the
//! digest of the one before ([`store::verify`]).
//!
//! ```
//! use mammo_core::{ImageId, Label, PatientId, Plane, Seed};
//! use mammo_reader::SourceImage;
//! use mammo_room::{Plan, Source, StudyFolder, draw, reading_order, store};
//!
//! let sources: Vec<Source> = (0..8)
//!     .map(|i| Source {
//!         image: SourceImage {
//!             id: ImageId::new(format!("{i}")),
//!             patient: PatientId::new(format!("p{i}")),
//!             label: if i % 2 == 0 { Label::Healthy } else { Label::Cancer },
//!         },
//!         original: Plane::filled(16, 16, 0.5),
//!         modified: [("late".to_owned(), Plane::filled(16, 16, 0.6))].into(),
//!     })
//!     .collect();
//! let plan = Plan::from_toml("title = 'Pilot'\nminimum_gap = 2\n[[part]]\npairs = 4\nmodified_only = 2\noriginal_only = 2")?;
//! let truth = draw(&plan, &sources, Seed(1))?;
//! # let dir = tempfile::tempdir()?;
//! let folder = StudyFolder::create(&dir.path().join("study"), &truth, &sources, "mammo 0.1.0")?;
//!
//! let mut db = store::open(&folder.database())?;
//! let order = reading_order(&truth, "ann")?;
//! let code = store::add_account(&mut db, "ann", store::Role::Reader, false, None, &order)?;
//! assert_eq!(code.len(), 19);
//! assert_eq!(store::verify(&db, &folder.database())?.entries, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod plan;

mod draw;
mod order;
mod study;

mod answer;
pub mod store;

pub mod server;

pub mod client;

pub mod export;

pub use answer::{Category, GivenAnswer, Place, RoomQuestion, View};
pub use draw::{SealedCase, Source, Truth, draw};
pub use error::RoomError;
pub use order::{Item, ItemKind, reading_order};
pub use plan::{Part, Plan};
pub use study::{Feedback, OpenStudy, STUDY_IMAGE, StudyFolder};
