//! Entries of page tables.

/// What user mode may do with a page. Nothing is both writable and executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read it.
    Read,
    /// Read and write it.
    ReadWrite,
    /// Read it and run what it holds.
    ReadExecute,
}

/// What was tried with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// A read.
    Read,
    /// A write, or a read that was to be followed by one.
    Write,
    /// Fetching an instruction.
    Execute,
}

impl Access {
    /// Whether it includes `touch`.
    #[must_use]
    pub const fn allows(self, touch: Touch) -> bool {
        match touch {
            Touch::Read => true,
            Touch::Write => matches!(self, Self::ReadWrite),
            Touch::Execute => matches!(self, Self::ReadExecute),
        }
    }
}

/// One entry, of a table or of a page of 4 KiB (Intel SDM volume 3, tables 4-15 to 4-20).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Entry(pub(super) u64);

impl Entry {
    /// Nothing is there.
    pub(super) const ABSENT: Self = Self(0);
    const PRESENT: u64 = 1 << 0;
    const WRITABLE: u64 = 1 << 1;
    const USER: u64 = 1 << 2;
    const NO_EXECUTE: u64 = 1 << 63;
    const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

    /// Leads to the table at `address`. The rights of a page are those of its last entry alone.
    pub(super) const fn table(address: u64) -> Self {
        Self(address | Self::PRESENT | Self::WRITABLE | Self::USER)
    }

    /// The page at `address`.
    pub(super) const fn page(address: u64, access: Access) -> Self {
        Self(address | Self::PRESENT | Self::USER | Self::rights(access))
    }

    pub(super) const fn is_present(self) -> bool {
        self.0 & Self::PRESENT != 0
    }

    /// The frame that it leads to, of an entry that is or was present.
    pub(super) const fn address(self) -> u64 {
        self.0 & Self::ADDRESS
    }

    pub(super) const fn access(self) -> Access {
        if self.0 & Self::WRITABLE != 0 {
            Access::ReadWrite
        } else if self.0 & Self::NO_EXECUTE != 0 {
            Access::Read
        } else {
            Access::ReadExecute
        }
    }

    /// The same page with other rights.
    pub(super) const fn with_access(self, access: Access) -> Self {
        Self(self.0 & !(Self::WRITABLE | Self::NO_EXECUTE) | Self::rights(access))
    }

    /// Not present any more, but still knowing its frame.
    pub(super) const fn leaving(self) -> Self {
        Self(self.0 & !Self::PRESENT)
    }

    const fn rights(access: Access) -> u64 {
        match access {
            Access::Read => Self::NO_EXECUTE,
            Access::ReadWrite => Self::WRITABLE | Self::NO_EXECUTE,
            Access::ReadExecute => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Access; 3] = [Access::Read, Access::ReadWrite, Access::ReadExecute];

    #[test]
    fn no_page_is_writable_and_executable() {
        for access in ALL {
            let bits = Entry::page(0x1000, access).0;
            assert!(bits & Entry::WRITABLE == 0 || bits & Entry::NO_EXECUTE != 0, "{access:?}");
            assert!(!(access.allows(Touch::Write) && access.allows(Touch::Execute)));
        }
    }

    #[test]
    fn rights_change_and_the_frame_stays() {
        for (from, to) in ALL.into_iter().flat_map(|from| ALL.map(|to| (from, to))) {
            let entry = Entry::page(0x000f_1234_5678_9000, from).with_access(to);
            assert_eq!((entry.access(), entry.address()), (to, 0x000f_1234_5678_9000));
            assert!(entry.is_present() && !entry.leaving().is_present());
            assert_eq!(entry.leaving().address(), entry.address());
        }
    }
}
