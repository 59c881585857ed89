use crate::{
    Align, Block, Plot, Report, ReportError, Section, Table,
    html::{anchor, escape, list, paragraphs, simulated_tag},
};
use std::{fmt::Write, path::Path};

const STYLE: &str = include_str!("style.css");
/// What every page says first and last.
const NOTICE: &str = "Research on tampering with mammograms and its detection. Every picture on this page was put together by \
                      software and is marked as synthetic. Not for diagnosis.";
const SIMULATED: &str = "The ratings on this page were made by a computer model, not by radiologists. They show that \
                         the analysis works; they say nothing about how well people would do.";

/// The page as HTML: one file, no scripts, nothing loaded from elsewhere. The same report gives the same text.
pub fn render(report: &Report) -> String {
    let mut html = String::new();
    let _ = write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <div class=\"banner\" role=\"note\">{NOTICE}</div>\n",
        escape(&report.title)
    );
    html.push_str("<main>\n");
    header(&mut html, report);
    for section in &report.sections {
        section_html(&mut html, section);
    }
    if !report.limits.is_empty() {
        let _ = write!(
            html,
            "<section id=\"limits\">\n<h2>Limits</h2>\n{}</section>\n",
            list(&report.limits, "plain")
        );
    }
    references(&mut html, report);
    let _ = write!(
        html,
        "</main>\n<footer>\n<p>{NOTICE}</p>\n<p>{}</p>\n</footer>\n</body>\n</html>\n",
        escape(&report.made_by)
    );
    html
}

/// Writes the page.
///
/// # Errors
/// [`ReportError::File`] when the folder is missing or not writable.
pub fn write(path: &Path, report: &Report) -> Result<(), ReportError> {
    Ok(mammo_files::write(path, render(report).as_bytes())?)
}

fn header(html: &mut String, report: &Report) {
    let _ = write!(html, "<header>\n<h1>{}</h1>\n", escape(&report.title));
    if !report.subtitle.is_empty() {
        let _ = writeln!(html, "<p class=\"subtitle\">{}</p>", escape(&report.subtitle));
    }
    html.push_str("</header>\n");
    if report.simulated_readers {
        let _ = writeln!(
            html,
            "<div class=\"simulated\" role=\"note\"><strong>SIMULATED READERS</strong><span>{SIMULATED}</span></div>"
        );
    }
    if !report.summary.is_empty() {
        let _ = write!(
            html,
            "<section class=\"findings\" id=\"findings\">\n<h2>Findings</h2>\n{}</section>\n",
            list(&report.summary, "plain")
        );
    }
    if report.sections.len() > 2 {
        let links = report
            .sections
            .iter()
            .map(|s| format!("<li><a href=\"#{}\">{}</a></li>\n", anchor(&s.id), escape(&s.title)))
            .collect::<Vec<_>>()
            .concat();
        let _ = write!(html, "<nav aria-label=\"Contents\">\n<ol>\n{links}</ol>\n</nav>\n");
    }
    if !report.facts.is_empty() {
        let facts = report
            .facts
            .iter()
            .map(|(name, value)| format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(value)))
            .collect::<Vec<_>>()
            .concat();
        let _ = write!(html, "<dl class=\"facts\">\n{facts}</dl>\n");
    }
}

fn section_html(html: &mut String, section: &Section) {
    let _ = write!(
        html,
        "<section id=\"{}\">\n<h2>{}</h2>\n{}",
        anchor(&section.id),
        escape(&section.title),
        paragraphs(&section.intro)
    );
    for block in &section.blocks {
        match block {
            Block::Heading(text) => {
                let _ = writeln!(html, "<h3>{}</h3>", escape(text));
            }
            Block::Text(text) => html.push_str(&paragraphs(text)),
            Block::Note(text) => {
                let _ = writeln!(html, "<div class=\"note\" role=\"note\">{}</div>", paragraphs(text));
            }
            Block::Verbatim(text) => {
                let _ = writeln!(html, "<pre>{}</pre>", escape(text));
            }
            Block::List(items) => html.push_str(&list(items, "plain")),
            Block::Table(table) => table_html(html, table),
            Block::Plots(plots) => {
                html.push_str("<div class=\"plots\">\n");
                for plot in plots {
                    html.push_str(&match plot {
                        Plot::Line(plot) => plot.html(),
                        Plot::Roc(plot) => plot.html(),
                    });
                }
                html.push_str("</div>\n");
            }
            Block::Pictures(row) => html.push_str(&row.html()),
        }
    }
    html.push_str("</section>\n");
}

