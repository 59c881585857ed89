use crate::mrmc::MrmcError;

/// Why a file does not hold a study: where, what, and what to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatError {
    /// The file.
    pub file: String,
    /// Line, or row of a sheet, counted from 1.
    pub line: Option<usize>,
    /// What is wrong, with the value.
    pub problem: String,
    /// What to change.
    pub remedy: String,
}

impl std::fmt::Display for FormatError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}; {}", self.problem, self.remedy)
    }
}

impl std::error::Error for FormatError {}

impl FormatError {
    pub(super) fn at(file: &str, line: usize, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        let line = (line > 0).then_some(line);
        Self { file: file.to_owned(), line, problem: problem.into(), remedy: remedy.into() }
    }

    pub(super) fn unreadable(file: &str, error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::InvalidData {
            return Self::at(file, 0, "the file is not UTF-8 text", "save it as such, or name its format");
        }
        Self::at(file, 0, error.to_string(), "check the path and its permissions")
    }

    /// An error of the study that a row caused; the message holds its own remedy.
    pub(super) fn study(file: &str, line: usize, error: &MrmcError) -> Self {
        let text = error.to_string();
        let (problem, remedy) =
            text.split_once("; ").map_or((text.as_str(), "correct the row"), |parts| parts);
        Self::at(file, line, problem, remedy)
    }
}
