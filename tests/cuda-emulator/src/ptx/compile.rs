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

mod instructions;
mod operands;
mod operations;
mod steps;

use operands::{parse_operands, signature};
use steps::*;

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
}
