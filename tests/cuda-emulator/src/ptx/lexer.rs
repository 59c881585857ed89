//! Tokens of PTX text.
//!
//! Opcodes, names, registers and numbers are all "words"; everything else is one character.

/// One token and the line it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
    pub line: u32,
}

impl Token<'_> {
    pub fn is_word(&self) -> bool {
        self.text.as_bytes().first().is_some_and(|&b| word_byte(b))
    }
}

fn word_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'%' | b'.')
}

/// Reads tokens one at a time from a piece of PTX.
#[derive(Clone)]
pub struct Lexer<'a> {
    text: &'a str,
    pos: usize,
    line: u32,
}

impl<'a> Lexer<'a> {
    /// `line` is the number of the first line of `text`.
    pub fn new(text: &'a str, line: u32) -> Self {
        Lexer { text, pos: 0, line }
    }

    pub fn line(&self) -> u32 {
        self.line
    }

    pub fn offset(&self) -> usize {
        self.pos
    }

    fn skip_blank(&mut self) {
        let b = self.text.as_bytes();
        while self.pos < b.len() {
            match b[self.pos] {
                b'\n' => {
                    self.line += 1;
                    self.pos += 1;
                }
                c if c.is_ascii_whitespace() || c == 0 => self.pos += 1,
                b'/' if b.get(self.pos + 1) == Some(&b'/') => self.skip_line(),
                b'/' if b.get(self.pos + 1) == Some(&b'*') => {
                    self.pos += 2;
                    while self.pos < b.len() && !b[self.pos..].starts_with(b"*/") {
                        self.line += u32::from(b[self.pos] == b'\n');
                        self.pos += 1;
                    }
                    self.pos = (self.pos + 2).min(b.len());
                }
                _ => break,
            }
        }
    }

    /// Moves to the end of the current line.
    pub fn skip_line(&mut self) {
        let rest = &self.text.as_bytes()[self.pos..];
        self.pos += rest.iter().position(|&c| c == b'\n').unwrap_or(rest.len());
    }

    /// Called just after an opening brace: moves past the matching closing one and returns what lies between.
    pub fn skip_braces(&mut self) -> &'a str {
        let start = self.pos;
        let mut depth = 1;
        while let Some(t) = self.next() {
            match t.text {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    if depth == 0 {
                        return &self.text[start..self.pos - 1];
                    }
                }
                _ => {}
            }
        }
        &self.text[start..]
    }

    pub fn peek(&self) -> Option<Token<'a>> {
        self.clone().next()
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blank();
        let b = self.text.as_bytes();
        let start = self.pos;
        let line = self.line;
        let first = *b.get(start)?;
        if word_byte(first) {
            // Modifiers such as `L1::no_allocate` have colons inside; a label's single colon is not part of it.
            loop {
                if b.get(self.pos).is_some_and(|&c| word_byte(c)) {
                    self.pos += 1;
                } else if b[self.pos..].starts_with(b"::")
                    && b.get(self.pos + 2).is_some_and(|&c| word_byte(c))
                {
                    self.pos += 2;
                } else {
                    break;
                }
            }
        } else if first == b'"' {
            self.pos += 1;
            while self.pos < b.len() && b[self.pos] != b'"' {
                self.pos += 1;
            }
            self.pos = (self.pos + 1).min(b.len());
        } else {
            self.pos += 1;
            while !self.text.is_char_boundary(self.pos) {
                self.pos += 1;
            }
        }
        Some(Token { text: &self.text[start..self.pos], line })
    }
}
