use crate::{LinePlot, PictureRow, RocPlot};

/// A whole page. Every text is plain text; markup in it is shown, not obeyed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The heading.
    pub title: String,
    /// One sentence under the heading; may be empty.
    pub subtitle: String,
    /// The software with its version.
    pub made_by: String,
    /// Whether any rating on the page comes from simulated readers; then a banner says so.
    pub simulated_readers: bool,
    /// The findings, one sentence each, for who reads no further.
    pub summary: Vec<String>,
    /// What identifies the run: name and value.
    pub facts: Vec<(String, String)>,
    /// The body.
    pub sections: Vec<Section>,
    /// What the run cannot show, one sentence each.
    pub limits: Vec<String>,
    /// Sources.
    pub references: Vec<Reference>,
}

impl Report {
    /// A page with its heading and nothing else.
    pub fn new(title: impl Into<String>, made_by: impl Into<String>) -> Self {
        Self { title: title.into(), made_by: made_by.into(), ..Self::default() }
    }
}

/// A source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    /// The citation.
    pub text: String,
    /// Its address, shown as text so that the page loads nothing; may be empty.
    pub address: String,
}

/// A part of the page with its own heading.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Section {
    /// The anchor, for links: letters, digits and hyphens.
    pub id: String,
    /// The heading.
    pub title: String,
    /// What the section shows and how to read it; an empty line starts a new paragraph.
    pub intro: String,
    /// The content in order.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section with its heading and nothing else.
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self { id: id.into(), title: title.into(), ..Self::default() }
    }

    /// The same section with this introduction.
    #[must_use]
    pub fn intro(mut self, text: impl Into<String>) -> Self {
        self.intro = text.into();
        self
    }

    /// The same section with one more block.
    #[must_use]
    pub fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A heading below that of the section.
    Heading(String),
    /// Running text; an empty line starts a new paragraph.
    Text(String),
    /// A remark that must not be overlooked.
    Note(String),
    /// Text whose lines and blanks stay as they are, such as the output of a command.
    Verbatim(String),
    /// Sentences as a list.
    List(Vec<String>),
    /// A table.
    Table(Table),
    /// Plots, side by side where the page is wide enough.
    Plots(Vec<Plot>),
    /// A row of pictures.
    Pictures(PictureRow),
}

/// A plot of either kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Plot {
    /// Values against values.
    Line(LinePlot),
    /// Sensitivity against one minus specificity.
    Roc(RocPlot),
}

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table. Rows shorter than the header are filled with empty cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// What the table shows.
    pub caption: String,
    /// Headings above the column headings, each with the number of columns that it spans, from the first column; an
    /// empty heading leaves its columns free. May be empty.
    pub groups: Vec<(String, usize)>,
    /// Column headings.
    pub header: Vec<String>,
    /// How the columns are set; missing ones are right-aligned.
    pub align: Vec<Align>,
    /// Cells, row by row. The first cell names its row.
    pub rows: Vec<Vec<String>>,
    /// Remarks under the table.
    pub footnotes: Vec<String>,
    /// Whether the numbers come from simulated readers; then the table carries a tag.
    pub simulated: bool,
}

impl Table {
    /// A table without rows, its first column left-aligned and all others right-aligned.
    pub fn new<T: Into<String>>(caption: impl Into<String>, header: impl IntoIterator<Item = T>) -> Self {
        Self {
            caption: caption.into(),
            header: header.into_iter().map(Into::into).collect(),
            align: vec![Align::Left],
            ..Self::default()
        }
    }

    /// Adds a row.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}
