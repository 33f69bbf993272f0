//! One program out of the parts of a profile, as a search tree over the numbers of calls.
//!
//! A list of several hundred comparisons, which is what the parts are, costs the kernel 0.7 ms whenever it is
//! applied, most of what a whole sandbox takes; the tree costs a tenth.

use std::collections::BTreeSet;
use std::io;

use seccompiler::{BpfProgram, sock_filter};

use super::decision::{Decision, IF_EQUAL, decide};

/// Merges the parts. A call is answered by the first of `refused` that does not allow it; else it is allowed
/// by `allowed`, or what `conditional` makes of its arguments.
pub(super) fn build(
    allowed: &BpfProgram,
    conditional: &BpfProgram,
    refused: &[BpfProgram],
) -> io::Result<BpfProgram> {
    let verdict = |number: u32| -> Option<Decision> {
        for part in refused {
            let decision = decide(part, number)?;
            if decision != Decision::Answer(libc::SECCOMP_RET_ALLOW) {
                return Some(decision);
            }
        }
        match decide(allowed, number)? {
            Decision::Answer(libc::SECCOMP_RET_ALLOW) => Some(Decision::Answer(libc::SECCOMP_RET_ALLOW)),
            _ => decide(conditional, number),
        }
    };
    let parts = refused.iter().chain([allowed, conditional]);
    let unknown = || io::Error::other("the profile compiles to an unknown instruction");
    let mut ranges: Vec<(u32, Decision)> = Vec::new();
    for start in boundaries(parts) {
        let decision = verdict(start).ok_or_else(unknown)?;
        if ranges.last().is_none_or(|(_, last)| *last != decision) {
            ranges.push((start, decision));
        }
    }
    // Every part begins by checking the architecture, and goes on by loading the number.
    let mut program = conditional.get(..4).ok_or_else(unknown)?.to_vec();
    // How long a branch is does not depend on how far away the tail is.
    let tail = branch(&ranges, 0).len();
    program.extend(branch(&ranges, tail));
    program.extend_from_slice(conditional);
    Ok(program)
}

/// The numbers at which the answer of a part may change.
fn boundaries<'a>(parts: impl Iterator<Item = &'a BpfProgram>) -> BTreeSet<u32> {
    // The first comparison is that of the architecture.
    let comparisons = parts
        .flat_map(|part| part.iter().skip(2))
        .filter(|one| u32::from(one.code) == IF_EQUAL);
    comparisons
        .flat_map(|one| [one.k, one.k.saturating_add(1)])
        .chain([0])
        .collect()
}

/// Finds the range of a loaded number and answers as it says. `tail` is the distance from the beginning of
/// the branch to the program that looks at arguments.
fn branch(ranges: &[(u32, Decision)], tail: usize) -> BpfProgram {
    match ranges {
        [] => Vec::new(),
        [(_, Decision::Answer(answer))] => vec![statement(libc::BPF_RET | libc::BPF_K, *answer)],
        [(_, Decision::Arguments)] => {
            vec![statement(
                libc::BPF_JMP | libc::BPF_JA,
                tail.wrapping_sub(1) as u32,
            )]
        }
        _ => {
            let (low, high) = ranges.split_at(ranges.len() / 2);
            // A comparison reaches 255 instructions far, a jump any number.
            const HEAD: usize = 2;
            let low = branch(low, tail.wrapping_sub(HEAD));
            let high_tail = tail.wrapping_sub(HEAD + low.len());
            let mut program = vec![
                sock_filter {
                    code: IF_NOT_LESS,
                    jt: 0,
                    jf: 1,
                    k: high[0].0,
                },
                statement(libc::BPF_JMP | libc::BPF_JA, low.len() as u32),
            ];
            program.extend(low);
            program.extend(branch(high, high_tail));
            program
        }
    }
}

const IF_NOT_LESS: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;

