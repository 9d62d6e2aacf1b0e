//! What a process has to do with signals.

use alloc::vec::Vec;

use multios_core::memory::paging::{USER_END, USER_START};

use super::signal::{Signal, SignalSet};
use super::table::SignalError;

/// Handlers that are kept: one for each number, 0 included.
const HANDLERS: usize = 64;

/// What a process does with a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// It ends, or ignores those that say nothing of importance.
    #[default]
    Default,
    /// Nothing.
    Ignore,
    /// It calls a function of its own.
    Handle(Handler),
}

/// A function of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handler {
    entry: u64,
    return_to: u64,
}

impl Handler {
    /// The function at `entry`, which returns to `return_to`; `None` if one of the two is not in user memory.
    #[must_use]
    pub const fn new(entry: u64, return_to: u64) -> Option<Self> {
        const fn is_user(address: u64) -> bool {
            USER_START <= address && address < USER_END
        }
        if is_user(entry) && is_user(return_to) { Some(Self { entry, return_to }) } else { None }
    }

    /// Where it begins.
    #[must_use]
    pub const fn entry(self) -> u64 {
        self.entry
    }

    /// Where it returns to.
    #[must_use]
    pub const fn return_to(self) -> u64 {
        self.return_to
    }
}

/// What is to be done before the program goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Nothing,
    /// The process ends by this signal.
    End(Signal),
    /// The handler is called, which gives the mask back when it returns.
    Call {
        /// For this signal.
        signal: Signal,
        /// The function.
        handler: Handler,
        /// What was blocked before.
        mask: SignalSet,
    },
}

/// The signals of one process: what it does with each, which it blocks and which wait for it.
#[derive(Debug)]
pub struct Signals {
    /// By number; empty as long as no signal had one.
    handlers: Vec<Handler>,
    /// Those that have a handler.
    caught: SignalSet,
    /// Those that are lost.
    ignored: SignalSet,
    mask: SignalSet,
    pending: SignalSet,
}

impl Default for Signals {
    fn default() -> Self {
        Self::new()
    }
}

impl Signals {
    /// Nothing blocked, nothing that waits, and the default for all.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            handlers: Vec::new(),
            caught: SignalSet::NONE,
            ignored: SignalSet::NONE.with(Signal::CHLD),
            mask: SignalSet::NONE,
            pending: SignalSet::NONE,
        }
    }

    /// What is blocked.
    #[must_use]
    pub const fn mask(&self) -> SignalSet {
        self.mask
    }

    /// Blocks the signals of `bits`, but never KILL, and no others; says which were blocked before.
    pub const fn set_mask(&mut self, bits: u64) -> SignalSet {
        let before = self.mask;
        self.mask = SignalSet::blockable(bits);
        before
    }

    /// Says what `signal` does from now on. One that is to be ignored does not wait any more.
    ///
    /// # Errors
    /// The signal is KILL, or there is no memory.
    pub fn set_action(&mut self, signal: Signal, action: Action) -> Result<(), SignalError> {
        if signal == Signal::KILL {
            return Err(SignalError::NoSignal);
        }
        let (mut caught, mut ignored) = (self.caught.without(signal), self.ignored.without(signal));
        match action {
            Action::Default if signal != Signal::CHLD => {}
            Action::Default | Action::Ignore => {
                ignored = ignored.with(signal);
                self.pending = self.pending.without(signal);
            }
            Action::Handle(handler) => {
                if self.handlers.is_empty() {
                    self.handlers.try_reserve_exact(HANDLERS).map_err(|_| SignalError::OutOfMemory)?;
                    self.handlers.resize(HANDLERS, handler);
                }
                if let Some(place) = self.handlers.get_mut(usize::from(signal.number())) {
                    *place = handler;
                }
                caught = caught.with(signal);
            }
        }
        (self.caught, self.ignored) = (caught, ignored);
        Ok(())
    }

    /// Makes `signal` wait for the process, once however often it is sent; whether there is something to do for it now.
    pub fn send(&mut self, signal: Signal) -> bool {
        if self.ignored.has(signal) {
            return false;
        }
        self.pending = self.pending.with(signal);
        !self.mask.has(signal)
    }

    /// Whether something is to be done before the program goes on.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready() != SignalSet::NONE
    }

    /// What is to be done before the program goes on: asked until there is nothing. A signal that ends the process, the
    /// lowest if there are several, comes before all that have a handler; of these the highest comes first, so that the
    /// handler of the lowest, which is called last, runs first. A handler's own signal is blocked while it runs.
    pub fn take_next(&mut self) -> Next {
        let ready = self.ready();
        // What is ignored does not wait.
        if let Some(signal) = ready.less(self.caught).lowest() {
            return Next::End(signal);
        }
        match ready.highest().and_then(|signal| Some((signal, self.handler(signal)?))) {
            Some((signal, handler)) => {
                self.pending = self.pending.without(signal);
                self.begin(signal, handler)
            }
            None => Next::Nothing,
        }
    }

    /// What is to be done for a fault of the program that counts as `signal`: a handler is called at once, unless the
    /// signal is blocked. Without one the fault itself ends the process.
    pub fn take_of_fault(&mut self, signal: Signal) -> Next {
        match self.handler(signal) {
            Some(handler) if self.handles_fault(signal) => self.begin(signal, handler),
            _ => Next::Nothing,
        }
    }

    /// Whether a fault that counts as `signal` is for a handler.
    #[must_use]
    pub const fn handles_fault(&self, signal: Signal) -> bool {
        self.caught.less(self.mask).has(signal)
    }

    fn begin(&mut self, signal: Signal, handler: Handler) -> Next {
        let mask = self.mask;
        self.mask = mask.with(signal);
        Next::Call { signal, handler, mask }
    }

    const fn ready(&self) -> SignalSet {
        self.pending.less(self.mask)
    }

    fn handler(&self, signal: Signal) -> Option<Handler> {
        self.handlers.get(usize::from(signal.number())).copied()
    }
}
