/// Text as it may stand between tags and inside quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// Text as paragraphs; an empty line separates two.
pub(crate) fn paragraphs(text: &str) -> String {
    text.split("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty())
        .map(|paragraph| format!("<p>{}</p>\n", escape(paragraph)))
        .collect::<Vec<_>>()
        .concat()
}

/// A list; empty without items.
pub(crate) fn list(items: &[String], class: &str) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items = items.iter().map(|item| format!("<li>{}</li>\n", escape(item))).collect::<Vec<_>>().concat();
    format!("<ul class=\"{class}\">\n{items}</ul>\n")
}

/// A name that is safe as an anchor: letters, digits and hyphens.
pub(crate) fn anchor(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

/// The tag on results that no person produced, or nothing.
pub(crate) fn simulated_tag(simulated: bool) -> &'static str {
    if simulated { "<span class=\"tag\">SIMULATED</span> " } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_can_open_a_tag_or_close_an_attribute() {
        let escaped = escape("<script>alert('x' & \"y\")</script>");
        assert!(!escaped.contains(['<', '>', '"', '\'']));
        assert_eq!(escape("a & b"), "a &amp; b");
    }

    #[test]
    fn empty_lines_separate_paragraphs() {
        assert_eq!(paragraphs("one\ntwo\n\nthree\n\n"), "<p>one\ntwo</p>\n<p>three</p>\n");
        assert_eq!(paragraphs(""), "");
    }

    #[test]
    fn anchors_are_plain() {
        assert_eq!(anchor("Reader study: A/B"), "reader-study--a-b");
    }
}
