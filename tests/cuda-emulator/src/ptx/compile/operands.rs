//! Operands as they are written.

use super::*;

/// Offsets of a function's results and parameters in its parameter area, and the size of the area.
pub(super) fn signature(f: &Function) -> (Vec<usize>, usize) {
    let (mut offsets, end) = layout(&f.returns, 0);
    let (params, end) = layout(&f.params, end.next_multiple_of(16));
    offsets.extend(params);
    (offsets, end)
}

pub(super) fn parse_operands<'t>(tokens: &[Token<'t>]) -> Result<Vec<Operand<'t>>, String> {
    let mut at = 0;
    let mut out = Vec::new();
    while at < tokens.len() {
        out.push(parse_operand(tokens, &mut at)?);
        match tokens.get(at).map(|t| t.text) {
            Some(",") => at += 1,
            None => {}
            Some(other) => return Err(format!("unexpected `{other}` after an operand")),
        }
    }
    Ok(out)
}

pub(super) fn parse_operand<'t>(tokens: &[Token<'t>], at: &mut usize) -> Result<Operand<'t>, String> {
    let mut next = || {
        let t = tokens.get(*at).map_or("", |t| t.text);
        *at += 1;
        t
    };
    let first = next();
    match first {
        "[" => {
            let mut base = None;
            let mut offset = 0i64;
            let mut sign = 1;
            loop {
                match next() {
                    "]" => return Ok(Operand::Address(base, offset)),
                    "+" => {}
                    "-" => sign = -sign,
                    "" | "," => return Err("an address of an unknown form".into()),
                    w => match literal(w) {
                        Some(n) => {
                            offset = offset.wrapping_add((n as i64).wrapping_mul(sign));
                            sign = 1;
                        }
                        None => base = Some(w),
                    },
                }
            }
        }
        "{" | "(" => {
            let close = if first == "{" { "}" } else { ")" };
            let mut parts = Vec::new();
            loop {
                match tokens.get(*at).map(|t| t.text) {
                    None => return Err(format!("no {close} follows")),
                    Some(t) if t == close => {
                        *at += 1;
                        break;
                    }
                    Some(",") => *at += 1,
                    Some(_) => parts.push(parse_operand(tokens, at)?),
                }
            }
            Ok(if first == "{" { Operand::Vector(parts) } else { Operand::List(parts) })
        }
        "!" => Ok(Operand::Not(next())),
        "-" => Ok(Operand::Number(next(), true)),
        "" => Err("an operand is missing".into()),
        w if literal(w).is_some() => Ok(Operand::Number(w, false)),
        w => {
            if tokens.get(*at).is_some_and(|t| t.text == "|") {
                *at += 1;
                let second = tokens.get(*at).map_or("", |t| t.text);
                *at += 1;
                return Ok(Operand::Pair(w, second));
            }
            Ok(Operand::Word(w))
        }
    }
}
