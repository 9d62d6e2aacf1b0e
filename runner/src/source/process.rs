//! The hosted suites, or any other program that speaks frames, as a child process.

use std::io::{ErrorKind, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal};

use super::{Read, Source, SourceError};

/// A child that sends records on its standard output and takes commands on its standard input. What it says on
/// standard error is kept for the message about its end.
#[derive(Debug)]
pub struct ProcessSource {
    name: String,
    child: Child,
    commands: Option<ChildStdin>,
    pieces: Receiver<Vec<u8>>,
    /// The rest of a piece that did not fit a reader's buffer.
    rest: Vec<u8>,
    messages: Arc<Mutex<Vec<u8>>>,
    message_reader: Option<JoinHandle<()>>,
    status: Option<ExitStatus>,
}

/// Pieces that wait for a reader: a child that writes faster waits on its pipe.
const PIECES_WAITING_MAX: usize = 64;

/// Bytes read from a pipe at a time, and so the longest piece.
const PIECE: usize = 64 * 1024;

/// The last bytes of standard error that are kept.
const MESSAGES_MAX: usize = 4096;

/// How long a child may take to exit after it has closed its output or was asked to.
const EXIT_WAIT: Duration = Duration::from_secs(1);

/// How often a child's exit is looked for: the standard library has no wait with a deadline.
const EXIT_POLL: Duration = Duration::from_millis(2);

impl ProcessSource {
    /// Starts `command`, whose standard streams are set here; `remedy` is what to do if there is no such program.
    ///
    /// # Errors
    /// The program is missing or cannot be started.
    pub fn start(mut command: Command, remedy: &str) -> Result<Self, SourceError> {
        let name = command.get_program().to_string_lossy().into_owned();
        let io_error = |what: String| move |error| SourceError::Io { what, error };
        // In a group of its own, so that Ctrl-C reaches the runner alone, which then ends the child in order.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(SourceError::Missing { what: name, remedy: remedy.to_owned() });
            }
            Err(error) => return Err(io_error(format!("start {name}"))(error)),
        };
        let commands = child.stdin.take();
        if let Some(commands) = &commands {
            // A child that does not listen must not block the one that speaks to it.
            rustix::fs::fcntl_setfl(commands, OFlags::NONBLOCK)
                .map_err(|error| io_error(format!("start {name}"))(error.into()))?;
        }
        let (sender, pieces) = sync_channel(PIECES_WAITING_MAX);
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || forward(output, &sender));
        }
        let messages = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&messages);
        let message_reader =
            child.stderr.take().map(|errors| std::thread::spawn(move || keep_last(errors, &kept)));
        let rest = Vec::new();
        Ok(Self { name, child, commands, pieces, rest, messages, message_reader, status: None })
    }

    /// What the child said on standard error, or the end of it.
    #[must_use]
    pub fn messages(&self) -> String {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&messages).trim_end().to_owned()
    }

    /// How the child ended, once it has.
    #[must_use]
    pub const fn status(&self) -> Option<ExitStatus> {
        self.status
    }

    /// Waits for the child to exit, at most for `patience`.
    fn wait(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            if self.status.is_some() {
                return true;
            }
            match self.child.try_wait() {
                Ok(Some(status)) => self.status = Some(status),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(EXIT_POLL),
                Ok(None) | Err(_) => return false,
            }
        }
    }

    /// Why there will be no more bytes.
    fn end(&mut self) -> String {
        self.wait(EXIT_WAIT);
        self.join_message_reader(EXIT_WAIT);
        let ended = match self.status {
            Some(status) => format!("{} ended with {status}", self.name),
            None => format!("{} closed its output", self.name),
        };
        match self.messages() {
            messages if messages.is_empty() => ended,
            messages => format!("{ended}: {}", messages.replace('\n', "; ")),
        }
    }

    /// Waits until all of standard error is read. A grandchild that holds the pipe open is not waited for.
    fn join_message_reader(&mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while let Some(reader) = self.message_reader.take() {
            if reader.is_finished() {
                // It keeps bytes and cannot panic.
                let _ = reader.join();
                return;
            }
            self.message_reader = Some(reader);
            if Instant::now() >= deadline {
                return;
            }
            std::thread::sleep(EXIT_POLL);
        }
    }
}

