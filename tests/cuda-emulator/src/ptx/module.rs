//! The outer level of a PTX module: functions and variables. Bodies stay text until a kernel is launched.

use super::lexer::{Lexer, Token};
use super::types::Type;
use std::collections::HashMap;
use std::sync::Arc;

/// A formal parameter.
#[derive(Clone, Debug)]
pub struct Param {
    pub name: String,
    pub ty: Type,
    pub bytes: usize,
    pub align: usize,
}

/// A kernel or a device function.
#[derive(Clone, Debug)]
pub struct Function {
    pub name: String,
    pub is_entry: bool,
    pub returns: Vec<Param>,
    pub params: Vec<Param>,
    /// `(offset, length, first line)` of the body in the module's text; `None` for a declaration.
    pub body: Option<(usize, usize, u32)>,
    pub max_threads: Option<u32>,
}

/// A state space of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    Global,
    Const,
    Shared,
    Local,
    Param,
    Generic,
}

/// A value in an initialiser.
#[derive(Clone, Debug)]
pub enum Initial {
    Bits(u64),
    Address { symbol: String, offset: i64 },
}

/// A variable.
#[derive(Clone, Debug)]
pub struct Variable {
    pub name: String,
    pub space: Space,
    pub ty: Type,
    pub bytes: usize,
    pub align: usize,
    /// Shared memory whose size the launch gives.
    pub dynamic: bool,
    pub is_extern: bool,
    pub initial: Vec<Initial>,
}

/// A parsed module.
#[derive(Debug)]
pub struct Module {
    pub text: Arc<str>,
    pub functions: HashMap<String, Function>,
    pub variables: HashMap<String, Variable>,
}

/// An integer or floating literal, as the bits of its own width (`0f` is 32 bits, `0d` and decimals 64).
pub fn literal(word: &str) -> Option<u64> {
    let b = word.as_bytes();
    if !b.first()?.is_ascii_digit() {
        return None;
    }
    let lower = word.get(..2).map(str::to_ascii_lowercase);
    match lower.as_deref() {
        Some("0f") => return u32::from_str_radix(&word[2..], 16).ok().map(u64::from),
        Some("0d") => return u64::from_str_radix(&word[2..], 16).ok(),
        Some("0x") => return u64::from_str_radix(word[2..].trim_end_matches(['U', 'u']), 16).ok(),
        Some("0b") => return u64::from_str_radix(word[2..].trim_end_matches(['U', 'u']), 2).ok(),
        _ => {}
    }
    if word.contains('.') {
        return word.parse::<f64>().ok().map(f64::to_bits);
    }
    let digits = word.trim_end_matches(['U', 'u']);
    if digits.len() > 1 && digits.starts_with('0') {
        return u64::from_str_radix(&digits[1..], 8).ok();
    }
    digits.parse().ok()
}

fn expect<'a>(lexer: &mut Lexer<'a>, what: &str) -> Result<Token<'a>, String> {
    lexer.next().ok_or_else(|| format!("PTX ends where {what} should follow"))
}

/// Reads `.align 4 .b8 name[16]` up to (not including) a token that ends it.
fn declaration(lexer: &mut Lexer, ends: &[&str]) -> Result<(Param, bool), String> {
    let mut p = Param { name: String::new(), ty: Type::B32, bytes: 0, align: 0 };
    let mut count = 1usize;
    let mut vector = 1usize;
    let mut dynamic = false;
    loop {
        let Some(t) = lexer.peek() else { return Err("PTX ends in a declaration".into()) };
        if ends.contains(&t.text) {
            break;
        }
        lexer.next();
        match t.text {
            ".align" => {
                let n = expect(lexer, "an alignment")?
                    .text
                    .parse()
                    .map_err(|_| format!("line {}: bad .align", t.line))?;
                // After `.ptr` the alignment is that of the pointee; it does no harm to a pointer's own.
                p.align = p.align.max(n);
            }
            ".v2" => vector = 2,
            ".v4" => vector = 4,
            ".attribute" => while expect(lexer, ")")?.text != ")" {},
            "[" => {
                let n = expect(lexer, "an array size")?;
                if n.text == "]" {
                    dynamic = true;
                } else {
                    count *=
                        literal(n.text).ok_or_else(|| format!("line {}: bad array size", n.line))? as usize;
                    expect(lexer, "]")?;
                }
            }
            w if w.starts_with('.') => {
                if let Some(ty) = Type::parse(&w[1..]) {
                    p.ty = ty;
                }
            }
            _ if t.is_word() => p.name = t.text.to_owned(),
            other => return Err(format!("line {}: unexpected `{other}` in a declaration", t.line)),
        }
    }
    p.bytes = if dynamic { 0 } else { p.ty.bytes() * vector * count };
    p.align = if p.align == 0 { p.ty.bytes() * vector } else { p.align };
    Ok((p, dynamic))
}

fn param_list(lexer: &mut Lexer) -> Result<Vec<Param>, String> {
    let mut params = Vec::new();
    loop {
        let Some(t) = lexer.peek() else { return Err("PTX ends in a parameter list".into()) };
        if t.text == ")" {
            lexer.next();
            return Ok(params);
        }
        if t.text == "," {
            lexer.next();
            continue;
        }
        // A pointer parameter's `.align` describes what it points to.
        let (mut p, _) = declaration(lexer, &[",", ")"])?;
        if p.bytes == p.ty.bytes() {
            p.align = p.ty.bytes();
        }
        params.push(p);
    }
}

