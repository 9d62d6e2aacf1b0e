//! What programs try with signals, and what must come of it.

use alloc::vec;
use alloc::vec::Vec;

use super::rules::{Case, Must, Script, Step};
use crate::platform::{PROGRAM_NOTES, ProgramHandler};

// System calls.
const SUM: u64 = 2;
const YIELD: u64 = 3;
const CALL: u64 = 5;
const REPLY: u64 = 6;
const RECEIVE: u64 = 7;
const ACTION: u64 = 8;
const MASK: u64 = 9;
const SEND: u64 = 10;
const RETURN: u64 = 11;
// What a script does beside calls.
const EXECUTE_UD2: u64 = u64::MAX;
const READ_FLAGS: u64 = u64::MAX - 1;
const SET_STACK: u64 = u64::MAX - 2;
const READ: u64 = u64::MAX - 3;
// What calls return.
const NO_TARGET: u64 = u64::MAX - 1;
const GONE: u64 = u64::MAX - 3;
const NO_CALLER: u64 = u64::MAX - 4;
const INTERRUPTED: u64 = u64::MAX - 7;
const NO_SIGNAL: u64 = u64::MAX - 8;
const NOT_USER: u64 = u64::MAX - 9;

const ILL: u64 = 4;
const KILL: u64 = 9;
const USR1: u64 = 10;
const SEGV: u64 = 11;
const USR2: u64 = 12;
const TERM: u64 = 15;
const CHLD: u64 = 17;
/// Without a name.
const OTHER: u64 = 40;
/// What a handler is told of a signal that was sent.
const SENT: u64 = 256;
/// What the handler notes that has sent another signal.
const AFTERWARDS: [u64; 3] = [100, 0, 0];
/// All signals that can be blocked.
const ALL: u64 = !(1 | 1 << KILL);

const INVALID_OPCODE: u8 = 6;
const PAGE_FAULT: u64 = 14;
const NOWHERE: u64 = 0x50_0000_0000;
const NOT_CANONICAL: u64 = 1 << 47;
const IN_KERNEL: [u64; 2] = [0xffff_8000_0000_0000, 0xffff_ffff_8000_0000];

// Places of words in a frame.
const MASK_WORD: u64 = 15;
const MODES: u64 = 16;
const RIP: u64 = 17;
const VECTOR_BYTES: u64 = 18;
const RFLAGS: u64 = 19;
const RSP: u64 = 20;

const fn on(signal: u64, handler: ProgramHandler) -> Step {
    ([ACTION, signal, handler.address(), ProgramHandler::GoBack.address()], 0)
}

const fn send(signal: u64) -> Step {
    ([SEND, 0, signal, 0], 0)
}

/// A signal to oneself that is not gone on from.
const fn send_last(signal: u64) -> Step {
    ([SEND, 0, signal, 0], SEND)
}

const fn send_to(target: u64, signal: u64) -> Step {
    ([SEND, target, signal, 0], 0)
}

const fn mask(bits: u64, before: u64) -> Step {
    ([MASK, bits, 0, 0], before)
}

/// The number of signals noted so far.
const fn noted(count: u64) -> Step {
    ([SUM, PROGRAM_NOTES, 1, 0], count)
}

const fn note(signal: u64) -> [u64; 3] {
    [signal, SENT, 0]
}

fn script(steps: &[Step], notes: &[[u64; 3]], ending: Must) -> Script {
    Script { steps: steps.to_vec(), forged: [0; 2], notes: notes.to_vec(), ending }
}

fn alone(name: &'static str, steps: &[Step], notes: &[[u64; 3]], ending: Must) -> Case {
    (name, vec![script(steps, notes, ending)])
}

fn signal(number: u64) -> Must {
    Must::Signal(number.to_le_bytes()[0])
}

/// All of them.
pub(super) fn all() -> Vec<Case> {
    [actions(), faults(), bad_stacks(), forged_frames(), between_processes()].concat()
}

