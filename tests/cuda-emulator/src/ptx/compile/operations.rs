//! Memory, conversions, calls, barriers and what a warp does together.

use super::*;

impl<'a> FunctionCompiler<'_, 'a> {
    /// The memory an access means, from the opcode's space and the symbol in its address.
    pub(super) fn place(&self, mods: &[&str], symbol: Option<Where>) -> Where {
        let space = mods.iter().find_map(|m| match m.split("::").next().unwrap_or_default() {
            "global" => Some(Space::Global),
            "const" => Some(Space::Const),
            "shared" => Some(Space::Shared),
            "local" => Some(Space::Local),
            "param" => Some(Space::Param),
            _ => None,
        });
        match (space, symbol) {
            (Some(Space::Param), Some(w)) => w,
            (Some(Space::Param), None) if self.function.is_entry => Where::KernelParam,
            (Some(s), _) => Where::Space(s),
            // A generic access that names its variable.
            (None, Some(w)) => w,
            (None, None) => Where::Space(Space::Generic),
        }
    }

    pub(super) fn new_cache(&mut self, place: Where) -> u32 {
        if matches!(place, Where::Space(Space::Global | Space::Const | Space::Generic)) {
            self.program.cached_accesses += 1;
            self.program.cached_accesses - 1
        } else {
            0
        }
    }

    pub(super) fn load(
        &mut self,
        mods: &[&str],
        ty: Type,
        dst: &Operand,
        address: &Operand,
    ) -> Result<(), String> {
        let (a, imm, symbol) = self.address(address)?;
        let place = self.place(mods, symbol);
        let flags = self.new_cache(place);
        let vector = [dst.clone()];
        let parts: &[Operand] = if let Operand::Vector(p) = dst { p } else { &vector };
        let mut slots = Vec::new();
        let mut bits = 64;
        for p in parts {
            let (slot, width) = self.write(p)?;
            slots.push(slot);
            bits = width;
        }
        let extend = ty.is_signed() && bits > ty.bits() && parts.len() == 1;
        let Some(exec) = load_handler(place, ty.bytes(), parts.len(), extend) else {
            return self.error(format!("a load of {} {ty:?}", parts.len()));
        };
        let c = self.lists.len() as u32;
        let dst = slots[0];
        if parts.len() > 1 {
            self.lists.extend(&slots);
        }
        let d = if extend { bits } else { SINK };
        self.emit(Inst { dst, a, c, d, flags, imm, ..self.blank(exec) });
        if ty.is_signed() && bits > ty.bits() && parts.len() > 1 && bits <= 64 {
            for slot in slots {
                if let Some(exec) = convert::sign_extend(ty.bits(), bits) {
                    self.emit(Inst { dst: slot, a: slot, ..self.blank(exec) });
                }
            }
        }
        Ok(())
    }

    pub(super) fn store(
        &mut self,
        mods: &[&str],
        ty: Type,
        address: &Operand,
        src: &Operand,
    ) -> Result<(), String> {
        let (a, imm, symbol) = self.address(address)?;
        let place = self.place(mods, symbol);
        let flags = self.new_cache(place);
        let vector = [src.clone()];
        let parts: &[Operand] = if let Operand::Vector(p) = src { p } else { &vector };
        let mut slots = Vec::new();
        for p in parts {
            slots.push(self.read(p, ty)?);
        }
        let Some(exec) = store_handler(place, ty.bytes(), parts.len()) else {
            return self.error(format!("a store of {} {ty:?}", parts.len()));
        };
        let c = self.lists.len() as u32;
        let b = slots[0];
        if parts.len() > 1 {
            self.lists.extend(&slots);
        }
        self.emit(Inst { a, b, c, flags, imm, ..self.blank(exec) });
        Ok(())
    }

    pub(super) fn atomic(
        &mut self,
        base: &str,
        mods: &[&str],
        ty: Type,
        ops: &[Operand],
    ) -> Result<(), String> {
        let op = mods.iter().copied().find(|m| {
            matches!(*m, "add" | "min" | "max" | "and" | "or" | "xor" | "exch" | "cas" | "inc" | "dec")
        });
        let (dst, rest) = if base == "atom" {
            if ops.len() < 3 {
                return self.error("atom with too few operands");
            }
            (self.write(&ops[0])?.0, &ops[1..])
        } else {
            (SINK, ops)
        };
        let [address, values @ ..] = rest else {
            return self.error("an atomic operation without an address");
        };
        if matches!(values.first(), Some(Operand::Vector(_))) {
            return self.error("atomic operations on vectors are not known to the emulator");
        }
        let (a, imm, symbol) = self.address(address)?;
        let place = self.place(mods, symbol);
        if !matches!(place, Where::Space(Space::Shared)) {
            self.program.sequential = true;
        }
        let flags = self.new_cache(place);
        let b = values.first().map_or(Ok(SINK), |o| self.read(o, ty))?;
        let d = values.get(1).map_or(Ok(SINK), |o| self.read(o, ty))?;
        let Some(exec) = op.and_then(|op| atomics::handler(op, ty, place)) else {
            return self.error(format!("{base}.{} is not known to the emulator", mods.join(".")));
        };
        self.emit(Inst { dst, a, b, d, flags, imm, ..self.blank(exec) });
        Ok(())
    }

    pub(super) fn cvt(
        &mut self,
        mods: &[&str],
        types: &[Type],
        m: &Modifiers,
        ops: &[Operand],
    ) -> Result<(), String> {
        let [to, from] = types else {
            return self.error(format!("cvt.{} is not known to the emulator", mods.join(".")));
        };
        let (to, from) = (*to, *from);
        let to_integer = to.is_float()
            && from.is_float()
            && mods.iter().any(|m| matches!(*m, "rni" | "rzi" | "rmi" | "rpi"));
        let c = Conversion { to, from, round: m.round, to_integer, ftz: m.ftz, sat: m.sat, relu: m.relu };
        if ops.len() == 3 {
            let Some(exec) = convert::convert_pair(to) else {
                return self.error(format!("cvt.{}", mods.join(".")));
            };
            return self.plain(exec, &ops[0], &[(&ops[1], from), (&ops[2], from)], c.flags(), 0);
        }
        let Some(exec) = convert::convert(&c) else {
            return self.error(format!("cvt.{} is not known to the emulator", mods.join(".")));
        };
        self.plain(exec, &ops[0], &[(&ops[1], from)], c.flags(), 0)?;
        let (slot, bits) = self.write(&ops[0])?;
        if to.is_signed()
            && bits > to.bits()
            && slot != SINK
            && let Some(exec) = convert::sign_extend(to.bits(), bits)
        {
            self.emit(Inst { dst: slot, a: slot, ..self.blank(exec) });
        }
        Ok(())
    }

    pub(super) fn setp(&mut self, mods: &[&str], ty: Type, ops: &[Operand]) -> Result<(), String> {
        let cmp = mods[0];
        let combination = mods[1..].iter().find_map(|m| match *m {
            "and" => Some(combine::AND),
            "or" => Some(combine::OR),
            "xor" => Some(combine::XOR),
            _ => None,
        });
        let (p, q) = match &ops[0] {
            Operand::Pair(p, q) => (self.write(&Operand::Word(p))?.0, self.write(&Operand::Word(q))?.0),
            o => (self.write(o)?.0, SINK),
        };
        let pair = matches!(ty, Type::F16x2 | Type::Bf16x2);
        let full = combination.is_some() || q != SINK || pair;
        let delivery = if full { Delivery::Full } else { Delivery::Predicate };
        let Some(exec) = arithmetic::compare(cmp, ty, delivery) else {
            return self.error(format!("setp.{} is not known to the emulator", mods.join(".")));
        };
        let a = self.read(&ops[1], ty)?;
        let b = self.read(&ops[2], ty)?;
        let (c, negate) = match ops.get(3) {
            Some(Operand::Not(w)) => (self.read(&Operand::Word(w), Type::Pred)?, combine::NEGATE_C),
            Some(o) => (self.read(o, Type::Pred)?, 0),
            None => (SINK, 0),
        };
        let flags = combination.unwrap_or(combine::NONE) | negate;
        self.emit(Inst { dst: p, d: q, a, b, c, flags, ..self.blank(exec) });
        Ok(())
    }

    pub(super) fn call(&mut self, ops: &[Operand]) -> Result<(), String> {
        let (results, rest) = match ops {
            [Operand::List(r), rest @ ..] => (&r[..], rest),
            rest => (&[][..], rest),
        };
        let [Operand::Word(name), rest @ ..] = rest else {
            return self.error("a call of something other than a function");
        };
        let arguments = match rest.first() {
            Some(Operand::List(a)) => &a[..],
            _ => &[],
        };
        let module: &'a Module = self.program.module;
        let Some(f) = module.functions.get(*name) else {
            return self.error(format!("a call of {name}, which is no function of the module"));
        };
        if f.body.is_none() {
            return match *name {
                "__assertfail" => {
                    self.emit(self.blank(assertion));
                    Ok(())
                }
                // Kernels' messages are not printed.
                "vprintf" => {
                    self.emit(self.blank(nothing));
                    Ok(())
                }
                _ => self.error(format!("a call of {name}, which has no body")),
            };
        }
        let (offsets, _) = signature(f);
        let mut site = CallSite {
            callee: self.program.function_index(name),
            arguments: Vec::new(),
            results: Vec::new(),
        };
        for (k, (p, &o)) in f.returns.iter().chain(&f.params).zip(&offsets).enumerate() {
            let is_result = k < f.returns.len();
            let operand = if is_result { results.get(k) } else { arguments.get(k - f.returns.len()) };
            let Some(operand) = operand else {
                return self.error(format!("a call of {name} with too few arguments"));
            };
            let place = match operand {
                Operand::Word(w) => match self.lookup(w) {
                    Some(Name::CallParam { offset, bytes }) if bytes as usize >= p.bytes => {
                        Place::Area(offset)
                    }
                    Some(Name::Register { slot, .. }) => Place::Slot(slot),
                    _ => return self.error(format!("argument {w} of the call of {name}")),
                },
                number => Place::Slot(self.read(number, p.ty)?),
            };
            let t = Transfer { place, callee_offset: o as u32, bytes: p.bytes as u32 };
            if is_result { site.results.push(t) } else { site.arguments.push(t) }
        }
        self.calls.push(site);
        self.emit(Inst { imm: self.calls.len() as i64 - 1, ..self.blank(call) });
        Ok(())
    }

    pub(super) fn barrier(&mut self, mods: &[&str], ops: &[Operand]) -> Result<(), String> {
        self.program.synchronises = true;
        let has = |m: &str| mods.contains(&m);
        if has("cluster") {
            return self.error("cluster barriers are not known to the emulator");
        }
        if has("warp") {
            let Some(o) = ops.first() else { return self.error("bar.warp.sync without a mask") };
            let imm = i64::from(self.read(o, Type::U32)?);
            self.emit(Inst { imm, wait: kind::WARP_BARRIER, ..self.blank(wait) });
            return Ok(());
        }
        if has("red") {
            let [dst, number, middle @ .., p] = ops else {
                return self.error("bar.red with too few operands");
            };
            let op = if has("popc") {
                reduction::POPC
            } else if has("and") {
                reduction::AND
            } else {
                reduction::OR
            };
            let dst = self.write(dst)?.0;
            let a = self.read(number, Type::U32)?;
            let b = middle.first().map_or(Ok(u32::MAX), |o| self.read(o, Type::U32))?;
            let (c, negate) = match p {
                Operand::Not(w) => (self.read(&Operand::Word(w), Type::Pred)?, reduction::NEGATE),
                o => (self.read(o, Type::Pred)?, 0),
            };
            self.emit(Inst { dst, a, b, c, flags: op | negate, wait: kind::BARRIER, ..self.blank(wait) });
            return Ok(());
        }
        let Some(number) = ops.first() else { return self.error("a barrier without a number") };
        let a = self.read(number, Type::U32)?;
        if has("arrive") {
            self.emit(Inst { a, ..self.blank(arrive) });
            return Ok(());
        }
        let b = ops.get(1).map_or(Ok(u32::MAX), |o| self.read(o, Type::U32))?;
        self.emit(Inst { a, b, flags: reduction::NONE, wait: kind::BARRIER, ..self.blank(wait) });
        Ok(())
    }

    pub(super) fn warp_wide(
        &mut self,
        base: &str,
        mods: &[&str],
        ty: Type,
        ops: &[Operand],
    ) -> Result<(), String> {
        self.program.synchronises = true;
        let has = |m: &str| mods.contains(&m);
        let Some(first) = ops.first() else { return self.error(format!("{base} without operands")) };
        let (dst, d) = match first {
            Operand::Pair(p, q) => (self.write(&Operand::Word(p))?.0, self.write(&Operand::Word(q))?.0),
            o => (self.write(o)?.0, SINK),
        };
        let blank = Inst { dst, d, ..self.blank(wait) };
        if base == "activemask" {
            self.emit(Inst { wait: kind::ACTIVE_MASK, ..blank });
            return Ok(());
        }
        if !has("sync") || ops.len() < 2 {
            return self.error(format!("{base} without .sync"));
        }
        let imm = i64::from(self.read(&ops[ops.len() - 1], Type::U32)?);
        let inst = match base {
            "elect" => Inst { wait: kind::ELECT, imm, ..blank },
            "shfl" => {
                if ops.len() < 5 {
                    return self.error("shfl.sync with too few operands");
                }
                let flags = if has("up") {
                    shuffle::UP
                } else if has("down") {
                    shuffle::DOWN
                } else if has("bfly") {
                    shuffle::BUTTERFLY
                } else {
                    shuffle::INDEX
                };
                let a = self.read(&ops[1], Type::B32)?;
                let b = self.read(&ops[2], Type::U32)?;
                let c = self.read(&ops[3], Type::U32)?;
                Inst { a, b, c, flags, imm, wait: kind::SHUFFLE, ..blank }
            }
            "vote" => {
                let op = if has("all") {
                    vote::ALL
                } else if has("any") {
                    vote::ANY
                } else if has("uni") {
                    vote::UNIFORM
                } else {
                    vote::BALLOT
                };
                let (a, negate) = match &ops[1] {
                    Operand::Not(w) => (self.read(&Operand::Word(w), Type::Pred)?, vote::NEGATE),
                    o => (self.read(o, Type::Pred)?, 0),
                };
                Inst { a, flags: op | negate, imm, wait: kind::VOTE, ..blank }
            }
            "match" => {
                let a = self.read(&ops[1], ty)?;
                Inst {
                    a,
                    flags: if has("all") { matching::ALL } else { matching::ANY },
                    imm,
                    wait: kind::MATCH,
                    ..blank
                }
            }
            _ => {
                let signed = ty == Type::S32;
                let flags =
                    match mods.iter().find(|m| matches!(**m, "add" | "min" | "max" | "and" | "or" | "xor")) {
                        Some(&"add") => redux::ADD,
                        Some(&"min") => {
                            if signed {
                                redux::MIN_S
                            } else {
                                redux::MIN_U
                            }
                        }
                        Some(&"max") => {
                            if signed {
                                redux::MAX_S
                            } else {
                                redux::MAX_U
                            }
                        }
                        Some(&"and") => redux::AND,
                        Some(&"or") => redux::OR,
                        Some(&"xor") => redux::XOR,
                        _ => return self.error("redux.sync with an unknown operation"),
                    };
                let a = self.read(&ops[1], ty)?;
                Inst { a, flags, imm, wait: kind::REDUX, ..blank }
            }
        };
        self.emit(inst);
        Ok(())
    }

    pub(super) fn copy_async(&mut self, mods: &[&str], ops: &[Operand]) -> Result<(), String> {
        if mods.iter().any(|m| m.starts_with("commit") || m.starts_with("wait")) {
            self.emit(self.blank(nothing));
            return Ok(());
        }
        let [to, from, size, rest @ ..] = ops else { return self.error("cp.async with too few operands") };
        let Operand::Number(w, _) = size else { return self.error("cp.async of an unknown size") };
        let (a, imm, _) = self.address(to)?;
        let (base, offset, _) = self.address(from)?;
        let by = self.constant(offset as u64);
        let b = self.new_register();
        self.emit(Inst {
            dst: b,
            a: base,
            b: by,
            ..self.blank(handlers::binary(|a: u64, b: u64| a.wrapping_add(b)))
        });
        let c = match rest.first() {
            Some(o) if !matches!(o, Operand::Word(w) if w.contains("policy")) => self.read(o, Type::U32)?,
            _ => u32::MAX,
        };
        let flags = self.new_cache(Where::Space(Space::Global));
        self.emit(Inst { a, b, c, d: literal(w).unwrap_or(0) as u32, flags, imm, ..self.blank(copy_async) });
        Ok(())
    }
}