fn statement(code: u32, k: u32) -> sock_filter {
    sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::isolation::seccomp::Parts;

    const PROFILES: [(&str, &str); 2] = [
        ("x86_64", include_str!("../../../profiles/x86_64.json")),
        ("aarch64", include_str!("../../../profiles/aarch64.json")),
    ];

    /// A call as the kernel hands it to a filter.
    #[derive(Clone, Copy, Debug)]
    struct Call {
        architecture: u32,
        number: u32,
        arguments: [u64; 6],
    }

    /// What the kernel does with a program.
    fn run(program: &[sock_filter], call: &Call) -> u32 {
        let mut words = vec![call.number, call.architecture, 0, 0];
        words.extend(
            call.arguments
                .iter()
                .flat_map(|argument| [*argument as u32, (*argument >> 32) as u32]),
        );
        let (mut at, mut loaded) = (0, 0u32);
        loop {
            let one = &program[at];
            let jump = |condition: bool| usize::from(if condition { one.jt } else { one.jf });
            at += 1;
            match one.code {
                0x20 => loaded = words[one.k as usize / 4],
                0x54 => loaded &= one.k,
                0x06 => return one.k,
                0x05 => at += one.k as usize,
                0x15 => at += jump(loaded == one.k),
                0x25 => at += jump(loaded > one.k),
                0x35 => at += jump(loaded >= one.k),
                code => panic!("instruction {code:#x}"),
            }
        }
    }

    /// What the parts say, taken one after the other.
    fn expected(parts: &Parts, refused: &[&str], call: &Call) -> u32 {
        let answer = |part: &str| run(&parts.program(part).unwrap(), call);
        let refusal = refused
            .iter()
            .map(|part| answer(part))
            .find(|answer| *answer != libc::SECCOMP_RET_ALLOW);
        match (refusal, answer("environment")) {
            (Some(refusal), _) => refusal,
            (None, libc::SECCOMP_RET_ALLOW) => libc::SECCOMP_RET_ALLOW,
            (None, _) => answer("conditional"),
        }
    }

    fn agree(architecture: &str, profile: &str, calls: &[Call]) {
        let parts = Parts::read(profile, architecture).unwrap();
        for refused in [&["refused", "host_wide"][..], &["refused", "programs"]] {
            let [allowed, conditional] =
                ["environment", "conditional"].map(|part| parts.program(part).unwrap());
            let program = build(&allowed, &conditional, &parts.all(refused).unwrap()).unwrap();
            assert!(program.len() < 1500, "{} instructions", program.len());
            for call in calls {
                assert_eq!(
                    run(&program, call),
                    expected(&parts, refused, call),
                    "{architecture} {call:x?}"
                );
            }
        }
    }

    fn native(architecture: &str) -> u32 {
        if architecture == "x86_64" {
            0xc000_003e
        } else {
            0xc000_00b7
        }
    }

    #[test]
    fn the_tree_answers_every_number_as_the_parts_do() {
        for (name, profile) in PROFILES {
            let numbers = (0..1200)
                .chain(0x4000_0000..0x4000_0250)
                .chain([0x7fff_ffff, u32::MAX]);
            let call = |number| Call {
                architecture: native(name),
                number,
                arguments: [0; 6],
            };
            let mut calls: Vec<Call> = numbers.map(call).collect();
            // The 32-bit architecture of the same processor.
            calls.push(Call {
                architecture: 0x4000_0003,
                number: 0,
                arguments: [0; 6],
            });
            agree(name, profile, &calls);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn the_tree_looks_at_arguments_as_the_parts_do(
            number in 0u32..480,
            arguments in prop::array::uniform6(prop_oneof![
                Just(0), 0u64..64, any::<u64>(), Just(0x5412), Just(0x1_0000_5412), Just(0xffff_ffff),
                (0u32..64).prop_map(|bit| 1 << bit),
            ])
        ) {
            for (name, profile) in PROFILES {
                agree(name, profile, &[Call { architecture: native(name), number, arguments }]);
            }
        }
    }
}
