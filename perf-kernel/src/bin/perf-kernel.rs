//! The bootable kernel: takes the loader's hand-over and starts the platform.

#![no_std]
#![no_main]
#![expect(unsafe_code, reason = "what the loader promises is believed here, and nowhere else")]

use core::panic::PanicInfo;
use core::slice;

use bootloader_api::config::Mapping;
use bootloader_api::{BootInfo, BootloaderConfig, entry_point};
use perf_kernel::arch::{PhysicalMemory, Ring0};
use perf_kernel::platform::bare::boot::{HandOver, start};
use perf_kernel::platform::bare::crash;

// Another file takes the place of this module where two builds are measured side by side.
#[path = "../subjects/kernel.rs"]
mod subjects;

/// Where things lie in virtual memory: the same in every boot, so that layout is no difference between two.
static CONFIG: BootloaderConfig = {
    let mut config = BootloaderConfig::new_default();
    config.kernel_stack_size = 1 << 20;
    config.mappings.physical_memory = Some(Mapping::FixedAddress(0xffff_8000_0000_0000));
    config.mappings.kernel_stack = Mapping::FixedAddress(0xffff_f000_0000_0000);
    config.mappings.boot_info = Mapping::FixedAddress(0xffff_f080_0000_0000);
    config.mappings.framebuffer = Mapping::FixedAddress(0xffff_f100_0000_0000);
    config.mappings.ramdisk_memory = Mapping::FixedAddress(0xffff_f180_0000_0000);
    // The last 2 GiB, as the code model of the target wants it.
    config.mappings.kernel_base = Mapping::FixedAddress(0xffff_ffff_8000_0000);
    config
};

entry_point!(main, config = &CONFIG);

fn main(boot_info: &'static mut BootInfo) -> ! {
    let framebuffer = boot_info.framebuffer.take();
    let boot_info: &'static BootInfo = boot_info;
    // SAFETY: the loader leaves boot services before it jumps here, and the entry switches interrupts off.
    let ring0 = unsafe { Ring0::assume() };
    let offset =
        boot_info.physical_memory_offset.into_option().expect("the configuration asks for the mapping");
    // SAFETY: the loader maps all memory at this offset, to the larger of 4 GiB and the end of the last region.
    let memory = unsafe { PhysicalMemory::new(ring0, offset, &boot_info.memory_regions) };
    let plan_file = boot_info.ramdisk_addr.into_option().map_or(&[][..], |address| {
        let length = usize::try_from(boot_info.ramdisk_len).unwrap_or(0);
        let start = core::ptr::with_exposed_provenance(usize::try_from(address).unwrap_or(0));
        // SAFETY: the loader maps the ramdisk there, that long, for good.
        unsafe { slice::from_raw_parts(start, length) }
    });
    let (allocator, subjects) = (subjects::allocator(), subjects::subjects());
    start(HandOver { ring0, boot_info, framebuffer, memory, plan_file, allocator, subjects })
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    crash::on_panic(info)
}
