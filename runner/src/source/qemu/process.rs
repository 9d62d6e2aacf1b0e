//! QEMU as a child process.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use super::find_program;

/// How long QEMU may take to obey a signal.
const STOP_MAX: Duration = Duration::from_secs(2);
/// How long bytes to the machine may take.
const WRITE_MAX: Duration = Duration::from_secs(2);
/// The messages of QEMU that are kept: the first ones, which name the cause.
const ERROR_LINES_MAX: usize = 100;

/// A running QEMU with its standard streams. It ends when this is dropped, and when this process ends in any way.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    pending: VecDeque<u8>,
    errors: Arc<Mutex<Vec<String>>>,
    threads: Vec<JoinHandle<()>>,
    status: Option<ExitStatus>,
}

/// What came from standard output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// That many bytes.
    Bytes(usize),
    /// Nothing within the patience given.
    Quiet,
    /// The stream has ended.
    Closed,
}

impl Process {
    /// Starts `program`.
    pub(super) fn spawn(program: &Path, arguments: &[OsString]) -> io::Result<Self> {
        let mut command = command(program, arguments);
        let errors = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&errors);
        let (started, start) = sync_channel(1);
        // The kernel ends QEMU with the thread that started it (prctl(2), PR_SET_PDEATHSIG), so that this is the
        // thread that stays as long as QEMU does, whatever thread the caller is.
        let keeper =
            Builder::new().name("qemu-messages".to_owned()).spawn(move || match command.spawn() {
                Ok(mut child) => {
                    let stream = child.stderr.take();
                    // Fails only if the caller is gone.
                    if let (Ok(()), Some(stream)) = (started.send(Ok(child)), stream) {
                        keep_lines(BufReader::new(stream), &kept);
                    }
                }
                Err(error) => {
                    let _nobody_waits = started.send(Err(error));
                }
            })?;
        let mut child =
            start.recv().unwrap_or_else(|_| Err(io::Error::other("the starting thread ended")))?;
        let (sender, output) = channel();
        let input = child.stdin.take();
        let stream = child.stdout.take();
        let mut process = Self {
            child,
            input,
            output,
            pending: VecDeque::new(),
            errors,
            threads: vec![keeper],
            status: None,
        };
        // The machine never waits for us: every byte is taken at once, whoever reads it when.
        let taker = Builder::new().name("qemu-output".to_owned()).spawn(move || {
            let Some(mut stream) = stream else { return };
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(bytes @ 1..) = stream.read(&mut buffer) {
                if sender.send(buffer[..bytes].to_vec()).is_err() {
                    return;
                }
            }
        })?;
        process.threads.push(taker);
        if let Some(input) = &process.input {
            rustix::io::ioctl_fionbio(input, true)?;
        }
        Ok(process)
    }

    /// Waits for output, at most for `patience`.
    pub(super) fn read(&mut self, buffer: &mut [u8], patience: Duration) -> Output {
        if self.pending.is_empty() {
            match self.output.recv_timeout(patience) {
                Ok(bytes) => self.pending.extend(bytes),
                Err(RecvTimeoutError::Timeout) => return Output::Quiet,
                Err(RecvTimeoutError::Disconnected) => return Output::Closed,
            }
        }
        // Reading from a deque of bytes cannot fail.
        Output::Bytes(self.pending.read(buffer).unwrap_or(0))
    }

    /// Writes all of `bytes` to standard input, within a deadline.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let deadline = Instant::now() + WRITE_MAX;
        let Some(input) = &mut self.input else { return Err(io::ErrorKind::BrokenPipe.into()) };
        while !bytes.is_empty() {
            match input.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !wait_for(&*input, PollFlags::OUT, deadline)? {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits for the end, at most for `patience`.
    pub(super) fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        while self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
            if self.status.is_some() || Instant::now() >= deadline {
                break;
            }
            if pid(&self.child).is_none_or(|pid| wait_for_exit(pid, deadline).is_err()) {
                // Without a descriptor to wait on (before Linux 5.3) look again every few milliseconds.
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        self.status
    }

    /// Ends QEMU: when this returns it is gone.
    pub(super) fn stop(&mut self) {
        self.input = None;
        for signal in [Signal::TERM, Signal::KILL] {
            if self.wait(Duration::ZERO).is_some() {
                break;
            }
            // Fails only if the process has just ended.
            let _ended = pid(&self.child).map(|pid| kill_process(pid, signal));
            self.wait(STOP_MAX);
        }
        for thread in self.threads.drain(..) {
            // A thread that panicked has reported itself.
            let _reported = thread.join();
        }
    }

    /// What QEMU wrote to standard error, a line each.
    pub(super) fn errors(&self) -> Vec<String> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How QEMU ended or what it complains about, for people. Waits briefly for its end.
    pub(super) fn explain(&mut self) -> String {
        let status = self.wait(STOP_MAX);
        if status.is_some() {
            // QEMU is gone: its messages end too, and all of them are wanted.
            for thread in self.threads.drain(..) {
                let _reported = thread.join();
            }
        }
        let how = match status {
            None => "QEMU closed its output but still runs".to_owned(),
            Some(status) => match (status.code(), status.signal()) {
                (Some(code), _) => format!("QEMU exited with status {code}"),
                (None, Some(signal)) => format!("QEMU was ended by signal {signal}"),
                (None, None) => "QEMU ended".to_owned(),
            },
        };
        match self.errors().last() {
            Some(line) => format!("{how}: {line}"),
            None => how,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// `setpriv` asks the kernel to end QEMU with its parent; where it is not installed, only an orderly end does.
fn command(program: &Path, arguments: &[OsString]) -> Command {
    let mut command = match find_program("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Ctrl-C is for the runner, which then ends QEMU in order.
    command.process_group(0);
    command
}

fn keep_lines(mut stream: impl BufRead, kept: &Mutex<Vec<String>>) {
    let mut line = Vec::new();
    while stream.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !text.is_empty() && kept.len() < ERROR_LINES_MAX {
            kept.push(text);
        }
        line.clear();
    }
}

fn pid(child: &Child) -> Option<Pid> {
    Some(Pid::from_child(child))
}

fn wait_for_exit(pid: Pid, deadline: Instant) -> io::Result<()> {
    let descriptor = pidfd_open(pid, PidfdFlags::empty())?;
    wait_for(&descriptor, PollFlags::IN, deadline)?;
    Ok(())
}

/// Waits until `file` is ready for `flags`; whether it is.
pub(super) fn wait_for(file: &impl AsFd, flags: PollFlags, deadline: Instant) -> io::Result<bool> {
    let left = deadline.saturating_duration_since(Instant::now());
    let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(file, flags)], Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Process {
        let sh = find_program("sh").expect("every system has it");
        Process::spawn(&sh, &["-c".into(), script.into()]).expect("it starts")
    }

    fn line(process: &mut Process) -> String {
        let mut text = Vec::new();
        while !text.ends_with(b"\n") {
            let mut byte = [0];
            assert_eq!(process.read(&mut byte, PATIENCE), Output::Bytes(1));
            text.push(byte[0]);
        }
        String::from_utf8(text).expect("it is text")
    }

    #[test]
    fn bytes_flow_both_ways() {
        let mut process = shell("read word; echo \"heard $word\"");
        process.write(b"this\n").expect("it reads");
        assert_eq!(line(&mut process), "heard this\n");
        assert_eq!(process.read(&mut [0], PATIENCE), Output::Closed);
        assert_eq!(process.explain(), "QEMU exited with status 0");
    }

    #[test]
    fn the_end_is_explained_by_the_last_message() {
        let mut process = shell("echo first >&2; echo cause >&2; exit 3");
        assert_eq!(process.read(&mut [0], PATIENCE), Output::Closed);
        assert_eq!(process.explain(), "QEMU exited with status 3: cause");
        assert_eq!(process.errors(), ["first", "cause"]);
    }

    #[test]
    fn a_process_that_ignores_polite_signals_is_ended_all_the_same() {
        let mut process = shell("trap '' TERM; echo ready; while :; do read -r line || :; done");
        assert_eq!(line(&mut process), "ready\n");
        process.stop();
        assert_eq!(process.wait(Duration::ZERO).and_then(|status| status.signal()), Some(9));
    }

    #[test]
    fn a_full_pipe_ends_a_write_after_its_deadline() {
        let mut process = shell("exec tail -f /dev/null");
        let written = process.write(&vec![b'x'; 4 << 20]);
        assert_eq!(written.expect_err("nobody reads").kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn output_is_taken_whether_or_not_it_is_read() {
        let mut process = shell("head -c 1000000 /dev/zero; echo done >&2");
        assert!(process.wait(PATIENCE).is_some());
        let mut total = 0;
        let mut buffer = [0; 4096];
        while let Output::Bytes(bytes) = process.read(&mut buffer, PATIENCE) {
            total += bytes;
        }
        assert_eq!(total, 1_000_000);
    }
}