/// Reads a variable after its state space, up to the semicolon. A body may declare several at once.
pub fn variables(lexer: &mut Lexer, space: Space, is_extern: bool) -> Result<Vec<Variable>, String> {
    let mut out: Vec<Variable> = Vec::new();
    loop {
        let (mut p, dynamic) = declaration(lexer, &["=", ";", ","])?;
        if let Some(first) = out.first() {
            let elements = p.bytes / p.ty.bytes().max(1);
            p.ty = first.ty;
            p.bytes = elements * p.ty.bytes();
            p.align = first.align;
        }
        let mut v = Variable {
            name: p.name,
            space,
            ty: p.ty,
            bytes: p.bytes,
            align: p.align.max(1),
            dynamic: dynamic && space == Space::Shared,
            is_extern,
            initial: Vec::new(),
        };
        let mut end = expect(lexer, ";")?;
        if end.text == "=" {
            let mut depth = 0;
            let mut negative = false;
            loop {
                let t = expect(lexer, "an initial value")?;
                match t.text {
                    "{" => depth += 1,
                    "}" => depth -= 1,
                    "-" => negative = true,
                    ";" if depth == 0 => {
                        end = t;
                        break;
                    }
                    "," if depth == 0 => {
                        end = t;
                        break;
                    }
                    "+" => {
                        let n = expect(lexer, "an offset")?;
                        if let (Some(Initial::Address { offset, .. }), Some(n)) =
                            (v.initial.last_mut(), literal(n.text))
                        {
                            *offset += n as i64;
                        }
                    }
                    "generic" | "," | "(" | ")" => {}
                    w => match literal(w) {
                        Some(n) => v.initial.push(Initial::Bits(if std::mem::take(&mut negative) {
                            n.wrapping_neg()
                        } else {
                            n
                        })),
                        None => v.initial.push(Initial::Address { symbol: w.to_owned(), offset: 0 }),
                    },
                }
            }
            if dynamic && space != Space::Shared {
                v.bytes = v.initial.len() * v.ty.bytes();
            }
        }
        out.push(v);
        match end.text {
            ";" => return Ok(out),
            "," => {}
            other => return Err(format!("line {}: unexpected `{other}` after a variable", end.line)),
        }
    }
}

impl Module {
    /// Parses the outer level of `text`.
    pub fn parse(text: &str) -> Result<Module, String> {
        let text: Arc<str> = text.into();
        let mut module = Module { text: text.clone(), functions: HashMap::new(), variables: HashMap::new() };
        if !text.contains(".version") {
            return Err("no .version directive: this is not PTX text".into());
        }
        let mut lexer = Lexer::new(&text, 1);
        let mut is_extern = false;
        while let Some(t) = lexer.next() {
            match t.text {
                ".version" | ".target" | ".address_size" | ".file" | ".loc" => lexer.skip_line(),
                ".visible" | ".weak" | ".common" => {}
                ".extern" => is_extern = true,
                ".pragma" | ".alias" => while expect(&mut lexer, ";")?.text != ";" {},
                ".section" => {
                    while expect(&mut lexer, "{")?.text != "{" {}
                    lexer.skip_braces();
                }
                ".global" | ".const" | ".shared" => {
                    let space = match t.text {
                        ".global" => Space::Global,
                        ".const" => Space::Const,
                        _ => Space::Shared,
                    };
                    for v in variables(&mut lexer, space, is_extern)? {
                        module.variables.insert(v.name.clone(), v);
                    }
                    is_extern = false;
                }
                ".entry" | ".func" => {
                    let f = function(&mut lexer, t.text == ".entry")?;
                    // A definition replaces an earlier declaration, never the other way round.
                    if f.body.is_some() || !module.functions.contains_key(&f.name) {
                        module.functions.insert(f.name.clone(), f);
                    }
                    is_extern = false;
                }
                other => return Err(format!("line {}: unexpected `{other}` outside a function", t.line)),
            }
        }
        Ok(module)
    }

    /// The text of a function's body with the number of its first line.
    pub fn body(&self, f: &Function) -> Option<(&str, u32)> {
        f.body.map(|(start, len, line)| (&self.text[start..start + len], line))
    }
}

fn function(lexer: &mut Lexer, is_entry: bool) -> Result<Function, String> {
    let mut f = Function {
        name: String::new(),
        is_entry,
        returns: Vec::new(),
        params: Vec::new(),
        body: None,
        max_threads: None,
    };
    loop {
        let t = expect(lexer, "a function")?;
        match t.text {
            "(" if f.name.is_empty() => f.returns = param_list(lexer)?,
            "(" => f.params = param_list(lexer)?,
            ";" => return Ok(f),
            "{" => {
                let (start, line) = (lexer.offset(), lexer.line());
                let body = lexer.skip_braces();
                f.body = Some((start, body.len(), line));
                return Ok(f);
            }
            ".maxntid" | ".reqntid" => {
                let mut threads = 1u32;
                loop {
                    let n = expect(lexer, "a number of threads")?;
                    threads = threads.saturating_mul(n.text.parse().unwrap_or(1));
                    if lexer.peek().is_none_or(|c| c.text != ",") {
                        break;
                    }
                    lexer.next();
                }
                f.max_threads = Some(threads);
            }
            w if w.starts_with('.') => {}
            _ if t.is_word() && f.name.is_empty() => f.name = t.text.to_owned(),
            _ => {}
        }
    }
}
