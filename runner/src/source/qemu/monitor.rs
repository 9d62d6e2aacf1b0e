//! QEMU's monitor: the QMP protocol (docs/interop/qmp-spec.txt of QEMU).

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use serde_json::{Value, json};

use super::process::{Process, wait_for};

/// How long QEMU may take to come to its monitor: a loaded host starts it slowly.
const START_MAX: Duration = Duration::from_secs(30);
/// How long a command may take.
const COMMAND_MAX: Duration = Duration::from_secs(10);

/// A connection to QEMU's monitor.
#[derive(Debug)]
pub(super) struct Monitor {
    stream: UnixStream,
    received: Vec<u8>,
}

impl Monitor {
    /// Waits for QEMU to connect to `listener` and opens the conversation. When this returns `Ok` the machine exists.
    pub(super) fn accept(listener: &UnixListener, process: &mut Process) -> io::Result<Self> {
        let deadline = Instant::now() + START_MAX;
        listener.set_nonblocking(true)?;
        let stream = loop {
            match listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if process.wait(Duration::ZERO).is_some() || Instant::now() >= deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let soon = Instant::now() + Duration::from_millis(50);
            wait_for(listener, PollFlags::IN, soon)?;
        };
        stream.set_nonblocking(false)?;
        let mut monitor = Self { stream, received: Vec::new() };
        monitor.command("qmp_capabilities", json!({}), deadline)?;
        Ok(monitor)
    }

    /// Runs `command` and gives what it returns.
    pub(super) fn execute(&mut self, command: &str, arguments: Value) -> io::Result<Value> {
        self.command(command, arguments, Instant::now() + COMMAND_MAX)
    }

    /// Runs a command of the monitor for people and gives its text.
    pub(super) fn ask(&mut self, command_line: &str) -> io::Result<String> {
        let answer = self.execute("human-monitor-command", json!({ "command-line": command_line }))?;
        Ok(answer.as_str().unwrap_or_default().to_owned())
    }

    fn command(&mut self, command: &str, arguments: Value, deadline: Instant) -> io::Result<Value> {
        let mut text = json!({ "execute": command, "arguments": arguments }).to_string();
        text.push('\n');
        self.stream.set_write_timeout(Some(COMMAND_MAX))?;
        self.stream.write_all(text.as_bytes())?;
        // Commands are answered in order; the greeting and events in between are of no use here.
        loop {
            let mut message = self.message(deadline)?;
            if let Some(value) = message.get_mut("return") {
                return Ok(value.take());
            }
            if let Some(error) = message.get("error") {
                let reason = error.get("desc").and_then(Value::as_str).unwrap_or("no reason given");
                return Err(io::Error::other(reason.to_owned()));
            }
        }
    }

    /// The next line, which is a JSON object.
    fn message(&mut self, deadline: Instant) -> io::Result<Value> {
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                return serde_json::from_slice(&line).map_err(io::Error::other);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(left))?;
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => self.received.extend_from_slice(&buffer[..bytes]),
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether the registers that the monitor printed belong to a CPU that stands still for good: halted with interrupts
/// off (Intel SDM volume 2, HLT).
pub(super) fn is_halted(registers: &str) -> bool {
    /// The interrupt flag of RFLAGS.
    const INTERRUPTS_ON: u64 = 1 << 9;
    let value = |name: &str| {
        let rest = registers.split_once(name)?.1;
        let digits = rest.split(|letter: char| !letter.is_ascii_hexdigit()).next()?;
        u64::from_str_radix(digits, 16).ok()
    };
    let flags = value("RFL=").or_else(|| value("EFL="));
    value("HLT=") == Some(1) && flags.is_some_and(|flags| flags & INTERRUPTS_ON == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cpu_that_waits_for_interrupts_is_not_halted_for_good() {
        let registers = |flags: &str, halt: u8| {
            format!(
                "RAX=0 RBX=0\r\nRIP=ffffffff80001000 RFL={flags} [---] CPL=0 II=0 A20=1 SMM=0 HLT={halt}\r\n"
            )
        };
        assert!(is_halted(&registers("00000046", 1)));
        assert!(!is_halted(&registers("00000246", 1)));
        assert!(!is_halted(&registers("00000046", 0)));
        assert!(is_halted("EIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=1"));
        assert!(!is_halted(""));
    }

    fn monitor() -> (Monitor, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("there is room");
        (Monitor { stream: ours, received: Vec::new() }, theirs)
    }

    #[test]
    fn greetings_and_events_are_passed_over() {
        let (mut monitor, mut qemu) = monitor();
        qemu.write_all(b"{\"QMP\":{}}\r\n{\"event\":\"RESUME\"}\r\n{\"return\":{\"a\":1}}\r\n")
            .expect("it fits");
        assert_eq!(monitor.execute("x", json!({})).expect("it is answered"), json!({ "a": 1 }));
    }

    #[test]
    fn refusals_carry_their_reason() {
        let (mut monitor, mut qemu) = monitor();
        qemu.write_all(b"{\"error\":{\"class\":\"GenericError\",\"desc\":\"no such file\"}}\n")
            .expect("it fits");
        assert_eq!(monitor.execute("x", json!({})).expect_err("it is refused").to_string(), "no such file");
    }

    #[test]
    fn silence_and_the_end_are_errors() {
        let (mut monitor, qemu) = monitor();
        let soon = Instant::now() + Duration::from_millis(20);
        assert_eq!(
            monitor.command("x", json!({}), soon).expect_err("silence").kind(),
            io::ErrorKind::TimedOut
        );
        drop(qemu);
        assert!(monitor.execute("x", json!({})).is_err());
    }
}
