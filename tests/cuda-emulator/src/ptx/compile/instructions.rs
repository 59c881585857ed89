//! One instruction of PTX: which of ours it becomes.

use super::*;

impl FunctionCompiler<'_, '_> {
    pub(super) fn statement<'t>(&mut self, tokens: &[Token<'t>]) -> Result<(), String> {
        let mut rest = tokens;
        if rest[0].text == "@" {
            let negate = rest.get(1).is_some_and(|t| t.text == "!");
            let at = 1 + usize::from(negate);
            let Some(name) = rest.get(at) else { return self.error("a guard without a predicate") };
            let (slot, _) = self.write(&Operand::Word(name.text))?;
            self.guard = slot << 1 | u32::from(negate);
            rest = &rest[at + 1..];
        }
        let Some(opcode) = rest.first() else { return self.error("an empty statement") };
        self.line = opcode.line;
        let operands = parse_operands(&rest[1..]).map_err(|e| format!("PTX line {}: {e}", self.line))?;
        self.instruction(opcode.text, &operands)
    }

    pub(super) fn instruction(&mut self, opcode: &str, ops: &[Operand]) -> Result<(), String> {
        let mut parts = opcode.split('.');
        let base = parts.next().unwrap_or_default();
        let mods: Vec<&str> = parts.collect();
        let has = |m: &str| mods.contains(&m);
        let types: Vec<Type> = mods.iter().filter_map(|m| Type::parse(m)).collect();
        let ty = types.last().copied().unwrap_or(Type::B32);
        let need = |n: usize| {
            if ops.len() < n { Err(format!("{opcode} with {} operands", ops.len())) } else { Ok(()) }
        };
        let round = mods.iter().find_map(|m| Round::parse(m));
        let m = Modifiers {
            round: round.unwrap_or(Round::Nearest),
            rounded: round.is_some(),
            ftz: has("ftz"),
            sat: has("sat"),
            approx: has("approx"),
            full: has("full"),
            nan: has("NaN"),
            relu: has("relu"),
            carry_out: has("cc"),
            hi: has("hi"),
            lo: has("lo"),
            wide: has("wide"),
        };
        match base {
            "mov" => {
                need(2)?;
                self.mov(ty, &ops[0], &ops[1])
            }
            "ld" | "ldu" => {
                need(2)?;
                self.load(&mods, ty, &ops[0], &ops[1])
            }
            "st" => {
                need(2)?;
                self.store(&mods, ty, &ops[0], &ops[1])
            }
            "atom" | "red" => self.atomic(base, &mods, ty, ops),
            "cvta" => {
                need(2)?;
                let dst = self.write(&ops[0])?.0;
                let a = self.read(&ops[1], ty)?;
                let window = if has("shared") {
                    SHARED_WINDOW
                } else if has("local") {
                    LOCAL_WINDOW
                } else if has("param") {
                    PARAM_WINDOW
                } else {
                    0
                };
                let exec = match (window, has("to")) {
                    (0, _) => unary(|a: u64| a),
                    (_, true) => handlers::binary(|a: u64, _: u64| a & !WINDOW_MASK),
                    (_, false) => handlers::binary(|a: u64, b: u64| a | b),
                };
                let b = self.constant(window);
                self.emit(Inst { dst, a, b, ..self.blank(exec) });
                Ok(())
            }
            "isspacep" => {
                need(2)?;
                let dst = self.write(&ops[0])?.0;
                let a = self.read(&ops[1], Type::U64)?;
                let exec = if has("shared") || has("shared::cta") {
                    unary(|a: u64| a & WINDOW_MASK == SHARED_WINDOW)
                } else if has("local") {
                    unary(|a: u64| a & WINDOW_MASK == LOCAL_WINDOW)
                } else {
                    unary(|a: u64| a & WINDOW_MASK == 0)
                };
                self.emit(Inst { dst, a, ..self.blank(exec) });
                Ok(())
            }
            "cvt" => {
                need(2)?;
                self.cvt(&mods, &types, &m, ops)
            }
            "setp" => {
                need(3)?;
                self.setp(&mods, ty, ops)
            }
            "set" => {
                need(3)?;
                let (Some(cmp), [to, from, ..]) = (mods.first(), &types[..]) else {
                    return self.error(format!("{opcode} is not known"));
                };
                if ops.len() > 3 {
                    return self.error("set with a predicate is not known");
                }
                let Some(exec) = arithmetic::compare(cmp, *from, Delivery::Value(*to)) else {
                    return self.error(format!("{opcode} is not known"));
                };
                self.plain(exec, &ops[0], &[(&ops[1], *from), (&ops[2], *from)], 0, 0)
            }
            "selp" => {
                need(4)?;
                let Some(exec) = arithmetic::ternary_op("selp", ty, &m) else { return self.error(opcode) };
                self.plain(exec, &ops[0], &[(&ops[1], ty), (&ops[2], ty), (&ops[3], Type::Pred)], 0, 0)
            }
            "slct" => {
                need(4)?;
                let Some(exec) = arithmetic::slct(ty) else { return self.error(opcode) };
                self.plain(exec, &ops[0], &[(&ops[1], types[0]), (&ops[2], types[0]), (&ops[3], ty)], 0, 0)
            }
            "testp" => {
                need(2)?;
                let Some(exec) = arithmetic::testp(mods[0], ty) else {
                    return self.error(format!("{opcode} is not known"));
                };
                self.plain(exec, &ops[0], &[(&ops[1], ty)], 0, 0)
            }
            "add" | "sub" | "mad" if m.carry_out => self.carry(base, ty, &m, ops),
            "addc" | "subc" | "madc" => self.carry(base, ty, &m, ops),
            "bfi" => {
                need(5)?;
                let Some(exec) = arithmetic::bfi(ty) else { return self.error(opcode) };
                self.plain(
                    exec,
                    &ops[0],
                    &[(&ops[1], ty), (&ops[2], ty), (&ops[3], Type::U32), (&ops[4], Type::U32)],
                    0,
                    0,
                )
            }
            "bfe" => {
                need(4)?;
                let Some(exec) = arithmetic::ternary_op(base, ty, &m) else { return self.error(opcode) };
                self.plain(exec, &ops[0], &[(&ops[1], ty), (&ops[2], Type::U32), (&ops[3], Type::U32)], 0, 0)
            }
            "lop3" => {
                need(5)?;
                let Operand::Number(w, _) = &ops[4] else { return self.error("lop3 without a table") };
                let table = literal(w).unwrap_or(0) as i64;
                self.plain(
                    arithmetic::lop3(),
                    &ops[0],
                    &[(&ops[1], ty), (&ops[2], ty), (&ops[3], ty)],
                    0,
                    table,
                )
            }
            "shf" => {
                need(4)?;
                let exec = arithmetic::funnel(has("l"), has("wrap"));
                self.plain(exec, &ops[0], &[(&ops[1], ty), (&ops[2], ty), (&ops[3], Type::U32)], 0, 0)
            }
            "prmt" if mods.len() == 1 => {
                need(4)?;
                self.plain(arithmetic::prmt(), &ops[0], &[(&ops[1], ty), (&ops[2], ty), (&ops[3], ty)], 0, 0)
            }
            "dp4a" => {
                need(4)?;
                let Some(exec) = arithmetic::dp4a(types[0], ty) else { return self.error(opcode) };
                self.plain(
                    exec,
                    &ops[0],
                    &[(&ops[1], Type::B32), (&ops[2], Type::B32), (&ops[3], Type::B32)],
                    0,
                    0,
                )
            }
            "shl" | "shr" => {
                need(3)?;
                let Some(exec) = arithmetic::binary_op(base, ty, &m) else {
                    return self.error(format!("{opcode} is not known"));
                };
                self.plain(exec, &ops[0], &[(&ops[1], ty), (&ops[2], Type::U32)], 0, 0)
            }
            "bra" => {
                let Some(Operand::Word(label)) = ops.first() else {
                    return self.error("bra without a label");
                };
                self.jumps.push((self.insts.len(), (*label).to_owned(), self.scope));
                self.emit(self.blank(jump));
                Ok(())
            }
            "brx" => {
                need(2)?;
                let Operand::Word(table) = &ops[1] else { return self.error("brx without a table") };
                let Some(Name::Targets(targets)) = self.lookup(table) else {
                    return self.error(format!("no jump table {table}"));
                };
                let a = self.read(&ops[0], Type::U32)?;
                let start = self.lists.len();
                for label in &targets {
                    self.table_jumps.push((self.lists.len(), label.clone(), self.scope));
                    self.lists.push(0);
                }
                self.emit(Inst { a, d: targets.len() as u32, imm: start as i64, ..self.blank(jump_table) });
                Ok(())
            }
            "call" => self.call(ops),
            "ret" => {
                self.emit(self.blank(ret));
                Ok(())
            }
            "exit" => {
                self.emit(self.blank(exit));
                Ok(())
            }
            "trap" => {
                self.emit(self.blank(trap));
                Ok(())
            }
            "membar" | "fence" | "prefetch" | "prefetchu" | "griddepcontrol" | "nanosleep" | "brkpt"
            | "pmevent" | "discard" | "applypriority" => {
                self.emit(self.blank(nothing));
                Ok(())
            }
            "bar" | "barrier" => self.barrier(&mods, ops),
            "shfl" | "vote" | "match" | "redux" | "elect" | "activemask" => {
                self.warp_wide(base, &mods, ty, ops)
            }
            "cp" if mods.first() == Some(&"async") && !has("bulk") => self.copy_async(&mods, ops),
            _ => self.arithmetic(base, opcode, ty, &m, ops),
        }
    }

    /// Emits an instruction with one destination and up to four sources.
    pub(super) fn plain(
        &mut self,
        exec: Handler,
        dst: &Operand,
        sources: &[(&Operand, Type)],
        flags: u32,
        imm: i64,
    ) -> Result<(), String> {
        let mut slots = [SINK; 4];
        for (slot, (o, ty)) in slots.iter_mut().zip(sources) {
            *slot = self.read(o, *ty)?;
        }
        let dst = self.write(dst)?.0;
        let [a, b, c, d] = slots;
        self.emit(Inst { dst, a, b, c, d, flags, imm, ..self.blank(exec) });
        Ok(())
    }

    pub(super) fn arithmetic(
        &mut self,
        base: &str,
        opcode: &str,
        ty: Type,
        m: &Modifiers,
        ops: &[Operand],
    ) -> Result<(), String> {
        let flags = m.round.code();
        // The third operand of a widening product is twice as wide.
        let wide = match ty {
            Type::U16 => Type::U32,
            Type::S16 => Type::S32,
            Type::U32 => Type::U64,
            Type::S32 => Type::S64,
            other => other,
        };
        let found = match ops {
            [d, a] => arithmetic::unary_op(base, ty, m).map(|e| (e, d, vec![(a, ty)])),
            [d, a, b] => arithmetic::binary_op(base, ty, m).map(|e| (e, d, vec![(a, ty), (b, ty)])),
            [d, a, b, c] => arithmetic::ternary_op(base, ty, m)
                .map(|e| (e, d, vec![(a, ty), (b, ty), (c, if m.wide { wide } else { ty })])),
            _ => None,
        };
        match found {
            Some((exec, dst, sources)) => self.plain(exec, dst, &sources, flags, 0),
            None => self.error(format!("{opcode} is not known to the emulator")),
        }
    }

    pub(super) fn carry(
        &mut self,
        base: &str,
        ty: Type,
        m: &Modifiers,
        ops: &[Operand],
    ) -> Result<(), String> {
        let Some(exec) = arithmetic::carry_op(base, ty, m) else {
            return self.error(format!("{base} with carry of {ty:?}"));
        };
        let sources: Vec<(&Operand, Type)> = ops[1..].iter().map(|o| (o, ty)).collect();
        self.plain(exec, &ops[0], &sources, u32::from(m.carry_out), 0)
    }

    pub(super) fn mov(&mut self, ty: Type, dst: &Operand, src: &Operand) -> Result<(), String> {
        match (dst, src) {
            (Operand::Vector(parts), src) => {
                let bits = ty.bits() / parts.len() as u32;
                let a = self.read(src, ty)?;
                let start = self.lists.len();
                for p in parts {
                    let slot = self.write(p)?.0;
                    self.lists.push(slot);
                }
                self.emit(Inst {
                    a,
                    d: parts.len() as u32,
                    flags: bits,
                    imm: start as i64,
                    ..self.blank(unpack)
                });
            }
            (dst, Operand::Vector(parts)) => {
                let bits = ty.bits() / parts.len() as u32;
                let part_type = match bits {
                    8 => Type::B8,
                    16 => Type::B16,
                    _ => Type::B32,
                };
                let mut slots = Vec::new();
                for p in parts {
                    slots.push(self.read(p, part_type)?);
                }
                let start = self.lists.len();
                self.lists.extend(slots);
                let dst = self.write(dst)?.0;
                self.emit(Inst {
                    dst,
                    d: parts.len() as u32,
                    flags: bits,
                    imm: start as i64,
                    ..self.blank(pack)
                });
            }
            _ => {
                let a = self.read(src, ty)?;
                let dst = self.write(dst)?.0;
                self.emit(Inst { dst, a, ..self.blank(unary(|a: u64| a)) });
            }
        }
        Ok(())
    }
}
