//! Is this a whole dynamic library for this machine? Decided by reading, never by opening it as one.
//!
//! The system's loader trusts its input: a library that was cut short kills the process that opens
//! it (SIGBUS at the first touch of a page that is not there), and so does one with damaged tables.
//! What can be seen from outside is therefore checked here first.

use std::{env::consts::ARCH, fmt};

use object::{
    Endianness,
    elf::{
        ELFCLASS32, ELFCLASS64, ELFDATA2LSB, ELFDATA2MSB, ELFMAG, EM_386, EM_AARCH64, EM_ARM, EM_LOONGARCH, EM_PPC64,
        EM_RISCV, EM_S390, EM_X86_64, ET_CORE, ET_DYN, ET_EXEC, ET_REL, EV_CURRENT, FileHeader64, FileType, Machine,
        PT_DYNAMIC, PT_LOAD, ProgramHeader64, SHT_NOBITS, SectionHeader64,
    },
    read::elf::{FileHeader, ProgramHeader, SectionHeader},
};

/// A file that passed every check of [`Elf::parse`].
#[derive(Debug)]
pub(super) struct Elf<'data> {
    pub(super) bytes: &'data [u8],
    pub(super) endian: Endianness,
    pub(super) segments: &'data [ProgramHeader64<Endianness>],
    pub(super) sections: &'data [SectionHeader64<Endianness>],
}

impl<'data> Elf<'data> {
    /// Checks that the bytes are a whole dynamic library which this program could open.
    pub(super) fn parse(bytes: &'data [u8]) -> Result<Self, ElfError> {
        let target = Target::of(bytes)?;
        if target != Target::of_this_program() {
            return Err(ElfError::Foreign { built_for: target, runs_on: Target::of_this_program() });
        }
        let header =
            FileHeader64::<Endianness>::parse(bytes).map_err(|_| ElfError::Malformed { part: Part::Header })?;
        let endian = target.endian();
        if header.e_version(endian) != u32::from(EV_CURRENT.0) {
            return Err(ElfError::Malformed { part: Part::Header });
        }
        if header.e_type(endian) != ET_DYN {
            return Err(ElfError::NotDynamicLibrary { found: Kind(header.e_type(endian)) });
        }
        let size = Size(bytes.len());
        size.holds_table(
            Part::ProgramHeaders,
            header.e_phoff(endian),
            header.e_phnum(endian),
            size_of::<ProgramHeader64<Endianness>>(),
        )?;
        size.holds_table(
            Part::SectionHeaders,
            header.e_shoff(endian),
            header.e_shnum(endian),
            size_of::<SectionHeader64<Endianness>>(),
        )?;
        let segments =
            header.program_headers(endian, bytes).map_err(|_| ElfError::Malformed { part: Part::ProgramHeaders })?;
        let sections =
            header.section_headers(endian, bytes).map_err(|_| ElfError::Malformed { part: Part::SectionHeaders })?;
        check_segments(segments, endian, size)?;
        check_sections(sections, endian, size)?;
        Ok(Self { bytes, endian, segments, sections })
    }
}

fn check_segments(segments: &[ProgramHeader64<Endianness>], endian: Endianness, size: Size) -> Result<(), ElfError> {
    for (number, segment) in segments.iter().enumerate() {
        let part = Part::Segment(number);
        let (offset, length) = segment.file_range(endian);
        size.holds(part, offset, length)?;
        if segment.p_type(endian) == PT_LOAD && length > segment.p_memsz(endian) {
            return Err(ElfError::Malformed { part });
        }
    }
    for needed in [PT_LOAD, PT_DYNAMIC] {
        if !segments.iter().any(|s| s.p_type(endian) == needed) {
            return Err(ElfError::Malformed { part: Part::ProgramHeaders });
        }
    }
    Ok(())
}

/// Sections mean nothing to the system's loader, but the linker writes their table last: if it and
/// all that it names is there, then nothing was cut off.
fn check_sections(sections: &[SectionHeader64<Endianness>], endian: Endianness, size: Size) -> Result<(), ElfError> {
    sections
        .iter()
        .enumerate()
        // Section 0 is no section; a SHT_NOBITS one (.bss) takes no room in the file.
        .filter(|(number, section)| *number != 0 && section.sh_type(endian) != SHT_NOBITS)
        .try_for_each(|(number, section)| {
            size.holds(Part::Section(number), section.sh_offset(endian), section.sh_size(endian))
        })
}

/// How many bytes the file has, and so what can lie within it.
#[derive(Clone, Copy)]
struct Size(usize);

impl Size {
    fn holds(self, part: Part, offset: u64, length: u64) -> Result<(), ElfError> {
        let end = offset.saturating_add(length);
        if length == 0 || end <= self.bytes() {
            Ok(())
        } else {
            Err(ElfError::Truncated { part, end, size: self.bytes() })
        }
    }

    fn holds_table(self, part: Part, offset: u64, n: u16, entry: usize) -> Result<(), ElfError> {
        // A count of 0 with an offset means that the true count stands in the first entry.
        let entries = if offset == 0 { 0 } else { u64::from(n.max(1)) };
        self.holds(part, offset, entries * entry as u64)
    }

