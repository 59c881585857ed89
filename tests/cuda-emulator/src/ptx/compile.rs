//! Translation of a kernel, and of the functions it calls, into instructions.

use super::arithmetic::{self, Delivery, Modifiers};
use super::convert::{self, Conversion};
use super::float::Round;
use super::handlers::{combine, unary};
use super::lexer::{Lexer, Token};
use super::memory_access::{Where, copy_async, load_handler, store_handler};
use super::module::{Function, Module, Space, literal, variables};
use super::types::{Type, mask};
use super::{atomics, handlers};
use crate::exec::barrier::{kind, matching, reduction, redux, shuffle, vote};
use crate::exec::fault::Cause;
use crate::exec::launch::Program;
use crate::exec::thread::{
    CallSite, Code, Handler, Inst, LOCAL_WINDOW, NO_GUARD, PARAM_WINDOW, Place, SHARED_WINDOW, STOP_EXIT,
    STOP_WAIT, Special, Thread, Transfer, WINDOW_MASK,
};
use std::collections::HashMap;

/// While a function is being compiled, slots of specials and constants are counted apart and marked by these bits.
const SPECIAL: u32 = 0x2000_0000;
const CONSTANT: u32 = 0x4000_0000;
const KIND: u32 = SPECIAL | CONSTANT;
/// The slot that swallows results nobody wants.
const SINK: u32 = 0;

/// Compiles `kernel`. `addresses` are those of the module's global and constant variables.
pub fn compile(module: &Module, kernel: &str, addresses: &HashMap<String, u64>) -> Result<Program, String> {
    let entry = module.functions.get(kernel).ok_or_else(|| format!("no kernel {kernel} in the module"))?;
    let mut p = ProgramCompiler {
        module,
        addresses,
        order: vec![kernel.to_owned()],
        shared: HashMap::new(),
        shared_bytes: 0,
        cached_accesses: 1,
        synchronises: false,
        sequential: false,
    };
    let mut functions: Vec<Code> = Vec::new();
    let mut dynamic = Vec::new();
    while functions.len() < p.order.len() {
        let f = &module.functions[&p.order[functions.len()]];
        let (code, fixups) = FunctionCompiler::new(&mut p, f).compile()?;
        dynamic.extend(fixups.into_iter().map(|slot| (functions.len(), slot)));
        functions.push(code);
    }
    // Dynamic shared memory begins after all static variables.
    let dynamic_base = p.shared_bytes.next_multiple_of(16);
    for (function, slot) in &dynamic {
        let code = &mut functions[*function];
        let constant = *slot as usize - code.registers - code.specials.len();
        code.constants[constant] += u64::from(dynamic_base);
    }
    Ok(Program {
        kernel: kernel.to_owned(),
        kernel_param_bytes: layout(&entry.params, 0).1,
        functions,
        static_shared: if dynamic.is_empty() { p.shared_bytes } else { dynamic_base },
        cached_accesses: p.cached_accesses as usize,
        synchronises: p.synchronises,
        sequential: p.sequential,
        max_threads: entry.max_threads.unwrap_or(1024),
    })
}

/// Offsets of parameters laid out in order from `start`, and the end.
pub fn layout(params: &[super::module::Param], start: usize) -> (Vec<usize>, usize) {
    let mut at = start;
    let offsets = params
        .iter()
        .map(|p| {
            let o = at.next_multiple_of(p.align.max(1));
            at = o + p.bytes;
            o
        })
        .collect();
    (offsets, at)
}

struct ProgramCompiler<'a> {
    module: &'a Module,
    addresses: &'a HashMap<String, u64>,
    order: Vec<String>,
    shared: HashMap<String, u32>,
    shared_bytes: u32,
    cached_accesses: u32,
    synchronises: bool,
    sequential: bool,
}

impl ProgramCompiler<'_> {
    fn place_shared(&mut self, name: &str, bytes: usize, align: usize) -> u32 {
        if let Some(&o) = self.shared.get(name) {
            return o;
        }
        let o = self.shared_bytes.next_multiple_of(align.max(1) as u32);
        self.shared_bytes = o + bytes as u32;
        self.shared.insert(name.to_owned(), o);
        o
    }

    fn function_index(&mut self, name: &str) -> usize {
        if let Some(i) = self.order.iter().position(|n| n == name) {
            return i;
        }
        self.order.push(name.to_owned());
        self.order.len() - 1
    }
}

