//! Records on standard output, commands on standard input.

use core::time::Duration;
use std::collections::VecDeque;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::{Errno, read, write};
use rustix::stdio::{stdin, stdout};

use crate::wire::{Link, LinkError};

/// Longest wait for a reader that does not read.
const PATIENCE: Duration = Duration::from_secs(10);
/// A pipe that is writable takes so much without blocking (PIPE_BUF, pipe(7)).
const CHUNK: usize = 4096;

/// The line between a process and whoever started it.
#[derive(Debug)]
pub struct StdioLink<'fd> {
    output: BorrowedFd<'fd>,
    input: BorrowedFd<'fd>,
    received: VecDeque<u8>,
    /// Whether the other end has closed the input: no commands will come.
    is_input_closed: bool,
    /// Whether the other end reads no more.
    is_output_closed: bool,
}

impl StdioLink<'static> {
    /// The line over the process's own standard streams.
    #[must_use]
    pub fn new() -> Self {
        Self::over(stdout(), stdin())
    }
}

impl Default for StdioLink<'static> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'fd> StdioLink<'fd> {
    /// The line over any two descriptors.
    #[must_use]
    pub fn over(output: BorrowedFd<'fd>, input: BorrowedFd<'fd>) -> Self {
        Self { output, input, received: VecDeque::new(), is_input_closed: false, is_output_closed: false }
    }

    /// Whether the other end reads no more.
    #[must_use]
    pub const fn is_output_closed(&self) -> bool {
        self.is_output_closed
    }

    /// Whether the other end is gone in one direction or the other; waits a little for commands if it is not.
    pub fn is_gone_or_waits(&mut self) -> bool {
        const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };
        if self.received.is_empty() && !self.is_input_closed {
            let mut waiting = [PollFd::from_borrowed_fd(self.input, PollFlags::IN)];
            // An error shows up when the input is read.
            let _ = poll(&mut waiting, Some(&PAUSE));
        }
        self.is_output_closed || (self.is_input_closed && self.received.is_empty())
    }

    /// Takes what has arrived, without waiting.
    fn fill(&mut self) {
        let mut waiting = [PollFd::from_borrowed_fd(self.input, PollFlags::IN)];
        let is_ready = poll(&mut waiting, Some(&Timespec::default())).is_ok_and(|ready| ready > 0);
        if !is_ready {
            return;
        }
        let mut bytes = [0; 512];
        match read(self.input, &mut bytes) {
            Ok(0) => self.is_input_closed = true,
            Ok(length) => self.received.extend(&bytes[..length]),
            Err(Errno::INTR | Errno::AGAIN) => (),
            Err(_) => self.is_input_closed = true,
        }
    }

    /// Waits until the output takes bytes, until `deadline` at the latest.
    fn wait_writable(&mut self, deadline: Instant) -> Result<(), LinkError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let patience = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let mut waiting = [PollFd::from_borrowed_fd(self.output.as_fd(), PollFlags::OUT)];
        match poll(&mut waiting, Some(&patience)) {
            Ok(0) => Err(LinkError::TimedOut),
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(_) => Err(LinkError::Absent),
        }
    }
}

impl Link for StdioLink<'_> {
    fn send(&mut self, mut bytes: &[u8]) -> Result<(), LinkError> {
        if self.is_output_closed {
            return Err(LinkError::Absent);
        }
        let deadline = Instant::now() + PATIENCE;
        while !bytes.is_empty() {
            self.wait_writable(deadline)?;
            match write(self.output, &bytes[..bytes.len().min(CHUNK)]) {
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::INTR | Errno::AGAIN) if Instant::now() < deadline => (),
                Err(Errno::INTR | Errno::AGAIN) => return Err(LinkError::TimedOut),
                Err(_) => {
                    self.is_output_closed = true;
                    return Err(LinkError::Absent);
                }
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> Option<u8> {
        if self.received.is_empty() && !self.is_input_closed {
            self.fill();
        }
        self.received.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::vec::Vec;

    #[test]
    fn bytes_go_both_ways_without_waiting_for_more() {
        let (mut here, there) = UnixStream::pair().expect("sockets are to be had");
        let mut link = StdioLink::over(there.as_fd(), there.as_fd());
        assert_eq!(link.receive(), None);
        here.write_all(b"ab").expect("the socket has room");
        assert_eq!([link.receive(), link.receive(), link.receive()], [Some(b'a'), Some(b'b'), None]);
        assert_eq!(link.send(b"frame\n"), Ok(()));
        let mut got = [0; 6];
        here.read_exact(&mut got).expect("the frame is there");
        assert_eq!(&got, b"frame\n");
    }

    #[test]
    fn much_goes_out_in_pieces_while_the_other_end_reads() {
        let (mut here, there) = UnixStream::pair().expect("sockets are to be had");
        let sent: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
        let reader = std::thread::spawn(move || {
            let mut got = Vec::new();
            here.read_to_end(&mut got).map(|_| got)
        });
        assert_eq!(StdioLink::over(there.as_fd(), there.as_fd()).send(&sent), Ok(()));
        drop(there);
        assert_eq!(reader.join().expect("the reader ends").expect("it can read"), sent);
    }

    #[test]
    fn an_end_that_is_gone_is_noticed() {
        let (here, there) = UnixStream::pair().expect("sockets are to be had");
        let mut link = StdioLink::over(there.as_fd(), there.as_fd());
        assert!(!link.is_gone_or_waits());
        drop(here);
        assert_eq!(link.receive(), None);
        assert!(link.is_gone_or_waits());
        assert_eq!(link.send(b"x"), Err(LinkError::Absent));
        assert!(link.is_output_closed());
    }
}