    const fn bytes(self) -> u64 {
        self.0 as u64
    }
}

/// What a program or library is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    arch: Arch,
    bits: u8,
    big_endian: bool,
}

impl Target {
    /// What this very program is built for.
    #[must_use]
    pub const fn of_this_program() -> Self {
        Self {
            arch: Arch::Known(ARCH),
            bits: if size_of::<usize>() == 8 { 64 } else { 32 },
            big_endian: cfg!(target_endian = "big"),
        }
    }

    /// Read from the first 20 bytes, which have one layout in every ELF file.
    fn of(bytes: &[u8]) -> Result<Self, ElfError> {
        if bytes.is_empty() {
            return Err(ElfError::Empty);
        }
        if !bytes.starts_with(&ELFMAG) {
            return Err(ElfError::NotElf);
        }
        let header = size_of::<FileHeader64<Endianness>>();
        Size(bytes.len()).holds(Part::Header, 0, header as u64)?;
        let malformed = ElfError::Malformed { part: Part::Header };
        let bits = match bytes[4] {
            class if class == ELFCLASS32.0 => 32,
            class if class == ELFCLASS64.0 => 64,
            _ => return Err(malformed),
        };
        let big_endian = match bytes[5] {
            order if order == ELFDATA2LSB.0 => false,
            order if order == ELFDATA2MSB.0 => true,
            _ => return Err(malformed),
        };
        let machine = [bytes[18], bytes[19]];
        Ok(Self {
            arch: Arch::of(Machine(if big_endian { u16::from_be_bytes(machine) } else { u16::from_le_bytes(machine) })),
            bits,
            big_endian,
        })
    }

    const fn endian(self) -> Endianness {
        if self.big_endian { Endianness::Big } else { Endianness::Little }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = if self.big_endian { "big" } else { "little" };
        write!(f, "{} ({}-bit, {order}-endian)", self.arch, self.bits)
    }
}

/// An architecture, by the name that Rust gives it, or its ELF number if it has none here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arch {
    Known(&'static str),
    Numbered(u16),
}

impl Arch {
    fn of(machine: Machine) -> Self {
        Self::Known(match machine {
            EM_386 => "x86",
            EM_X86_64 => "x86_64",
            EM_ARM => "arm",
            EM_AARCH64 => "aarch64",
            EM_LOONGARCH => "loongarch64",
            EM_PPC64 => "powerpc64",
            EM_RISCV => "riscv64",
            EM_S390 => "s390x",
            Machine(number) => return Self::Numbered(number),
        })
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(name) => f.write_str(name),
            Self::Numbered(number) => write!(f, "ELF machine {number}"),
        }
    }
}

/// What sort of ELF file was found instead of a dynamic library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(FileType);

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ET_REL => f.write_str("an object file (ET_REL)"),
            ET_EXEC => f.write_str("a program (ET_EXEC)"),
            ET_CORE => f.write_str("a core dump (ET_CORE)"),
            FileType(number) => write!(f, "an ELF file of type {number}"),
        }
    }
}

/// A part of an ELF file. Segments and sections are counted from 0, as `readelf` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The file header: the first 64 bytes.
    Header,
    /// The table of program headers.
    ProgramHeaders,
    /// The table of section headers.
    SectionHeaders,
    /// One segment.
    Segment(usize),
    /// One section.
    Section(usize),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("its ELF header"),
            Self::ProgramHeaders => f.write_str("its program header table"),
            Self::SectionHeaders => f.write_str("its section header table"),
            Self::Segment(number) => write!(f, "its segment {number}"),
            Self::Section(number) => write!(f, "its section {number}"),
        }
    }
}

/// Why a file is not a dynamic library that this program could open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ElfError {
    /// Nothing is in the file.
    #[error("it is empty; copy or build it again")]
    Empty,
    /// The file does not begin as every ELF file does.
    #[error("it is not an ELF file; name a dynamic library built with countersign-plugin")]
    NotElf,
    /// The file is for another machine.
    #[error("it is built for {built_for}, this program runs on {runs_on}; build it for this target")]
    Foreign {
        /// What the file is built for.
        built_for: Target,
        /// What this program is built for.
        runs_on: Target,
    },
    /// The file is ELF, but nothing that can be loaded into a program.
    #[error("it is {found}, not a dynamic library; build it with crate-type `cdylib`")]
    NotDynamicLibrary {
        /// What it is instead.
        found: Kind,
    },
    /// The file ends before one of its parts does.
    #[error("it is cut short: {part} ends at byte {end}, the file has {size}; copy or build it again")]
    Truncated {
        /// The first part found that is not wholly there.
        part: Part,
        /// Where that part should end, in bytes from the file's start.
        end: u64,
        /// How long the file is, in bytes.
        size: u64,
    },
    /// A part contradicts the ELF specification.
    #[error("it is damaged: {part} is malformed; copy or build it again")]
    Malformed {
        /// The part that is wrong.
        part: Part,
    },
}