#[derive(Clone, Debug)]
enum Name {
    Register {
        slot: u32,
        bits: u32,
    },
    /// `%r<25>`: the first slot and the number of registers.
    Registers {
        slot: u32,
        bits: u32,
        count: u32,
    },
    KernelParam {
        offset: u32,
    },
    CallParam {
        offset: u32,
        bytes: u32,
    },
    Local {
        offset: u64,
    },
    Shared {
        offset: u32,
    },
    Targets(Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
enum Operand<'a> {
    Word(&'a str),
    /// A literal and whether a minus sign precedes it.
    Number(&'a str, bool),
    Not(&'a str),
    Pair(&'a str, &'a str),
    Vector(Vec<Operand<'a>>),
    Address(Option<&'a str>, i64),
    List(Vec<Operand<'a>>),
}

struct Scope {
    names: HashMap<String, Name>,
    labels: HashMap<String, u32>,
    parent: usize,
}

struct FunctionCompiler<'p, 'a> {
    program: &'p mut ProgramCompiler<'a>,
    function: &'a Function,
    scopes: Vec<Scope>,
    scope: usize,
    registers: u32,
    specials: Vec<Special>,
    constants: Vec<u64>,
    constant_slots: HashMap<u64, u32>,
    local_addresses: Vec<(u32, u64)>,
    dynamic_addresses: Vec<u32>,
    local_bytes: u64,
    param_bytes: usize,
    insts: Vec<Inst>,
    calls: Vec<CallSite>,
    lists: Vec<u32>,
    /// `(instruction, label, scope)` of jumps, and `(list entry, label, scope)` of jump tables.
    jumps: Vec<(usize, String, usize)>,
    table_jumps: Vec<(usize, String, usize)>,
    guard: u32,
    line: u32,
}

fn nothing(_: &mut Thread, _: &Inst, pc: u32) -> u32 {
    pc + 1
}

fn wait(_: &mut Thread, _: &Inst, _: u32) -> u32 {
    STOP_WAIT
}

fn exit(_: &mut Thread, _: &Inst, _: u32) -> u32 {
    STOP_EXIT
}

fn trap(t: &mut Thread, i: &Inst, _: u32) -> u32 {
    t.fault(i, Cause::Assertion("trap".into()))
}

fn assertion(t: &mut Thread, i: &Inst, _: u32) -> u32 {
    t.fault(i, Cause::Assertion("an assertion failed".into()))
}

/// `imm` is the index of the message among the function's.
fn unsupported(t: &mut Thread, i: &Inst, _: u32) -> u32 {
    let message = unsafe { (&(*t.code).messages)[i.imm as usize].clone() };
    t.fault(i, Cause::Unsupported(message))
}

fn jump(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    t.jump(i, pc, i.imm as u32)
}

/// Jumps to entry `a` of the list at `imm`, which has `d` entries.
fn jump_table(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    let index = unsafe { *t.regs.add(i.a as usize) } as u32;
    if index >= i.d {
        return t.fault(i, Cause::Unsupported(format!("jump table index {index} of {}", i.d)));
    }
    let to = unsafe { (&(*t.code).lists)[i.imm as usize + index as usize] };
    t.jump(i, pc, to)
}

unsafe fn call(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    unsafe { t.call(i, pc) }
}

unsafe fn ret(t: &mut Thread, _: &Inst, _: u32) -> u32 {
    unsafe { t.ret() }
}

/// Splits `a` into `d` registers of `flags` bits, listed at `imm`.
fn unpack(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    unsafe {
        let v = *t.regs.add(i.a as usize);
        for k in 0..i.d {
            let to = (&(*t.code).lists)[(i.imm as u32 + k) as usize];
            *t.regs.add(to as usize) = v >> (k * i.flags) & mask(i.flags);
        }
    }
    pc + 1
}

/// The reverse of [`unpack`].
fn pack(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    unsafe {
        let mut v = 0;
        for k in 0..i.d {
            let from = (&(*t.code).lists)[(i.imm as u32 + k) as usize];
            v |= (*t.regs.add(from as usize) & mask(i.flags)) << (k * i.flags);
        }
        *t.regs.add(i.dst as usize) = v;
    }
    pc + 1
}

fn clock(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    t.clock += 1;
    unsafe { *t.regs.add(i.dst as usize) = t.clock };
    pc + 1
}

fn arrive(t: &mut Thread, i: &Inst, pc: u32) -> u32 {
    unsafe {
        let number = *t.regs.add(i.a as usize) as usize & 15;
        (&mut *t.block).arrivals[number] += 1;
    }
    pc + 1
}

fn special(name: &str) -> Option<Special> {
    let (base, axis) = match name.rsplit_once('.') {
        Some((b, "x")) => (b, 0),
        Some((b, "y")) => (b, 1),
        Some((b, "z")) => (b, 2),
        _ => (name, 3),
    };
    Some(match (base, axis) {
        ("%tid", 0..=2) => Special::Tid(axis),
        ("%ntid", 0..=2) => Special::Ntid(axis),
        ("%ctaid", 0..=2) => Special::Ctaid(axis),
        ("%nctaid", 0..=2) => Special::Nctaid(axis),
        ("%laneid", _) => Special::LaneId,
        ("%warpid", _) => Special::WarpId,
        ("%nwarpid", _) => Special::WarpCount,
        ("%lanemask_eq", _) => Special::LaneMaskEq,
        ("%lanemask_lt", _) => Special::LaneMaskLt,
        ("%lanemask_le", _) => Special::LaneMaskLe,
        ("%lanemask_gt", _) => Special::LaneMaskGt,
        ("%lanemask_ge", _) => Special::LaneMaskGe,
        ("%dynamic_smem_size", _) => Special::DynamicSharedSize,
        ("%total_smem_size", _) => Special::TotalSharedSize,
        ("%smid" | "%gridid" | "%cluster_ctarank", _) => Special::Zero,
        ("%nsmid", _) => Special::SmCount,
        ("WARP_SZ", _) => Special::WarpSize,
        _ => return None,
    })
}

impl<'p, 'a> FunctionCompiler<'p, 'a> {
    fn new(program: &'p mut ProgramCompiler<'a>, function: &'a Function) -> Self {
        let mut c = FunctionCompiler {
            program,
            function,
            scopes: vec![Scope { names: HashMap::new(), labels: HashMap::new(), parent: 0 }],
            scope: 0,
            registers: 1,
            specials: Vec::new(),
            constants: Vec::new(),
            constant_slots: HashMap::new(),
            local_addresses: Vec::new(),
            dynamic_addresses: Vec::new(),
            local_bytes: 0,
            param_bytes: 0,
            insts: Vec::new(),
            calls: Vec::new(),
            lists: Vec::new(),
            jumps: Vec::new(),
            table_jumps: Vec::new(),
            guard: NO_GUARD,
            line: 0,
        };
        if function.is_entry {
            for (p, o) in function.params.iter().zip(layout(&function.params, 0).0) {
                c.define(&p.name, Name::KernelParam { offset: o as u32 });
            }
        } else {
            let (offsets, end) = signature(function);
            for (p, o) in function.returns.iter().chain(&function.params).zip(offsets) {
                // A formal parameter in a register is filled from the area at the start of the function.
                c.define(&p.name, Name::CallParam { offset: o as u32, bytes: p.bytes as u32 });
            }
            c.param_bytes = end;
        }
        c
    }

    fn define(&mut self, name: &str, what: Name) {
        self.scopes[self.scope].names.insert(name.to_owned(), what);
    }

    fn error<T>(&self, message: impl std::fmt::Display) -> Result<T, String> {
        Err(format!("PTX line {}: {message}", self.line))
    }

    fn lookup(&self, name: &str) -> Option<Name> {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let number: Option<u32> = name[stem.len()..].parse().ok();
        let mut s = self.scope;
        loop {
            let names = &self.scopes[s].names;
            if let Some(n) = names.get(name)
                && !matches!(n, Name::Registers { .. })
            {
                return Some(n.clone());
            }
            if let (Some(k), Some(Name::Registers { slot, bits, count })) = (number, names.get(stem))
                && k < *count
            {
                return Some(Name::Register { slot: slot + k, bits: *bits });
            }
            if s == 0 {
                return None;
            }
            s = self.scopes[s].parent;
        }
    }

    fn new_register(&mut self) -> u32 {
        self.registers += 1;
        self.registers - 1
    }

    fn constant(&mut self, value: u64) -> u32 {
        if let Some(&s) = self.constant_slots.get(&value) {
            return s;
        }
        let s = CONSTANT | self.constants.len() as u32;
        self.constants.push(value);
        self.constant_slots.insert(value, s);
        s
    }

    /// A constant of its own, whose value is changed later.
    fn own_constant(&mut self, value: u64) -> u32 {
        self.constants.push(value);
        CONSTANT | (self.constants.len() - 1) as u32
    }

    fn special_slot(&mut self, s: Special) -> u32 {
        let i = self.specials.iter().position(|&x| x == s).unwrap_or_else(|| {
            self.specials.push(s);
            self.specials.len() - 1
        });
        SPECIAL | i as u32
    }

    /// The slot of the address of a variable or parameter, and the memory it lies in.
    fn symbol(&mut self, name: &str) -> Result<(u32, Where), String> {
        match self.lookup(name) {
            Some(Name::KernelParam { offset }) => {
                return Ok((self.constant(u64::from(offset)), Where::KernelParam));
            }
            Some(Name::CallParam { offset, .. }) => {
                return Ok((self.constant(u64::from(offset)), Where::Space(Space::Param)));
            }
            Some(Name::Local { offset }) => {
                let slot = self.own_constant(offset);
                self.local_addresses.push((slot, offset));
                return Ok((slot, Where::Space(Space::Local)));
            }
            Some(Name::Shared { offset }) => {
                return Ok((self.constant(u64::from(offset)), Where::Space(Space::Shared)));
            }
            _ => {}
        }
        if let Some(v) = self.program.module.variables.get(name)
            && v.space == Space::Shared
        {
            let slot = if v.dynamic {
                let slot = self.own_constant(0);
                self.dynamic_addresses.push(slot);
                slot
            } else {
                let o = self.program.place_shared(&v.name, v.bytes, v.align);
                self.constant(u64::from(o))
            };
            return Ok((slot, Where::Space(Space::Shared)));
        }
        if let Some(&a) = self.program.addresses.get(name) {
            return Ok((self.constant(a), Where::Space(Space::Global)));
        }
        self.error(format!("unknown name {name}"))
    }

    /// The slot from which an operand of type `ty` is read.
    fn read(&mut self, o: &Operand, ty: Type) -> Result<u32, String> {
        match o {
            Operand::Word("_") => Ok(SINK),
            Operand::Word(w) => {
                if let Some(Name::Register { slot, .. }) = self.lookup(w) {
                    return Ok(slot);
                }
                if let Some(s) = special(w) {
                    return Ok(self.special_slot(s));
                }
                if w.starts_with("%clock") || w.starts_with("%globaltimer") {
                    let dst = self.new_register();
                    self.emit(Inst { dst, ..self.blank(clock) });
                    return Ok(dst);
                }
                self.symbol(w).map(|s| s.0)
            }
            Operand::Number(w, negative) => {
                let Some(v) = literal(w) else { return self.error(format!("bad literal {w}")) };
                let lower = w.get(..2).map(str::to_ascii_lowercase).unwrap_or_default();
                let v = match (lower.as_str(), ty) {
                    ("0f", Type::F64) => f64::from(f32::from_bits(v as u32)).to_bits(),
                    ("0f", _) | ("0d", Type::F64) => v,
                    ("0d", Type::F32) => u64::from((f64::from_bits(v) as f32).to_bits()),
                    ("0x", _) => v,
                    (_, Type::F32) if w.contains('.') => u64::from((f64::from_bits(v) as f32).to_bits()),
                    (_, Type::F32) => u64::from((v as f32).to_bits()),
                    (_, Type::F64) if !w.contains('.') => (v as f64).to_bits(),
                    _ => v,
                };
                let v = match (negative, ty) {
                    (false, _) => v,
                    (true, Type::F32) => v ^ 1 << 31,
                    (true, Type::F64) => v ^ 1 << 63,
                    (true, _) => v.wrapping_neg(),
                };
                let v = if ty == Type::Pred { u64::from(v != 0) } else { v & mask(ty.bits()) };
                Ok(self.constant(v))
            }
            Operand::Not(w) => {
                let a = self.read(&Operand::Word(w), Type::Pred)?;
                let dst = self.new_register();
                self.emit(Inst { dst, a, ..self.blank(unary(|a: bool| !a)) });
                Ok(dst)
            }
            other => self.error(format!("unexpected operand {other:?}")),
        }
    }

    /// The slot an operand's result is written to, and the register's width.
    fn write(&mut self, o: &Operand) -> Result<(u32, u32), String> {
        match o {
            Operand::Word("_") => Ok((SINK, 64)),
            Operand::Word(w) => match self.lookup(w) {
                Some(Name::Register { slot, bits }) => Ok((slot, bits)),
                _ => self.error(format!("{w} is not a register")),
            },
            other => self.error(format!("unexpected destination {other:?}")),
        }
    }

    /// Slot and offset of an address operand, and the memory of the symbol it names, if it names one.
    fn address(&mut self, o: &Operand) -> Result<(u32, i64, Option<Where>), String> {
        let Operand::Address(base, offset) = o else {
            return self.error(format!("expected an address, found {o:?}"));
        };
        match base {
            None => Ok((self.constant(0), *offset, None)),
            Some(w) => {
                if let Some(Name::Register { slot, .. }) = self.lookup(w) {
                    return Ok((slot, *offset, None));
                }
                let (slot, place) = self.symbol(w)?;
                Ok((slot, *offset, Some(place)))
            }
        }
    }

    fn blank(&self, exec: Handler) -> Inst {
        Inst {
            exec,
            guard: self.guard,
            dst: SINK,
            a: SINK,
            b: SINK,
            c: SINK,
            d: SINK,
            flags: 0,
            imm: 0,
            line: self.line,
            wait: 0,
        }
    }

    fn emit(&mut self, i: Inst) {
        self.insts.push(i);
    }

    fn compile(mut self) -> Result<(Code, Vec<u32>), String> {
        let module: &'a Module = self.program.module;
        let Some((text, line)) = module.body(self.function) else {
            return Err(format!("function {} has no body", self.function.name));
        };
        let mut messages = Vec::new();
        let mut lexer = Lexer::new(text, line);
        while let Some(t) = lexer.next() {
            self.line = t.line;
            self.guard = NO_GUARD;
            match t.text {
                "{" => {
                    self.scopes.push(Scope {
                        names: HashMap::new(),
                        labels: HashMap::new(),
                        parent: self.scope,
                    });
                    self.scope = self.scopes.len() - 1;
                }
                "}" => self.scope = self.scopes[self.scope].parent,
                ";" => {}
                // Hand-written assembly may leave out the blank before the type.
                w if w == ".reg" || w.starts_with(".reg.") => {
                    self.registers_declaration(&w[4..], &mut lexer)?
                }
                ".param" => {
                    for v in variables(&mut lexer, Space::Param, false)? {
                        let offset = self.param_bytes.next_multiple_of(v.align.max(8));
                        self.param_bytes = offset + v.bytes;
                        self.define(
                            &v.name,
                            Name::CallParam { offset: offset as u32, bytes: v.bytes as u32 },
                        );
                    }
                }
                ".local" => {
                    for v in variables(&mut lexer, Space::Local, false)? {
                        let offset = self.local_bytes.next_multiple_of(v.align as u64);
                        self.local_bytes = offset + v.bytes as u64;
                        self.define(&v.name, Name::Local { offset });
                    }
                }
                ".shared" => {
                    for v in variables(&mut lexer, Space::Shared, false)? {
                        let unique = format!("{}/{}/{}", self.function.name, self.scope, v.name);
                        let offset = self.program.place_shared(&unique, v.bytes, v.align);
                        self.define(&v.name, Name::Shared { offset });
                    }
                }
                ".loc" | ".file" => lexer.skip_line(),
                w if t.is_word() && lexer.peek().is_some_and(|n| n.text == ":") => {
                    lexer.next();
                    self.label(w, &mut lexer)?;
                }
                _ => {
                    let mut tokens = vec![t];
                    for t in lexer.by_ref() {
                        if t.text == ";" {
                            break;
                        }
                        tokens.push(t);
                    }
                    if t.text.starts_with('.') {
                        // A pragma or another directive without meaning here.
                        continue;
                    }
                    let before = self.insts.len();
                    if let Err(e) = self.statement(&tokens) {
                        self.insts.truncate(before);
                        self.jumps.retain(|j| j.0 < before);
                        let guard = self.guard;
                        let text: Vec<&str> = tokens.iter().map(|t| t.text).collect();
                        messages.push(format!("{} (in `{}`)", e, text.join(" ")));
                        self.emit(Inst { imm: messages.len() as i64 - 1, guard, ..self.blank(unsupported) });
                    }
                }
            }
        }
        self.guard = NO_GUARD;
        // Code that runs past its end returns.
        self.emit(self.blank(ret));
        self.resolve_labels()?;
        Ok(self.finish(messages))
    }

    /// `ty` is empty, or the type with its dot where it follows `.reg` at once.
    fn registers_declaration(&mut self, ty: &str, lexer: &mut Lexer) -> Result<(), String> {
        let mut bits = ty.get(1..).and_then(Type::parse).map_or(32, Type::bits);
        let mut name: Option<&str> = None;
        let mut count = None;
        loop {
            let Some(t) = lexer.next() else { return self.error("PTX ends in a register declaration") };
            match t.text {
                ";" | "," => {
                    if let Some(n) = name.take() {
                        let k: u32 = count.unwrap_or(1);
                        let slot = self.registers;
                        self.registers += k;
                        let what = if count.take().is_some() {
                            Name::Registers { slot, bits, count: k }
                        } else {
                            Name::Register { slot, bits }
                        };
                        self.define(n, what);
                    }
                    if t.text == ";" {
                        return Ok(());
                    }
                }
                "<" => count = lexer.next().and_then(|n| n.text.parse().ok()),
                ">" => {}
                w if w.starts_with('.') => match Type::parse(&w[1..]) {
                    Some(ty) => bits = ty.bits(),
                    None => return self.error(format!("registers of type {w}")),
                },
                w => name = Some(w),
            }
        }
    }

    fn label(&mut self, name: &str, lexer: &mut Lexer) -> Result<(), String> {
        match lexer.peek().map(|t| t.text) {
            Some(".branchtargets") => {
                lexer.next();
                let targets = lexer
                    .by_ref()
                    .take_while(|t| t.text != ";")
                    .filter(|t| t.is_word())
                    .map(|t| t.text.to_owned())
                    .collect();
                self.define(name, Name::Targets(targets));
            }
            Some(".callprototype" | ".calltargets") => {
                lexer.by_ref().find(|t| t.text == ";");
            }
            _ => {
                let at = self.insts.len() as u32;
                self.scopes[self.scope].labels.insert(name.to_owned(), at);
            }
        }
        Ok(())
    }

    fn find_label(&self, name: &str, mut scope: usize) -> Result<u32, String> {
        loop {
            if let Some(&at) = self.scopes[scope].labels.get(name) {
                return Ok(at);
            }
            if scope == 0 {
                return Err(format!("no label {name} in function {}", self.function.name));
            }
            scope = self.scopes[scope].parent;
        }
    }

    fn resolve_labels(&mut self) -> Result<(), String> {
        for (inst, name, scope) in std::mem::take(&mut self.jumps) {
            self.insts[inst].imm = i64::from(self.find_label(&name, scope)?);
        }
        for (entry, name, scope) in std::mem::take(&mut self.table_jumps) {
            self.lists[entry] = self.find_label(&name, scope)?;
        }
        Ok(())
    }

    /// Gives specials and constants their final slots, after the registers.
    fn finish(mut self, messages: Vec<String>) -> (Code, Vec<u32>) {
        let (registers, specials) = (self.registers, self.specials.len() as u32);
        let place = |slot: u32| match slot & KIND {
            // The all-ones marks of absent operands have both bits.
            SPECIAL => registers + (slot & !KIND),
            CONSTANT => registers + specials + (slot & !KIND),
            _ => slot,
        };
        for i in &mut self.insts {
            for slot in [&mut i.dst, &mut i.a, &mut i.b, &mut i.c, &mut i.d] {
                *slot = place(*slot);
            }
            if i.wait != 0 {
                i.imm = i64::from(place(i.imm as u32));
            }
        }
        for slot in &mut self.lists {
            *slot = place(*slot);
        }
        let dynamic = self.dynamic_addresses.iter().map(|&s| place(s)).collect();
        let code = Code {
            name: self.function.name.clone(),
            registers: registers as usize,
            local_addresses: self.local_addresses.iter().map(|&(s, o)| (place(s), o)).collect(),
            local_bytes: self.local_bytes,
            param_bytes: self.param_bytes,
            insts: self.insts,
            specials: self.specials,
            constants: self.constants,
            calls: self
                .calls
                .into_iter()
                .map(|mut c| {
                    for t in c.arguments.iter_mut().chain(&mut c.results) {
                        if let Place::Slot(s) = &mut t.place {
                            *s = place(*s);
                        }
                    }
                    c
                })
                .collect(),
            lists: self.lists,
            messages,
        };
        (code, dynamic)
    }

    fn statement<'t>(&mut self, tokens: &[Token<'t>]) -> Result<(), String> {
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

    fn instruction(&mut self, opcode: &str, ops: &[Operand]) -> Result<(), String> {
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
    fn plain(
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

    fn arithmetic(
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

    fn carry(&mut self, base: &str, ty: Type, m: &Modifiers, ops: &[Operand]) -> Result<(), String> {
        let Some(exec) = arithmetic::carry_op(base, ty, m) else {
            return self.error(format!("{base} with carry of {ty:?}"));
        };
        let sources: Vec<(&Operand, Type)> = ops[1..].iter().map(|o| (o, ty)).collect();
        self.plain(exec, &ops[0], &sources, u32::from(m.carry_out), 0)
    }

    fn mov(&mut self, ty: Type, dst: &Operand, src: &Operand) -> Result<(), String> {
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

    /// The memory an access means, from the opcode's space and the symbol in its address.
    fn place(&self, mods: &[&str], symbol: Option<Where>) -> Where {
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

    fn new_cache(&mut self, place: Where) -> u32 {
        if matches!(place, Where::Space(Space::Global | Space::Const | Space::Generic)) {
            self.program.cached_accesses += 1;
            self.program.cached_accesses - 1
        } else {
            0
        }
    }

    fn load(&mut self, mods: &[&str], ty: Type, dst: &Operand, address: &Operand) -> Result<(), String> {
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

    fn store(&mut self, mods: &[&str], ty: Type, address: &Operand, src: &Operand) -> Result<(), String> {
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

    fn atomic(&mut self, base: &str, mods: &[&str], ty: Type, ops: &[Operand]) -> Result<(), String> {
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

    fn cvt(&mut self, mods: &[&str], types: &[Type], m: &Modifiers, ops: &[Operand]) -> Result<(), String> {
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

    fn setp(&mut self, mods: &[&str], ty: Type, ops: &[Operand]) -> Result<(), String> {
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

    fn call(&mut self, ops: &[Operand]) -> Result<(), String> {
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

    fn barrier(&mut self, mods: &[&str], ops: &[Operand]) -> Result<(), String> {
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

    fn warp_wide(&mut self, base: &str, mods: &[&str], ty: Type, ops: &[Operand]) -> Result<(), String> {
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

    fn copy_async(&mut self, mods: &[&str], ops: &[Operand]) -> Result<(), String> {
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

/// Offsets of a function's results and parameters in its parameter area, and the size of the area.
fn signature(f: &Function) -> (Vec<usize>, usize) {
    let (mut offsets, end) = layout(&f.returns, 0);
    let (params, end) = layout(&f.params, end.next_multiple_of(16));
    offsets.extend(params);
    (offsets, end)
}

fn parse_operands<'t>(tokens: &[Token<'t>]) -> Result<Vec<Operand<'t>>, String> {
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

fn parse_operand<'t>(tokens: &[Token<'t>], at: &mut usize) -> Result<Operand<'t>, String> {
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