fn table_html(html: &mut String, table: &Table) {
    let class = |column: usize| match table.align.get(column) {
        Some(Align::Left) => " class=\"left\"",
        _ => "",
    };
    let _ = write!(
        html,
        "<div class=\"table\">\n<table>\n<caption>{}{}</caption>\n<thead>\n",
        simulated_tag(table.simulated),
        escape(&table.caption)
    );
    if !table.groups.is_empty() {
        html.push_str("<tr class=\"groups\">");
        for (name, columns) in &table.groups {
            let _ = if name.is_empty() {
                write!(html, "<td colspan=\"{}\"></td>", columns.max(&1))
            } else {
                write!(
                    html,
                    "<th scope=\"colgroup\" colspan=\"{}\"><span>{}</span></th>",
                    columns.max(&1),
                    escape(name)
                )
            };
        }
        html.push_str("</tr>\n");
    }
    html.push_str("<tr>");
    for (i, cell) in table.header.iter().enumerate() {
        let _ = write!(html, "<th scope=\"col\"{}>{}</th>", class(i), escape(cell));
    }
    html.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in &table.rows {
        html.push_str("<tr>");
        for i in 0..table.header.len().max(row.len()) {
            let cell = escape(row.get(i).map_or("", String::as_str));
            let _ = if i == 0 {
                write!(html, "<th scope=\"row\"{}>{cell}</th>", class(i))
            } else {
                write!(html, "<td{}>{cell}</td>", class(i))
            };
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n");
    for footnote in &table.footnotes {
        let _ = writeln!(html, "<p class=\"footnote\">{}</p>", escape(footnote));
    }
    html.push_str("</div>\n");
}

fn references(html: &mut String, report: &Report) {
    if report.references.is_empty() {
        return;
    }
    html.push_str("<section id=\"references\">\n<h2>References</h2>\n<ol class=\"references\">\n");
    for reference in &report.references {
        let _ = write!(html, "<li>{}", escape(&reference.text));
        if !reference.address.is_empty() {
            let _ = write!(html, " <span class=\"address\">{}</span>", escape(&reference.address));
        }
        html.push_str("</li>\n");
    }
    html.push_str("</ol>\n</section>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LinePlot, Picture, PictureRow, Reference, RocPlot, picture::tests::marked};

    fn full(text: &str) -> Report {
        let mut table = Table::new(text, [text, "b"]);
        table.row([text]);
        table.footnotes.push(text.to_owned());
        table.simulated = true;
        table.groups = vec![(String::new(), 1), (text.to_owned(), 1)];
        let picture = Picture::new(text, marked(8)).unwrap();
        Report {
            title: text.to_owned(),
            subtitle: text.to_owned(),
            made_by: text.to_owned(),
            simulated_readers: true,
            summary: vec![text.to_owned()],
            facts: vec![(text.to_owned(), text.to_owned())],
            sections: vec![
                Section::new(text, text)
                    .intro(text)
                    .with(Block::Heading(text.to_owned()))
                    .with(Block::Text(text.to_owned()))
                    .with(Block::Note(text.to_owned()))
                    .with(Block::Verbatim(text.to_owned()))
                    .with(Block::List(vec![text.to_owned()]))
                    .with(Block::Table(table))
                    .with(Block::Plots(vec![
                        Plot::Line(LinePlot {
                            title: text.to_owned(),
                            caption: text.to_owned(),
                            ..Default::default()
                        }),
                        Plot::Roc(RocPlot { title: text.to_owned(), ..Default::default() }),
                    ]))
                    .with(Block::Pictures(PictureRow { caption: text.to_owned(), pictures: vec![picture] })),
            ],
            limits: vec![text.to_owned()],
            references: vec![Reference { text: text.to_owned(), address: text.to_owned() }],
        }
    }

    #[test]
    fn no_text_becomes_markup_anywhere() {
        let page = render(&full("<script>x</script>\"'"));
        assert!(!page.contains("<script"));
        assert!(page.contains("&lt;script&gt;"));
    }

    #[test]
    fn the_page_loads_nothing_and_runs_nothing() {
        let page = render(&full("text"));
        for forbidden in ["http://", "https://", "<script", "@import", "url(", "<link", "<iframe", "onload"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains("src=\"data:image/png;base64,"));
    }

    #[test]
    fn banners_say_what_the_page_is() {
        let page = render(&full("text"));
        assert_eq!(page.matches("Not for diagnosis").count(), 2);
        assert!(page.contains("SIMULATED READERS"));
        assert!(page.contains("<span class=\"tag\">SIMULATED</span> text</caption>"));
        let people = render(&Report::new("a", "b"));
        assert!(people.contains("Not for diagnosis") && !people.contains("SIMULATED"));
    }

    #[test]
    fn every_tag_that_opens_closes() {
        let page = render(&full("text"));
        for tag in [
            "div", "section", "table", "tr", "th", "td", "figure", "svg", "ul", "ol", "li", "p", "main",
            "text",
        ] {
            let opened =
                page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }

    #[test]
    fn the_written_page_is_the_rendered_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.html");
        let report = full("text");
        write(&path, &report).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), render(&report));
    }
}