fn actions() -> Vec<Case> {
    let go_back = ProgramHandler::GoBack.address();
    let refused = |signal, entry, return_to, error| ([ACTION, signal, entry, return_to], error);
    use ProgramHandler::{Nest, Note};
    vec![
        alone("once for each", &[on(USR1, Note), send(USR1), send(USR1)], &[note(USR1); 2], Must::Exit),
        alone(
            "refused",
            &[
                refused(KILL, 1, go_back, NO_SIGNAL),
                refused(KILL, Note.address(), go_back, NO_SIGNAL),
                refused(0, 1, go_back, NO_SIGNAL),
                refused(64, 1, go_back, NO_SIGNAL),
                refused(USR1, 2, go_back, NOT_USER),
                refused(USR1, IN_KERNEL[1], go_back, NOT_USER),
                refused(USR1, NOT_CANONICAL, go_back, NOT_USER),
                refused(USR1, Note.address(), IN_KERNEL[0], NOT_USER),
                ([SEND, 0, 0, 0], NO_SIGNAL),
                ([SEND, 0, 1 << 32 | USR1, 0], NO_SIGNAL),
                ([SEND, 1, USR1, 0], NO_TARGET),
                ([SEND, u64::MAX, USR1, 0], NO_TARGET),
            ],
            &[],
            Must::Exit,
        ),
        alone(
            "blocked, and once for all that came",
            &[mask(u64::MAX, 0), on(USR1, Note), send(USR1), send(USR1), noted(0), mask(0, ALL), noted(1)],
            &[note(USR1)],
            Must::Exit,
        ),
        alone(
            "the lowest first",
            &[
                mask(ALL, 0),
                on(OTHER, Note),
                on(USR1, Note),
                on(USR2, Note),
                send(OTHER),
                send(USR1),
                send(USR2),
                mask(1 << 5, ALL),
                mask(0, 1 << 5),
            ],
            &[note(USR1), note(USR2), note(OTHER)],
            Must::Exit,
        ),
        alone(
            "a handler in a handler",
            &[on(USR1, Nest), on(USR2, Note), send(USR1), mask(0, 0)],
            &[note(USR1), note(USR2), AFTERWARDS],
            Must::Exit,
        ),
        alone("the default", &[send(CHLD), send_last(TERM)], &[], signal(TERM)),
        alone("ignored", &[([ACTION, TERM, 1, 0], 0), send(TERM), mask(0, 0)], &[], Must::Exit),
        alone(
            "the default again",
            &[on(TERM, Note), send(TERM), ([ACTION, TERM, 0, 0], 0), send_last(TERM)],
            &[note(TERM)],
            signal(TERM),
        ),
        alone("KILL, whatever is blocked", &[mask(u64::MAX, 0), send_last(KILL)], &[], signal(KILL)),
    ]
}

fn faults() -> Vec<Case> {
    use ProgramHandler::{Note, Skip};
    let execute = |word| ([EXECUTE_UD2, word, 0, 0], word);
    let illegal = [ILL, INVALID_OPCODE.into(), 0];
    let unreached = ([EXECUTE_UD2, 7, 0, 0], EXECUTE_UD2);
    vec![
        alone(
            "a fault that is handled",
            &[on(ILL, Skip), execute(0x1234_5678_9abc_def0), execute(5), mask(0, 0)],
            &[illegal; 2],
            Must::Exit,
        ),
        alone(
            "a page that is not there",
            &[on(SEGV, Skip), ([READ, NOWHERE, 0, 0], u64::MAX), ([READ, IN_KERNEL[0], 0, 0], u64::MAX)],
            &[[SEGV, PAGE_FAULT, NOWHERE], [SEGV, PAGE_FAULT, IN_KERNEL[0]]],
            Must::Exit,
        ),
        alone("a fault without handler", &[on(SEGV, Note), unreached], &[], Must::Fault(INVALID_OPCODE)),
        alone(
            "a fault that is blocked",
            &[on(ILL, Skip), mask(1 << ILL, 0), unreached],
            &[],
            Must::Fault(INVALID_OPCODE),
        ),
    ]
}

/// Stacks that do not take a frame.
fn bad_stacks() -> Vec<Case> {
    use ProgramHandler::Note;
    let from = |stack: u64| {
        alone(
            "a stack that takes no frame",
            &[on(USR1, Note), ([SET_STACK, stack, 0, 0], 0), send_last(USR1)],
            &[],
            signal(SEGV),
        )
    };
    let mut cases: Vec<Case> =
        [NOWHERE, NOT_CANONICAL, 0, 64, IN_KERNEL[0], IN_KERNEL[1], u64::MAX].map(from).into();
    cases.push(alone(
        "a fault of the stack itself",
        &[on(SEGV, Note), ([SET_STACK, NOWHERE, 0, 0], 0), ([READ_FLAGS, 0, 0, 0], READ_FLAGS)],
        &[],
        signal(SEGV),
    ));
    cases.push(alone(
        "a frame that is not there",
        &[([SET_STACK, NOWHERE, 0, 0], 0), ([RETURN, 0, 0, 0], RETURN)],
        &[],
        signal(SEGV),
    ));
    cases
}