impl Source for ProcessSource {
    fn read(&mut self, buffer: &mut [u8], patience: Duration) -> Result<Read, SourceError> {
        if self.rest.is_empty() {
            match self.pieces.recv_timeout(patience) {
                Ok(piece) => self.rest = piece,
                Err(RecvTimeoutError::Timeout) => return Ok(Read::Quiet),
                Err(RecvTimeoutError::Disconnected) => return Ok(Read::Ended(self.end())),
            }
        }
        let length = self.rest.len().min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(self.rest.drain(..length)) {
            *place = byte;
        }
        Ok(Read::Bytes(length))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SourceError> {
        let Some(commands) = &mut self.commands else { return Ok(()) };
        match commands.write(bytes) {
            // A write up to PIPE_BUF goes whole or not at all (POSIX, write); commands are shorter.
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.commands = None;
                Ok(())
            }
            Err(error) => Err(SourceError::Io { what: format!("speak to {}", self.name), error }),
        }
    }

    fn can_hear(&self) -> bool {
        self.commands.is_some()
    }

    fn stop(&mut self) {
        self.commands = None;
        if !self.wait(Duration::ZERO) {
            if let Ok(Some(pid)) = i32::try_from(self.child.id()).map(Pid::from_raw) {
                // The child is not reaped yet, so that the number is still its own.
                let _ = rustix::process::kill_process(pid, Signal::TERM);
            }
            if !self.wait(EXIT_WAIT) {
                let _ = self.child.kill();
                self.wait(EXIT_WAIT);
            }
        }
    }
}

impl Drop for ProcessSource {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Passes everything from `output` on, until its end or until nobody wants it.
fn forward(mut output: impl std::io::Read, sender: &SyncSender<Vec<u8>>) {
    let mut piece = vec![0; PIECE];
    loop {
        match output.read(&mut piece) {
            Ok(0) => return,
            Ok(length) => {
                if sender.send(piece[..length].to_vec()).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Keeps the last [`MESSAGES_MAX`] bytes of `errors`.
fn keep_last(mut errors: impl std::io::Read, kept: &Mutex<Vec<u8>>) {
    let mut piece = [0; 1024];
    loop {
        match errors.read(&mut piece) {
            Ok(0) => return,
            Ok(length) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&piece[..length]);
                let excess = kept.len().saturating_sub(MESSAGES_MAX);
                kept.drain(..excess);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> ProcessSource {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        ProcessSource::start(command, "install a shell").unwrap()
    }

    /// Everything that comes, and why it ended. The patience is far above what the scripts take.
    fn read_all(source: &mut ProcessSource) -> (Vec<u8>, String) {
        let mut bytes = Vec::new();
        let mut buffer = [0; 7];
        loop {
            match source.read(&mut buffer, Duration::from_secs(60)).unwrap() {
                Read::Bytes(length) => bytes.extend_from_slice(&buffer[..length]),
                Read::Quiet => panic!("the script is stuck"),
                Read::Ended(why) => return (bytes, why),
            }
        }
    }

    #[test]
    fn output_comes_whole_and_the_end_has_its_reason() {
        let mut source = shell("printf 'twelve bytes'; echo no luck >&2; exit 3");
        let (bytes, why) = read_all(&mut source);
        assert_eq!(bytes, b"twelve bytes");
        assert!(why.contains("exit status: 3") && why.contains("no luck"), "{why}");
    }

    #[test]
    fn a_child_hears_commands() {
        let mut source = shell("read line; printf 'got %s' \"$line\"");
        assert!(source.can_hear());
        source.write(b"acknowledge\n").unwrap();
        assert_eq!(read_all(&mut source).0, b"got acknowledge");
    }

    #[test]
    fn a_child_that_does_not_listen_blocks_nobody() {
        let mut source = shell("exec cat /dev/zero");
        for _ in 0..100 {
            source.write(&[b'x'; 4096]).unwrap();
        }
        source.stop();
        assert!(source.status().is_some());
    }

    #[test]
    fn speaking_to_a_child_that_is_gone_is_no_error() {
        let mut source = shell("exit 0");
        read_all(&mut source);
        source.write(b"anyone?\n").unwrap();
        source.write(b"anyone?\n").unwrap();
        assert!(!source.can_hear());
    }

    #[test]
    fn a_quiet_child_lets_the_reader_go() {
        let mut source = shell("exec cat");
        assert_eq!(source.read(&mut [0; 8], Duration::from_millis(1)).unwrap(), Read::Quiet);
    }

    #[test]
    fn a_child_that_ignores_the_request_to_end_is_killed() {
        let mut source = shell("trap '' TERM; echo ready; while :; do read -r line < /dev/zero; done");
        source.read(&mut [0; 8], Duration::from_secs(60)).unwrap();
        source.stop();
        assert!(source.status().is_some());
    }

    #[test]
    fn a_missing_program_is_named_with_its_remedy() {
        let error = ProcessSource::start(Command::new("/nowhere/perf-hosted"), "run make perf").unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/perf-hosted: not found; run make perf");
    }
}
