//! Tables for a terminal.

/// Columns of characters that a table should not exceed, so that it can be read beside something else.
pub(super) const WIDTH: usize = 100;

/// Spaces between columns.
const GAP: usize = 2;

/// A column of a table.
pub(super) struct Column {
    pub(super) title: String,
    pub(super) cells: Vec<String>,
    is_right: bool,
    /// Where the column may not be as wide as its cells.
    limit: usize,
}

impl Column {
    /// Words, which begin at the left.
    pub(super) fn left(title: &str, cells: impl Iterator<Item = String>) -> Self {
        Self {
            title: printable(title),
            cells: cells.map(|cell| printable(&cell)).collect(),
            is_right: false,
            limit: usize::MAX,
        }
    }

    /// Numbers, which end at the right.
    pub(super) fn right(self) -> Self {
        Self { is_right: true, ..self }
    }

    /// Cells that are longer go on in the next line.
    pub(super) fn at_most(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Whether all cells say the same.
    pub(super) fn is_constant(&self) -> bool {
        self.cells.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// Titles wrap at words and cells nowhere, unless the limit says so.
    fn width(&self) -> usize {
        let words = self.title.split(' ').map(chars).max();
        let cells = self.cells.iter().map(|cell| chars(cell)).max();
        words.max(cells).unwrap_or(0).clamp(1, self.limit.max(1))
    }
}

/// The width of a table, without wrapping.
pub(super) fn width_of(column: &Column) -> usize {
    column.width()
}

/// Lines of text, each with its line break: titles, a rule, and the cells. Where there is room up to `width`, titles are given
/// a line of their own.
pub(super) fn render(columns: &[Column], width: usize) -> String {
    let mut widths: Vec<usize> = columns.iter().map(Column::width).collect();
    for (column, at) in columns.iter().zip(0..) {
        let spare = width.saturating_sub(widths.iter().sum::<usize>() + GAP * (columns.len() - 1));
        let wanted = chars(&column.title).min(column.limit).saturating_sub(widths[at]);
        if wanted <= spare {
            widths[at] += wanted;
        }
    }
    let mut out = String::new();
    row(&mut out, columns, &widths, |column| &column.title);
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    out += &(rules.join(&" ".repeat(GAP)) + "\n");
    for at in 0..columns.iter().map(|column| column.cells.len()).max().unwrap_or(0) {
        row(&mut out, columns, &widths, |column| column.cells.get(at).map_or("", String::as_str));
    }
    out
}

fn row<'a>(out: &mut String, columns: &'a [Column], widths: &[usize], cell: impl Fn(&'a Column) -> &'a str) {
    let cells: Vec<Vec<String>> =
        columns.iter().zip(widths).map(|(column, width)| wrap(cell(column), *width)).collect();
    for at in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
        let mut line = String::new();
        for ((column, width), cell) in columns.iter().zip(widths).zip(&cells) {
            let text = cell.get(at).map_or("", String::as_str);
            let pad = " ".repeat(width - chars(text).min(*width));
            line += &if column.is_right { pad + text } else { text.to_owned() + &pad };
            line += &" ".repeat(GAP);
        }
        *out += line.trim_end();
        out.push('\n');
    }
}

/// Lines of at most `width` characters, broken after words and the parts of paths and names where that is possible.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in text.split_inclusive([' ', '/', '_', '-', ',']) {
        let mut rest = piece;
        while !rest.is_empty() {
            let Some(line) = lines.last_mut() else { return lines };
            // A space at the end of a line needs no room.
            if chars(line) + chars(rest.trim_end()) <= width {
                line.push_str(rest);
                break;
            }
            if line.is_empty() {
                let end = rest.char_indices().nth(width.max(1)).map_or(rest.len(), |(end, _)| end);
                line.push_str(&rest[..end]);
                rest = &rest[end..];
                if rest.is_empty() {
                    break;
                }
            }
            lines.push(String::new());
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// Names of folders and settings are other people's words, which must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_at_the_right_and_titles_wrap_where_there_is_no_room() {
        let columns = [
            Column::left("run", ["a", "bb"].map(str::to_owned).into_iter()),
            Column::left("steps done", ["7", "1200"].map(str::to_owned).into_iter()).right(),
        ];
        assert_eq!(render(&columns, 12), "run  steps\n      done\n---  -----\na        7\nbb    1200\n");
        assert_eq!(render(&columns, 100).lines().next(), Some("run  steps done"));
    }

    #[test]
    fn long_cells_break_after_parts_of_names_and_within_them_if_they_must() {
        assert_eq!(wrap("runs/exp1-phantom-seed1", 12), ["runs/exp1-", "phantom-", "seed1"]);
        assert_eq!(wrap("one two", 3), ["one", "two"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("äöüß", 2), ["äö", "üß"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let column = Column::left("a", ["\u{1b}[2J".to_owned()].into_iter());
        assert!(!render(&[column], 100).contains('\u{1b}'));
    }
}