fn forged_frames() -> Vec<Case> {
    /// Of the forged flags, AC is the program's own; the others come from the instructions before they are read.
    const FORGED_FLAGS: u64 = 3 << 12 | 1 << 14 | 1 << 17 | 1 << 9 | 1 << 18 | 1 << 19 | 1 << 63;
    const FLAGS: u64 = 1 << 18 | 0x56;
    use ProgramHandler::Forge;
    let forge = |name, [place, word]: [u64; 2], steps: &[Step], ending| {
        let mut script = script(&[&[on(USR1, Forge)], steps].concat(), &[], ending);
        script.forged = [place, word];
        (name, vec![script])
    };
    let ends = |name, place, word| forge(name, [place, word], &[send_last(USR1)], signal(SEGV));
    vec![
        ends("RIP in the kernel", RIP, IN_KERNEL[1]),
        ends("RIP not canonical", RIP, NOT_CANONICAL),
        ends("RIP behind all", RIP, u64::MAX),
        ends("RSP in the kernel", RSP, IN_KERNEL[0]),
        ends("RSP not canonical", RSP, NOT_CANONICAL),
        ends("vector registers of another length", VECTOR_BYTES, 8),
        ends("vector registers without end", VECTOR_BYTES, u64::MAX),
        forge("RSP nowhere", [RSP, NOWHERE], &[send(USR1), mask(0, 0)], Must::Exit),
        forge(
            "flags",
            [RFLAGS, FORGED_FLAGS],
            &[send(USR1), ([READ_FLAGS, 0, 0, 0], FLAGS), mask(0, 0)],
            Must::Exit,
        ),
        forge("modes", [MODES, u64::MAX], &[send(USR1), mask(0, 0)], Must::Exit),
        forge(
            "a mask with KILL",
            [MASK_WORD, u64::MAX],
            &[send(USR1), mask(ALL, ALL), send_last(KILL)],
            signal(KILL),
        ),
    ]
}

fn between_processes() -> Vec<Case> {
    use ProgramHandler::Note;
    let receive = |result| ([RECEIVE, 0, 0, 0], result);
    let call = |result| ([CALL, 0, 0, 0], result);
    let yields = ([YIELD, 0, 0, 0], 0);
    let exits = |steps: &[Step]| script(steps, &[], Must::Exit);
    vec![
        (
            "a signal for one that receives",
            vec![
                script(&[on(USR1, Note), receive(INTERRUPTED), noted(1)], &[note(USR1)], Must::Exit),
                exits(&[send_to(1, CHLD), yields, send_to(1, USR1), yields, ([SEND, 1, USR1, 0], GONE)]),
            ],
        ),
        (
            "KILL for one that receives",
            vec![
                script(&[mask(u64::MAX, 0), receive(RECEIVE)], &[], signal(KILL)),
                exits(&[send_to(1, TERM), yields, send_to(1, KILL), yields, ([SEND, 1, USR1, 0], GONE)]),
            ],
        ),
        (
            "KILL for one that yields",
            vec![
                script(&[mask(u64::MAX, 0), ([YIELD, 0, 0, 0], YIELD)], &[], signal(KILL)),
                exits(&[send_to(1, KILL)]),
            ],
        ),
        (
            "a signal for one that has not begun",
            vec![exits(&[send_to(1, CHLD), send_to(2, TERM)]), exits(&[yields]), {
                script(&[([YIELD, 0, 0, 0], YIELD)], &[], signal(TERM))
            }],
        ),
        (
            "a signal that comes after the message",
            vec![
                // Whoever waits with a deadline is not run at once.
                script(&[on(USR1, Note), ([RECEIVE, 0, 0, 1 << 62], 0), noted(1)], &[note(USR1)], Must::Exit),
                exits(&[call(GONE)]),
                exits(&[send_to(1, USR1)]),
            ],
        ),
        (
            "a signal for one that waits for an answer",
            vec![
                exits(&[receive(0), send_to(1, USR1), ([REPLY, 0, 0, 0], NO_CALLER)]),
                script(&[on(USR1, Note), call(INTERRUPTED), noted(1)], &[note(USR1)], Must::Exit),
            ],
        ),
    ]
}
