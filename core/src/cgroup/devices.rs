//! Which devices a cgroup of v2 may use: v1 had lists, v2 has a BPF program that is asked each time.
//!
//! The program is a chain of comparisons, one for each rule. There is no crate that makes one without a compiler for BPF:
//! the crates load object files.

use crate::spec::DeviceRule;

/// An instruction as the kernel's `struct bpf_insn` has it, in one word.
const fn instruction(code: u8, target: u8, source: u8, offset: i16, value: u32) -> u64 {
    (code as u64) | ((target | source << 4) as u64) << 8 | (offset as u16 as u64) << 16 | (value as u64) << 32
}

// As linux/bpf.h and linux/bpf_common.h name their parts.
const LDX_W: u8 = 0x61;
const MOV_X: u8 = 0xbc;
const MOV_K: u8 = 0xb7;
const AND_K: u8 = 0x54;
const RSH_K: u8 = 0x74;
const JNE_K: u8 = 0x55;
const JNE_X: u8 = 0x5d;
const EXIT: u8 = 0x95;

const BLOCK: u32 = 1;
const CHARACTER: u32 = 2;
const MAKE: u32 = 1;
const READ: u32 = 2;
const WRITE: u32 = 4;

/// Registers: what the program is given, and what it is asked about.
const CONTEXT: u8 = 1;
const KIND: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;
const SPARE: u8 = 6;

/// The program that lets these rules through, and nothing else.
pub(crate) fn program(rules: &[DeviceRule]) -> Vec<u64> {
    // struct bpf_cgroup_dev_ctx: access and kind in one word, major, minor.
    let mut all = vec![
        instruction(LDX_W, KIND, CONTEXT, 0, 0),
        instruction(AND_K, KIND, 0, 0, 0xffff),
        instruction(LDX_W, ACCESS, CONTEXT, 0, 0),
        instruction(RSH_K, ACCESS, 0, 0, 16),
        instruction(LDX_W, MAJOR, CONTEXT, 4, 0),
        instruction(LDX_W, MINOR, CONTEXT, 8, 0),
    ];
    for rule in rules {
        all.extend(lets_through(rule));
    }
    all.extend([instruction(MOV_K, 0, 0, 0, 0), instruction(EXIT, 0, 0, 0, 0)]);
    all
}

/// Ends with "yes" where a rule fits, and goes on after itself where it does not.
fn lets_through(rule: &DeviceRule) -> Vec<u64> {
    let mut tests: Vec<(u8, u8, u8, u32)> = Vec::new();
    match rule.kind {
        'b' => tests.push((JNE_K, KIND, 0, BLOCK)),
        'c' => tests.push((JNE_K, KIND, 0, CHARACTER)),
        _ => {}
    }
    let allowed = [(rule.make, MAKE), (rule.read, READ), (rule.write, WRITE)];
    let mask = allowed.into_iter().filter(|(on, _)| *on).fold(0, |mask, (_, bit)| mask | bit);
    if mask != MAKE | READ | WRITE {
        // What is asked for beyond the mask does not fit.
        tests.extend([(MOV_X, SPARE, ACCESS, 0), (AND_K, SPARE, 0, mask), (JNE_X, SPARE, ACCESS, 0)]);
    }
    tests.extend(rule.major.map(|major| (JNE_K, MAJOR, 0, major)));
    tests.extend(rule.minor.map(|minor| (JNE_K, MINOR, 0, minor)));
    let end = tests.len() + 2;
    let tests = tests.into_iter().enumerate().map(|(n, (code, target, source, value))| {
        let jumps = code == JNE_K || code == JNE_X;
        let offset = if jumps { (end - n - 1) as i16 } else { 0 };
        instruction(code, target, source, offset, value)
    });
    tests.chain([instruction(MOV_K, 0, 0, 0, 1), instruction(EXIT, 0, 0, 0, 0)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a program as the kernel would.
    fn ask(program: &[u64], kind: u32, access: u32, major: u32, minor: u32) -> u64 {
        let context = [access << 16 | kind, major, minor];
        let mut registers = [0u64; 11];
        let mut at = 0;
        loop {
            let word = program[at];
            let (code, target, source) = (word as u8, (word >> 8 & 15) as usize, (word >> 12 & 15) as usize);
            let (offset, value) = ((word >> 16) as i16, (word >> 32) as u32);
            at += 1;
            match code {
                LDX_W => registers[target] = u64::from(context[offset as usize / 4]),
                MOV_X => registers[target] = registers[source],
                MOV_K => registers[target] = u64::from(value),
                AND_K => registers[target] &= u64::from(value),
                RSH_K => registers[target] >>= value,
                JNE_K if registers[target] != u64::from(value) => at += offset as usize,
                JNE_X if registers[target] != registers[source] => at += offset as usize,
                JNE_K | JNE_X => {}
                EXIT => return registers[0],
                _ => panic!("{code:#x}"),
            }
        }
    }

    #[test]
    fn only_what_a_rule_names_is_let_through() {
        let rules: Vec<DeviceRule> =
            ["c 1:3 rwm", "b 8:* r", "c *:* m"].iter().map(|rule| rule.parse().expect("a rule")).collect();
        let program = program(&rules);
        let asked = [
            (CHARACTER, READ | WRITE, 1, 3, 1),
            (CHARACTER, READ, 1, 11, 0),
            (BLOCK, READ, 8, 16, 1),
            (BLOCK, READ | WRITE, 8, 16, 0),
            (BLOCK, READ, 9, 0, 0),
            (CHARACTER, MAKE, 10, 200, 1),
            (BLOCK, MAKE, 8, 0, 0),
        ];
        for (kind, access, major, minor, answer) in asked {
            assert_eq!(ask(&program, kind, access, major, minor), answer, "{kind} {access} {major}:{minor}");
        }
    }
}
